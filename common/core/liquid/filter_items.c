/* The list that filters for lists see, and a property of one of its items. */
#include <math.h>
#include <string.h>

#include "core/liquid/filter_support.h"

/* --- the list a filter sees ----------------------------------------------------------------- */

/* Number of items after flattening, or fills `to` with them. */
static size_t flatten(struct liquid_run *run, const struct liquid_value *list, struct liquid_value *to)
{
    size_t n = 0;
    size_t count = value_count(list);

    if (run->depth >= run->max_depth) {
        run_fail(run, 0, "data is nested too deep");
        return 0;
    }
    run->depth++;
    for (size_t i = 0; i < count && run_work(run, 1); i++) {
        struct liquid_value item = value_at(list, i);

        if (value_is_array(&item)) {
            n += flatten(run, &item, to ? to + n : NULL);
        } else {
            if (to) {
                to[n] = item;
            }
            n++;
        }
    }
    run->depth--;
    return n;
}

static bool has_nested(struct liquid_run *run, const struct liquid_value *list)
{
    for (size_t i = 0; i < value_count(list) && run_work(run, 1); i++) {
        struct liquid_value item = value_at(list, i);

        if (value_is_array(&item)) {
            return true;
        }
    }
    return false;
}

struct liquid_value input_list(const struct liquid_call *call)
{
    struct liquid_run *run = call->run;
    const struct liquid_value *in = &call->input;
    struct liquid_value *items;
    size_t count;

    if (in->kind == LIQUID_RANGE) {
        return *in;
    }
    if (value_is_nil(in) || in->kind == LIQUID_EMPTY || in->kind == LIQUID_BLANK) {
        return value_array(NULL, 0);
    }
    if (!value_is_array(in)) {
        items = run_alloc(run, sizeof(*items));
        if (items) {
            *items = *in;
        }
        return value_array(items, items ? 1 : 0);
    }
    if (!has_nested(run, in)) {
        return *in;
    }
    count = flatten(run, in, NULL);
    items = run_alloc_items(run, count, sizeof(*items));
    return value_array(items, items ? flatten(run, in, items) : 0);
}

/* --- properties as the reference sees them -------------------------------------------------- */

static size_t char_end(struct slice text, size_t at)
{
    do {
        at++;
    } while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    return at;
}

/* The n-th character, from the end when n is negative. */
static struct liquid_value character_at(struct liquid_run *run, struct slice text, int64_t n)
{
    size_t at = n < 0 ? text.len : 0;
    size_t end;

    run_work(run, text.len / WORK_BYTES);
    for (; n < 0 && at > 0; n++) {
        do {
            at--;
        } while (at > 0 && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    }
    for (; n > 0 && at < text.len; n--) {
        at = char_end(text, at);
    }
    if (n != 0 || at == text.len) {
        return value_nil();
    }
    end = char_end(text, at);
    return value_string(slice_make(text.data + at, end - at));
}

static bool text_property(struct liquid_run *run, struct slice text, const struct liquid_value *key,
                          struct liquid_value *value, struct err *err)
{
    *value = value_nil();
    switch (key->kind) {
    case LIQUID_STRING:
        run_work(run, text.len / WORK_BYTES);
        if (!key->string.len || memmem(text.data, text.len, key->string.data, key->string.len)) {
            *value = *key;
        }
        return true;
    case LIQUID_INT:
        *value = character_at(run, text, key->integer);
        return true;
    case LIQUID_FLOAT:
        if (fabs(key->number) < 1e15) {
            *value = character_at(run, text, (int64_t)key->number);
        }
        return true;
    default:
        return err_set(err, "cannot take that property of a text");
    }
}

/* The reference lets a number be asked for its bits. */
static int64_t bit_of(int64_t number, int64_t bit)
{
    if (bit < 0) {
        return 0;
    }
    return bit < 63 ? (number >> bit) & 1 : number < 0;
}

bool item_property(const struct liquid_call *call, const struct liquid_value *item, const struct liquid_value *key,
                   struct liquid_value *value, bool *has_none, struct err *err)
{
    *has_none = false;
    *value = value_nil();
    switch (item->kind) {
    case LIQUID_JSON:
    case LIQUID_ARRAY:
    case LIQUID_DROP:
        *value = value_property(call->run, item, key, STEP_NONE);
        return true;
    case LIQUID_STRING:
        return text_property(call->run, item->string, key, value, err);
    case LIQUID_INT:
        if (key->kind == LIQUID_FLOAT && fabs(key->number) < 1e15) {
            *value = value_int(bit_of(item->integer, (int64_t)key->number));
            return true;
        }
        if (key->kind != LIQUID_INT) {
            return err_set(err, "a number has no properties");
        }
        *value = value_int(bit_of(item->integer, key->integer));
        return true;
    default:
        *has_none = true;
        return true;
    }
}
