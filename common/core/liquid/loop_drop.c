/* What forloop and tablerowloop answer. */
#include "core/liquid/value.h"

static bool common_property(const struct loop_drop *d, struct slice key, struct liquid_value *value)
{
    if (slice_is(key, "index")) {
        *value = value_int(d->index + 1);
    } else if (slice_is(key, "index0")) {
        *value = value_int(d->index);
    } else if (slice_is(key, "first")) {
        *value = value_bool(d->index == 0);
    } else if (slice_is(key, "last")) {
        *value = value_bool(d->index + 1 == d->length);
    } else if (slice_is(key, "length")) {
        *value = value_int(d->length);
    } else if (slice_is(key, "rindex")) {
        *value = value_int(d->length - d->index);
    } else if (slice_is(key, "rindex0")) {
        *value = value_int(d->length - d->index - 1);
    } else {
        return false;
    }
    return true;
}

static struct liquid_value table_property(const struct loop_drop *d, struct slice key)
{
    if (slice_is(key, "col")) {
        return value_int(d->column);
    }
    if (slice_is(key, "col0")) {
        return value_int(d->column - 1);
    }
    if (slice_is(key, "col_first")) {
        return value_bool(d->column == 1);
    }
    if (slice_is(key, "col_last")) {
        return value_bool(d->column == d->columns);
    }
    return slice_is(key, "row") ? value_int(d->row) : value_from_json(NULL);
}

/* "item-items"; the loop of a render has the name of its partial. */
static struct slice loop_name(struct liquid_run *run, const struct loop_drop *d)
{
    struct text name;

    text_init(&name, run);
    text_add(&name, d->variable);
    if (d->source.len) {
        text_add_char(&name, '-');
        text_add(&name, d->source);
    }
    return text_slice(&name);
}

struct liquid_value drop_property(struct liquid_run *run, const struct loop_drop *d, struct slice key)
{
    struct liquid_value value;

    if (common_property(d, key, &value)) {
        return value;
    }
    if (d->is_table) {
        return table_property(d, key);
    }
    if (slice_is(key, "parentloop")) {
        return d->parent ? (struct liquid_value){.kind = LIQUID_DROP, .drop = d->parent} : value_nil();
    }
    return slice_is(key, "name") ? value_string(loop_name(run, d)) : value_from_json(NULL);
}
