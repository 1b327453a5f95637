/* Filters for lists as a whole: join, sort, uniq, concat and the like. */
#include <stdlib.h>
#include <strings.h>

#include "core/liquid/filter_support.h"

/* A list of our own to work on. */
static struct liquid_value *copy_list(struct liquid_run *run, const struct liquid_value *list, size_t extra)
{
    size_t count = value_count(list);
    struct liquid_value *items = run_alloc_items(run, count > SIZE_MAX / 64 ? SIZE_MAX : count + extra, sizeof(*items));

    for (size_t i = 0; items && i < count && run_work(run, 1); i++) {
        items[i] = value_at(list, i);
    }
    return items;
}

/* --- simple ones ---------------------------------------------------------------------------- */

bool filter_join(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    struct slice glue = call->arg_count ? arg_text(call, 0) : SLICE(" ");
    struct text text;

    (void)err;
    text_init(&text, call->run);
    for (size_t i = 0; i < value_count(&list) && run_work(call->run, 1); i++) {
        struct liquid_value item = value_at(&list, i);

        if (i) {
            text_add(&text, glue);
        }
        value_add_text(&text, &item);
    }
    return give_text(result, text_slice(&text));
}

bool filter_first(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = call->input;

    (void)err;
    if (list.kind == LIQUID_RANGE) {
        return give(result, value_int(list.range.first)); /* even when nothing is between the ends */
    }
    if (value_is_object(&list)) {
        list = value_pairs(call->run, list.json);
    }
    if (!value_is_list(&list) || !value_count(&list)) {
        return give(result, value_nil());
    }
    return give(result, value_at(&list, 0));
}

bool filter_last(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    size_t count = value_is_list(&call->input) ? value_count(&call->input) : 0;

    (void)err;
    if (call->input.kind == LIQUID_RANGE) {
        return give(result, value_int(call->input.range.last));
    }
    return give(result, count ? value_at(&call->input, count - 1) : value_nil());
}

