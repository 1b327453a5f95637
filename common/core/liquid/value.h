/*
 * value: what Liquid values mean: truth, equality, order, text, and lists of any kind.
 *
 * A list is an array of the caller's data, an array made by a filter, or a range. An object behaves as one value;
 * loops turn it into pairs.
 */
#ifndef CORE_LIQUID_VALUE_H
#define CORE_LIQUID_VALUE_H

#include "core/liquid/run.h"

static inline struct liquid_value value_nil(void)
{
    return (struct liquid_value){.kind = LIQUID_NIL};
}
static inline struct liquid_value value_bool(bool boolean)
{
    return (struct liquid_value){.kind = LIQUID_BOOL, .boolean = boolean};
}
static inline struct liquid_value value_int(int64_t integer)
{
    return (struct liquid_value){.kind = LIQUID_INT, .integer = integer};
}
static inline struct liquid_value value_float(double number)
{
    return (struct liquid_value){.kind = LIQUID_FLOAT, .number = number};
}
static inline struct liquid_value value_string(struct slice string)
{
    return (struct liquid_value){.kind = LIQUID_STRING, .string = string};
}
static inline struct liquid_value value_array(const struct liquid_value *items, size_t count)
{
    return (struct liquid_value){.kind = LIQUID_ARRAY, .array = {items, count}};
}
/* NULL is undefined. */
struct liquid_value value_from_json(json_t *json);

static inline bool value_is_nil(const struct liquid_value *v)
{
    return v->kind == LIQUID_NIL || v->kind == LIQUID_UNDEFINED;
}
static inline bool value_is_true(const struct liquid_value *v)
{
    return !(value_is_nil(v) || (v->kind == LIQUID_BOOL && !v->boolean));
}
/* Array of the data or of a filter, not a range. */
bool value_is_array(const struct liquid_value *v);
bool value_is_object(const struct liquid_value *v);
bool value_is_list(const struct liquid_value *v); /* an array or a range */
size_t value_count(const struct liquid_value *list);
struct liquid_value value_at(const struct liquid_value *list, size_t index);
/* "", [] and {}. */
bool value_is_empty(const struct liquid_value *v);
bool value_is_blank(const struct liquid_value *v);
/* [key, value] pairs of an object; an empty array when the run has failed. */
struct liquid_value value_pairs(struct liquid_run *run, json_t *object);

bool value_equal(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b);
/* As sorting sees it: -1, 0, 1 in `order`; false when the two cannot be compared. */
bool value_compare(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b, int *order);
bool value_contains(struct liquid_run *run, const struct liquid_value *v, const struct liquid_value *part);

/* What is printed: a list is its items without anything between. Borrowed from the value or the run. */
struct slice value_text(struct liquid_run *run, const struct liquid_value *v);
/* What filters for texts work on: a list is [1, "a"] there. */
struct slice value_shown(struct liquid_run *run, const struct liquid_value *v);
void value_add_text(struct text *text, const struct liquid_value *v);
enum { FLOAT_TEXT_SIZE = 40 };
/* Shortest form that reads back the same, always with a point: 1.0, 0.1, 1.0e+20. */
size_t float_format(double number, char text[FLOAT_TEXT_SIZE]);
size_t int_format(int64_t number, char text[FLOAT_TEXT_SIZE]);

/* The next step of a variable; UNDEFINED when there is nothing. */
struct liquid_value value_property(struct liquid_run *run, const struct liquid_value *v, const struct liquid_value *key,
                                   enum step_command command);

/* Integer of a value as loops and filters want it; false when it is none ("abc", 1.5). */
bool value_to_integer(const struct liquid_value *v, int64_t *integer);
/* "12abc" is 12, "abc" is 0. */
int64_t text_to_integer(struct slice text);

/* forloop and tablerowloop (loop_drop.c). */
struct loop_drop {
    bool is_table;
    int64_t index; /* from 0 */
    int64_t length;
    int64_t column, columns, row; /* table: from 1 */
    struct slice variable, source;
    const struct loop_drop *parent;
};
struct liquid_value drop_property(struct liquid_run *run, const struct loop_drop *drop, struct slice key);

#endif
