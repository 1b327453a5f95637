/*
 * filters: the standard filters by name, with the number of arguments each takes.
 */
#ifndef CORE_LIQUID_FILTERS_H
#define CORE_LIQUID_FILTERS_H

#include "core/liquid/liquid.h"

struct standard_filter {
    const char *name;
    uint8_t min_args, max_args;
    liquid_filter_fn fn;
};

/* NULL when there is none. */
const struct standard_filter *filters_find(struct slice name);
/* The name most like it, of the standard filters and `extra` (may be NULL); NULL when none is near. */
const char *filters_nearest(struct slice name, const struct liquid_filter *extra);

/* filters_string.c, filters_text.c, filters_html.c, filters_array.c, filters_select.c, filters_math.c,
 * filters_date.c: all of type liquid_filter_fn. */
#define STANDARD_FILTERS(X)                                                                                            \
    X(abs, 0, 0)                                                                                                       \
    X(append, 1, 1)                                                                                                    \
    X(at_least, 1, 1)                                                                                                  \
    X(at_most, 1, 1)                                                                                                   \
    X(base64_decode, 0, 0)                                                                                             \
    X(base64_encode, 0, 0)                                                                                             \
    X(base64_url_safe_decode, 0, 0)                                                                                    \
    X(base64_url_safe_encode, 0, 0)                                                                                    \
    X(capitalize, 0, 0)                                                                                                \
    X(ceil, 0, 0)                                                                                                      \
    X(compact, 0, 1)                                                                                                   \
    X(concat, 1, 1)                                                                                                    \
    X(date, 1, 1)                                                                                                      \
    X(default, 0, 1)                                                                                                   \
    X(divided_by, 1, 1)                                                                                                \
    X(downcase, 0, 0)                                                                                                  \
    X(escape, 0, 0)                                                                                                    \
    X(escape_once, 0, 0)                                                                                               \
    X(find, 1, 2)                                                                                                      \
    X(find_index, 1, 2)                                                                                                \
    X(first, 0, 0)                                                                                                     \
    X(floor, 0, 0)                                                                                                     \
    X(h, 0, 0)                                                                                                         \
    X(has, 1, 2)                                                                                                       \
    X(join, 0, 1)                                                                                                      \
    X(last, 0, 0)                                                                                                      \
    X(lstrip, 0, 0)                                                                                                    \
    X(map, 1, 1)                                                                                                       \
    X(minus, 1, 1)                                                                                                     \
    X(modulo, 1, 1)                                                                                                    \
    X(newline_to_br, 0, 0)                                                                                             \
    X(plus, 1, 1)                                                                                                      \
    X(prepend, 1, 1)                                                                                                   \
    X(raw, 0, 0)                                                                                                       \
    X(reject, 1, 2)                                                                                                    \
    X(remove, 1, 1)                                                                                                    \
    X(remove_first, 1, 1)                                                                                              \
    X(remove_last, 1, 1)                                                                                               \
    X(replace, 1, 2)                                                                                                   \
    X(replace_first, 1, 2)                                                                                             \
    X(replace_last, 2, 2)                                                                                              \
    X(reverse, 0, 0)                                                                                                   \
    X(round, 0, 1)                                                                                                     \
    X(rstrip, 0, 0)                                                                                                    \
    X(size, 0, 0)                                                                                                      \
    X(slice, 1, 2)                                                                                                     \
    X(sort, 0, 1)                                                                                                      \
    X(sort_natural, 0, 1)                                                                                              \
    X(split, 1, 1)                                                                                                     \
    X(strip, 0, 0)                                                                                                     \
    X(strip_html, 0, 0)                                                                                                \
    X(strip_newlines, 0, 0)                                                                                            \
    X(sum, 0, 1)                                                                                                       \
    X(times, 1, 1)                                                                                                     \
    X(truncate, 0, 2)                                                                                                  \
    X(truncatewords, 0, 2)                                                                                             \
    X(uniq, 0, 1)                                                                                                      \
    X(upcase, 0, 0)                                                                                                    \
    X(url_decode, 0, 0)                                                                                                \
    X(url_encode, 0, 0)                                                                                                \
    X(where, 1, 2)

#define DECLARE_FILTER(name, min, max)                                                                                 \
    bool filter_##name(const struct liquid_call *call, struct liquid_value *result, struct err *err);
STANDARD_FILTERS(DECLARE_FILTER)
#undef DECLARE_FILTER

#endif
