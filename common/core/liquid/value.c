#include "core/liquid/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/liquid/lexer.h"

struct liquid_value value_from_json(json_t *json)
{
    switch (json ? (int)json_typeof(json) : -1) {
    case JSON_STRING:
        return value_string(slice_make(json_string_value(json), json_string_length(json)));
    case JSON_INTEGER:
        return value_int(json_integer_value(json));
    case JSON_REAL:
        return value_float(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return value_bool(json_is_true(json));
    case JSON_NULL:
        return value_nil();
    case JSON_ARRAY:
    case JSON_OBJECT:
        return (struct liquid_value){.kind = LIQUID_JSON, .json = json};
    default:
        return (struct liquid_value){.kind = LIQUID_UNDEFINED};
    }
}

bool value_is_array(const struct liquid_value *v)
{
    return v->kind == LIQUID_ARRAY || (v->kind == LIQUID_JSON && json_is_array(v->json));
}

bool value_is_object(const struct liquid_value *v)
{
    return v->kind == LIQUID_JSON && json_is_object(v->json);
}

bool value_is_list(const struct liquid_value *v)
{
    return v->kind == LIQUID_RANGE || value_is_array(v);
}

size_t value_count(const struct liquid_value *v)
{
    switch (v->kind) {
    case LIQUID_ARRAY:
        return v->array.count;
    case LIQUID_JSON:
        return json_is_array(v->json) ? json_array_size(v->json) : json_object_size(v->json);
    case LIQUID_RANGE:
        if (v->range.last < v->range.first) {
            return 0;
        }
        return (size_t)((uint64_t)v->range.last - (uint64_t)v->range.first) + 1;
    default:
        return 0;
    }
}

struct liquid_value value_at(const struct liquid_value *v, size_t index)
{
    switch (v->kind) {
    case LIQUID_ARRAY:
        return v->array.items[index];
    case LIQUID_RANGE:
        return value_int((int64_t)((uint64_t)v->range.first + index));
    default:
        return value_from_json(json_array_get(v->json, index));
    }
}

bool value_is_empty(const struct liquid_value *v)
{
    if (v->kind == LIQUID_STRING) {
        return v->string.len == 0;
    }
    return (value_is_array(v) || value_is_object(v)) && value_count(v) == 0;
}

bool value_is_blank(const struct liquid_value *v)
{
    if (v->kind == LIQUID_STRING) {
        return lexer_trim(v->string).len == 0;
    }
    return !value_is_true(v) || value_is_empty(v);
}

struct liquid_value value_pairs(struct liquid_run *run, json_t *object)
{
    size_t count = json_object_size(object);
    struct liquid_value *pairs = run_alloc_items(run, count * 3, sizeof(*pairs));
    struct liquid_value *parts;
    size_t i = 0;