bool filter_reverse(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    size_t count = value_count(&list);
    struct liquid_value *items = copy_list(call->run, &list, 0);

    (void)err;
    for (size_t i = 0; items && i < count / 2; i++) {
        struct liquid_value item = items[i];

        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
    return give(result, value_array(items, items ? count : 0));
}

bool filter_concat(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    const struct liquid_value *more = &call->args[0];
    size_t count = value_count(&list);
    struct liquid_value *items;

    if (!value_is_array(more)) {
        return err_set(err, "the argument must be an array");
    }
    items = copy_list(call->run, &list, value_count(more));
    for (size_t i = 0; items && i < value_count(more) && run_work(call->run, 1); i++) {
        items[count + i] = value_at(more, i);
    }
    return give(result, value_array(items, items ? count + value_count(more) : 0));
}

/* --- sort ----------------------------------------------------------------------------------- */

struct sorted {
    struct liquid_value item, key;
};

struct sorting {
    struct liquid_run *run;
    bool is_natural; /* by text, capitals as small letters */
    bool has_failed;
};

static int natural_order(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b)
{
    struct slice x = value_shown(run, a);
    struct slice y = value_shown(run, b);
    size_t len = x.len < y.len ? x.len : y.len;
    int order = 0;

    run_work(run, len / WORK_BYTES);
    for (size_t i = 0; i < len && !order; i++) {
        order = strncasecmp(x.data + i, y.data + i, 1);
        order = x.data[i] == y.data[i] ? 0 : order;
    }
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* nil comes last. */
static int sort_order(struct sorting *s, const struct liquid_value *a, const struct liquid_value *b)
{
    int order = 0;

    if (!run_work(s->run, 1) || s->has_failed) {
        return 0;
    }
    if (value_is_nil(a) || value_is_nil(b)) {
        return value_is_nil(a) - value_is_nil(b);
    }
    if (s->is_natural) {
        return natural_order(s->run, a, b);
    }
    s->has_failed = !value_compare(s->run, a, b, &order);
    return order;
}

/* Merge sort: equal items keep their order. */
static void sort_items(struct sorting *s, struct sorted *items, struct sorted *spare, size_t count)
{
    size_t half = count / 2;
    size_t a = 0;
    size_t b = half;

    if (count < 2 || s->has_failed || s->run->has_failed) {
        return;
    }
    sort_items(s, items, spare, half);
    sort_items(s, items + half, spare, count - half);
    for (size_t i = 0; i < count; i++) {
        bool takes_a = b == count || (a < half && sort_order(s, &items[a].key, &items[b].key) <= 0);

        spare[i] = takes_a ? items[a++] : items[b++];
    }
    memcpy(items, spare, count * sizeof(*items));
}

/* Keys of the items; nobody asks one item alone for its key. `has_none`: an item has no properties, the result is
 * then nil. */
static bool fill_keys(const struct liquid_call *call, const struct liquid_value *list, size_t least,
                      struct sorted *items, bool *has_none, struct err *err)
{
    bool by_key = call->arg_count && !value_is_nil(&call->args[0]) && value_count(list) >= least;

    for (size_t i = 0; i < value_count(list) && run_work(call->run, 1); i++) {
        items[i].item = items[i].key = value_at(list, i);
        if (by_key && !item_property(call, &items[i].item, &call->args[0], &items[i].key, has_none, err)) {
            return false;
        }
        if (*has_none) {
            return true;
        }
    }
    return true;
}

/* Whether an item can have no properties at all; then nothing is sorted by one. */
static bool lacks_properties(struct liquid_run *run, const struct liquid_value *list)
{
    for (size_t i = 0; i < value_count(list) && run_work(run, 1); i++) {
        struct liquid_value item = value_at(list, i);

        if (item.kind == LIQUID_BOOL || item.kind == LIQUID_FLOAT || item.kind == LIQUID_RANGE ||
            value_is_nil(&item)) {
            return true;
        }
    }
    return false;
}

static bool sort_by(const struct liquid_call *call, bool is_natural, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    size_t count = value_count(&list);
    struct sorted *items = run_alloc_items(call->run, count > SIZE_MAX / 128 ? SIZE_MAX : count * 2, sizeof(*items));
    struct sorting sorting = {.run = call->run, .is_natural = is_natural};
    struct liquid_value *out;
    bool has_none = false;

    *result = value_nil();
    if (!items) {
        return true;
    }
    if (call->arg_count && !value_is_nil(&call->args[0]) && lacks_properties(call->run, &list)) {
        return true;
    }
    if (!fill_keys(call, &list, 2, items, &has_none, err)) {
        return false;
    }
    if (has_none || call->run->has_failed) {
        return true;
    }
    sort_items(&sorting, items, items + count, count);
    if (sorting.has_failed) {
        return err_set(err, "values of different kinds cannot be sorted");
    }
    out = run_alloc_items(call->run, count, sizeof(*out));
    for (size_t i = 0; out && i < count; i++) {
        out[i] = items[i].item;
    }
    return give(result, value_array(out, out ? count : 0));
}

bool filter_sort(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return sort_by(call, false, result, err);
}

bool filter_sort_natural(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return sort_by(call, true, result, err);
}

/* --- uniq and compact ----------------------------------------------------------------------- */

static bool is_same(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b)
{
    if ((a->kind == LIQUID_INT) != (b->kind == LIQUID_INT)) {
        return false; /* 1 and 1.0 are two things here */
    }
    return run_work(run, 1) && value_equal(run, a, b);
}

static bool is_among(struct liquid_run *run, const struct sorted *items, size_t count, const struct liquid_value *key)
{
    for (size_t i = 0; i < count && !run->has_failed; i++) {
        if (is_same(run, &items[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* Keeps the items whose key is new (uniq) or not nil (compact). */
static bool keep_some(const struct liquid_call *call, bool is_uniq, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    size_t count = value_count(&list);
    struct sorted *items = run_alloc_items(call->run, count, sizeof(*items));
    struct liquid_value *out = run_alloc_items(call->run, count, sizeof(*out));
    bool has_none = false;
    size_t kept = 0;

    *result = value_nil();
    if (!items || !out) {
        return true;
    }
    if (!fill_keys(call, &list, is_uniq ? 2 : 1, items, &has_none, err)) {
        return false;
    }
    for (size_t i = 0; i < count && !has_none && !call->run->has_failed; i++) {
        bool keeps = is_uniq ? !is_among(call->run, items, kept, &items[i].key) : !value_is_nil(&items[i].key);

        if (keeps) {
            out[kept] = items[i].item;
            items[kept++] = items[i];
        }
    }
    return has_none || give(result, value_array(out, kept));
}

bool filter_uniq(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return keep_some(call, true, result, err);
}

bool filter_compact(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return keep_some(call, false, result, err);
}
