/* Filters that ask every item for a property: where, reject, find, find_index, has, map; and default. */
#include "core/liquid/filter_support.h"
#include "core/liquid/lexer.h"

/* --- selecting ------------------------------------------------------------------------------ */

enum answer { NO, YES, NOTHING }; /* NOTHING: an item without properties, the whole result is nil */

static enum answer test_item(const struct liquid_call *call, const struct liquid_value *item, struct err *err)
{
    bool has_target = call->arg_count > 1 && !value_is_nil(&call->args[1]);
    struct liquid_value value;
    bool has_none;

    run_work(call->run, 1);
    if (!item_property(call, item, &call->args[0], &value, &has_none, err) || has_none) {
        return NOTHING;
    }
    if (has_target) {
        return value_equal(call->run, &value, &call->args[1]) ? YES : NO;
    }
    return value_is_true(&value) ? YES : NO;
}

static bool select_items(const struct liquid_call *call, enum answer wanted, struct liquid_value *result,
                         struct err *err)
{
    struct liquid_value list = input_list(call);
    size_t count = value_count(&list);
    struct liquid_value *items = run_alloc_items(call->run, count, sizeof(*items));
    size_t kept = 0;

    *result = value_nil();
    for (size_t i = 0; items && i < count && !call->run->has_failed; i++) {
        struct liquid_value item = value_at(&list, i);
        enum answer answer = test_item(call, &item, err);

        if (answer == NOTHING) {
            return !err_is_set(err);
        }
        if (answer == wanted) {
            items[kept++] = item;
        }
    }
    return give(result, value_array(items, kept));
}

bool filter_where(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return select_items(call, YES, result, err);
}

bool filter_reject(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return select_items(call, NO, result, err);
}

/* Index of the first item that matches; -1: none. */
static bool find_item(const struct liquid_call *call, struct liquid_value *list, int64_t *index, bool *is_nothing,
                      struct err *err)
{
    *list = input_list(call);
    *index = -1;
    *is_nothing = false;
    for (size_t i = 0; i < value_count(list) && !call->run->has_failed; i++) {
        struct liquid_value item = value_at(list, i);
        enum answer answer = test_item(call, &item, err);

        *is_nothing = answer == NOTHING;
        if (answer != NO) {
            *index = answer == YES ? (int64_t)i : -1;
            break;
        }
    }
    return !err_is_set(err);
}

bool filter_find(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list;
    int64_t index;
    bool is_nothing;

    if (!find_item(call, &list, &index, &is_nothing, err)) {
        return false;
    }
    return give(result, index >= 0 ? value_at(&list, (size_t)index) : value_nil());
}

bool filter_find_index(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list;
    int64_t index;
    bool is_nothing;

    if (!find_item(call, &list, &index, &is_nothing, err)) {
        return false;
    }
    return give(result, index >= 0 ? value_int(index) : value_nil());
}

bool filter_has(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list;
    int64_t index;
    bool is_nothing;

    if (!find_item(call, &list, &index, &is_nothing, err)) {
        return false;
    }
    return give(result, is_nothing ? value_nil() : value_bool(index >= 0));
}

bool filter_map(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct liquid_value list = input_list(call);
    size_t count = value_count(&list);
    struct liquid_value *items = run_alloc_items(call->run, count, sizeof(*items));
    bool has_none;

    for (size_t i = 0; items && i < count && run_work(call->run, 1); i++) {
        struct liquid_value item = value_at(&list, i);

        if (!item_property(call, &item, &call->args[0], &items[i], &has_none, err)) {
            return false;
        }
        if (items[i].kind == LIQUID_UNDEFINED) {
            items[i].kind = LIQUID_NIL;
        }
    }
    return give(result, value_array(items, items ? count : 0));
}

/* --- default -------------------------------------------------------------------------------- */

bool filter_default(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    bool allows_false = false;
    bool is_missing;

    for (size_t i = 0; i < call->named_count; i++) {
        if (!slice_is(call->named[i].name, "allow_false")) {
            return err_set(err, "unknown argument \"%.*s\"; there is allow_false", (int)call->named[i].name.len,
                           call->named[i].name.data);
        }
        allows_false = value_is_true(&call->named[i].value);
    }
    is_missing = allows_false ? value_is_nil(&call->input) : !value_is_true(&call->input);
    if (!is_missing && !value_is_empty(&call->input)) {
        return give(result, call->input);
    }
    return give(result, call->arg_count ? call->args[0] : value_string(SLICE("")));
}