    if (!pairs || !run_work(run, count)) {
        return value_array(NULL, 0);
    }
    parts = pairs + count;
    for (void *iter = json_object_iter(object); iter; iter = json_object_iter_next(object, iter)) {
        parts[0] = value_string(slice_make(json_object_iter_key(iter), json_object_iter_key_len(iter)));
        parts[1] = value_from_json(json_object_iter_value(iter));
        pairs[i++] = value_array(parts, 2);
        parts += 2;
    }
    return value_array(pairs, i);
}

/* --- equality and order --------------------------------------------------------------------- */

static bool list_equal(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b)
{
    size_t count = value_count(a);
    bool is_equal = count == value_count(b);

    if (run->depth >= run->max_depth) {
        return run_fail(run, 0, "data is nested too deep");
    }
    run->depth++;
    for (size_t i = 0; is_equal && i < count; i++) {
        struct liquid_value x = value_at(a, i);
        struct liquid_value y = value_at(b, i);

        is_equal = run_work(run, 1) && value_equal(run, &x, &y);
    }
    run->depth--;
    return is_equal;
}

static bool object_equal(struct liquid_run *run, json_t *a, json_t *b)
{
    bool is_equal = json_object_size(a) == json_object_size(b);

    if (run->depth >= run->max_depth) {
        return run_fail(run, 0, "data is nested too deep");
    }
    run->depth++;
    for (void *iter = json_object_iter(a); is_equal && iter; iter = json_object_iter_next(a, iter)) {
        json_t *other = json_object_getn(b, json_object_iter_key(iter), json_object_iter_key_len(iter));
        struct liquid_value x = value_from_json(json_object_iter_value(iter));
        struct liquid_value y = value_from_json(other);

        is_equal = other && run_work(run, 1) && value_equal(run, &x, &y);
    }
    run->depth--;
    return is_equal;
}

static bool keyword_equal(const struct liquid_value *keyword, const struct liquid_value *v)
{
    if (v->kind == LIQUID_EMPTY || v->kind == LIQUID_BLANK) {
        return false;
    }
    return keyword->kind == LIQUID_EMPTY ? value_is_empty(v) : value_is_blank(v);
}

static bool number_of(const struct liquid_value *v, double *number)
{
    *number = v->kind == LIQUID_INT ? (double)v->integer : v->number;
    return v->kind == LIQUID_INT || v->kind == LIQUID_FLOAT;
}

bool value_equal(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b)
{
    double x, y;

    if (a->kind == LIQUID_EMPTY || a->kind == LIQUID_BLANK) {
        return keyword_equal(a, b);
    }
    if (b->kind == LIQUID_EMPTY || b->kind == LIQUID_BLANK) {
        return keyword_equal(b, a);
    }
    if (value_is_nil(a) || value_is_nil(b)) {
        return value_is_nil(a) && value_is_nil(b);
    }
    if (a->kind == LIQUID_INT && b->kind == LIQUID_INT) {
        return a->integer == b->integer;
    }
    if (number_of(a, &x) && number_of(b, &y)) {
        return x == y;
    }
    if (value_is_array(a) && value_is_array(b)) {
        return list_equal(run, a, b);
    }
    if (value_is_object(a) && value_is_object(b)) {
        return object_equal(run, a->json, b->json);
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case LIQUID_STRING:
        run_work(run, a->string.len / WORK_BYTES);
        return slice_equal(a->string, b->string);
    case LIQUID_BOOL:
        return a->boolean == b->boolean;
    case LIQUID_RANGE:
        return a->range.first == b->range.first && a->range.last == b->range.last;
    case LIQUID_DROP:
        return a->drop == b->drop;
    default:
        return false;
    }
}

static bool list_compare(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b, int *order)
{
    size_t na = value_count(a);
    size_t nb = value_count(b);

    for (size_t i = 0; i < na && i < nb; i++) {
        struct liquid_value x = value_at(a, i);
        struct liquid_value y = value_at(b, i);

        if (!run_work(run, 1) || value_is_array(&x) || !value_compare(run, &x, &y, order)) {
            return false;
        }
        if (*order) {
            return true;
        }
    }
    *order = (na > nb) - (na < nb);
    return true;
}

static int string_compare(struct liquid_run *run, struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    run_work(run, 1 + len / WORK_BYTES);
    return order ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

bool value_compare(struct liquid_run *run, const struct liquid_value *a, const struct liquid_value *b, int *order)
{
    double x, y;

    if (a->kind == LIQUID_INT && b->kind == LIQUID_INT) {
        *order = (a->integer > b->integer) - (a->integer < b->integer);
        return true;
    }
    if (number_of(a, &x) && number_of(b, &y)) {
        *order = (x > y) - (x < y);
        return !isnan(x) && !isnan(y);
    }
    if (a->kind == LIQUID_STRING && b->kind == LIQUID_STRING) {
        *order = string_compare(run, a->string, b->string);
        return true;
    }
    if (value_is_array(a) && value_is_array(b)) {
        return list_compare(run, a, b, order);
    }
    *order = 0;
    return value_equal(run, a, b);
}

bool value_contains(struct liquid_run *run, const struct liquid_value *v, const struct liquid_value *part)
{
    if (!value_is_true(v) || !value_is_true(part)) {
        return false;
    }
    if (v->kind == LIQUID_STRING) {
        struct slice text = value_shown(run, part);

        run_work(run, (v->string.len + text.len) / WORK_BYTES);
        return !text.len || memmem(v->string.data, v->string.len, text.data, text.len);
    }
    if (v->kind == LIQUID_RANGE) {
        if (part->kind == LIQUID_FLOAT) {
            return part->number >= (double)v->range.first && part->number <= (double)v->range.last;
        }
        return part->kind == LIQUID_INT && part->integer >= v->range.first && part->integer <= v->range.last;
    }
    if (value_is_object(v)) {
        return part->kind == LIQUID_STRING && json_object_getn(v->json, part->string.data, part->string.len);
    }
    if (part->kind == LIQUID_BLANK || part->kind == LIQUID_EMPTY) {
        return false; /* no item is one of these, however empty it is */
    }
    for (size_t i = 0; i < value_count(v); i++) {
        struct liquid_value item = value_at(v, i);

        if (!run_work(run, 1) || value_equal(run, &item, part)) {
            return !run->has_failed;
        }
    }
    return false;
}

/* --- numbers out of anything ---------------------------------------------------------------- */

int64_t text_to_integer(struct slice text)
{
    char digits[24];
    size_t n = 0;
    bool is_negative;

    text = lexer_trim(text);
    is_negative = text.len && text.data[0] == '-';
    if (text.len && (text.data[0] == '-' || text.data[0] == '+')) {
        text.data++;
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '_' && i > 0 && text.data[i - 1] != '_') {
            continue;
        }
        if (!isdigit((unsigned char)text.data[i])) {
            break;
        }
        if (n == sizeof(digits) - 2) {
            return is_negative ? INT64_MIN : INT64_MAX;
        }
        digits[n++] = text.data[i];
    }
    digits[n] = '\0';
    return is_negative ? (int64_t)-strtoll(digits, NULL, 10) : strtoll(digits, NULL, 10);
}

bool value_to_integer(const struct liquid_value *v, int64_t *integer)
{
    struct slice text;
    size_t i = 0;

    if (v->kind == LIQUID_INT) {
        *integer = v->integer;
        return true;
    }
    if (v->kind != LIQUID_STRING) {
        return false;
    }
    text = lexer_trim(v->string);
    i += text.len && (text.data[0] == '-' || text.data[0] == '+');
    if (i == text.len) {
        return false;
    }
    for (; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i])) {
            return false;
        }
    }
    *integer = text_to_integer(text);
    return true;
}

