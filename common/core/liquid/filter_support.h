/*
 * filter_support: what the standard filters share. Memory that is refused has failed the run already, so a filter
 * then returns true with any result.
 */
#ifndef CORE_LIQUID_FILTER_SUPPORT_H
#define CORE_LIQUID_FILTER_SUPPORT_H

#include "core/liquid/filters.h"
#include "core/liquid/value.h"

static inline struct slice input_text(const struct liquid_call *call)
{
    return value_shown(call->run, &call->input);
}

/* Text of an argument; empty when it is absent. */
static inline struct slice arg_text(const struct liquid_call *call, size_t index)
{
    return index < call->arg_count ? value_shown(call->run, &call->args[index]) : slice_make("", 0);
}

static inline bool give_text(struct liquid_value *result, struct slice text)
{
    *result = value_string(text);
    return true;
}

/* Text that is as safe for the output as the input was. */
static inline bool give_text_like(const struct liquid_call *call, struct liquid_value *result, struct slice text)
{
    *result = value_string(text);
    result->is_safe = call->input.is_safe;
    return true;
}

static inline bool give(struct liquid_value *result, struct liquid_value value)
{
    *result = value;
    return true;
}

/* An integer argument, where texts of digits count too. */
bool arg_integer(const struct liquid_call *call, size_t index, int64_t *integer, struct err *err);

/* filter_items.c: the input as the list that filters for lists see: arrays flattened, an object or a scalar as a list of one, nil as
 * an empty one. */
struct liquid_value input_list(const struct liquid_call *call);

/* item[key], as where, map and sum take it; fails for what has no properties of that kind (a number by name).
 * `has_none`: the item has no properties at all (nil, true, 1.5). */
bool item_property(const struct liquid_call *call, const struct liquid_value *item, const struct liquid_value *key,
                   struct liquid_value *value, bool *has_none, struct err *err);

/* Appends `text` escaped for HTML. */
void add_escaped(struct text *out, struct slice text);

#endif