/* --- properties ----------------------------------------------------------------------------- */

static struct liquid_value list_property(const struct liquid_value *v, const struct liquid_value *key,
                                         enum step_command command)
{
    size_t count = value_count(v);

    if (key->kind == LIQUID_INT && v->kind != LIQUID_RANGE) {
        int64_t index = key->integer < 0 ? key->integer + (int64_t)count : key->integer;

        return index >= 0 && (uint64_t)index < count ? value_at(v, (size_t)index) : value_from_json(NULL);
    }
    switch (command) {
    case STEP_FIRST:
        if (v->kind == LIQUID_RANGE) {
            return value_int(v->range.first);
        }
        return count ? value_at(v, 0) : value_nil();
    case STEP_LAST:
        if (v->kind == LIQUID_RANGE) {
            return value_int(v->range.last);
        }
        return count ? value_at(v, count - 1) : value_nil();
    case STEP_SIZE:
        return value_int((int64_t)count);
    default:
        return value_from_json(NULL);
    }
}

static struct liquid_value object_property(struct liquid_run *run, json_t *object, const struct liquid_value *key,
                                           enum step_command command)
{
    json_t *found = NULL;
    struct liquid_value pairs;

    if (key->kind == LIQUID_STRING) {
        found = json_object_getn(object, key->string.data, key->string.len);
    }
    if (!found && command == STEP_SIZE) {
        return value_int((int64_t)json_object_size(object));
    }
    if (!found && command == STEP_FIRST) {
        pairs = value_pairs(run, object);
        return pairs.array.count ? pairs.array.items[0] : value_nil();
    }
    return value_from_json(found);
}

static int64_t count_code_points(struct slice text)
{
    int64_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

struct liquid_value value_property(struct liquid_run *run, const struct liquid_value *v, const struct liquid_value *key,
                                   enum step_command command)
{
    if (value_is_list(v)) {
        return list_property(v, key, command);
    }
    if (value_is_object(v)) {
        return object_property(run, v->json, key, command);
    }
    if (v->kind == LIQUID_STRING && command == STEP_SIZE) {
        run_work(run, v->string.len / WORK_BYTES);
        return value_int(count_code_points(v->string));
    }
    if (v->kind == LIQUID_INT && command == STEP_SIZE) {
        return value_int((int64_t)sizeof(v->integer)); /* as the filter: the bytes of a number */
    }
    if (v->kind == LIQUID_DROP && key->kind == LIQUID_STRING) {
        return drop_property(run, v->drop, key->string);
    }
    return value_from_json(NULL);
}
