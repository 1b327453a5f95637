#include "workers/capture/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "base/number.h"
#include "core/event.h"
#include "core/event_json.h"
#include "core/record_json.h"

struct mask {
    const struct personal_rules *rules;
    struct pseudonym_set *set;
    long count;
};

/* --- values ------------------------------------------------------------------------------------------------------- */

static json_t *replace_text(struct mask *mask, struct slice text)
{
    struct buf out;
    json_t *other = NULL;
    size_t count;

    buf_init(&out, 0);
    count = pseudonym_set_replace(mask->set, text, &out);
    if (count) {
        mask->count += (long)count;
        other = json_stringn(buf_text(&out), out.len);
    }
    buf_finish(&out);
    return other;
}

/* Digits stay a number. */
static json_t *replace_number(struct mask *mask, const struct personal_leaf *leaf)
{
    char text[NUMBER_TEXT_SIZE];
    struct slice made =
        pseudonym_set_get(mask->set, leaf->kind, number_format(json_integer_value(leaf->value), text), NULL);
    int64_t number;

    mask->count++;
    return number_parse(made, &number) ? json_integer(number) : json_stringn(made.data, made.len);
}

/* Other digits, a place on the map, say, of which as many are left. */
static json_t *replace_real(struct mask *mask, double number)
{
    char text[40];
    struct slice made;

    snprintf(text, sizeof(text), "%.15g", number);
    made = pseudonym_set_get(mask->set, PSEUDONYM_OTHER, slice_of(text), NULL);
    mask->count++;
    return json_real(strtod(made.data, NULL));
}

static json_t *mask_leaf(void *arg, const struct personal_leaf *leaf)
{
    struct mask *mask = arg;
    struct slice text = slice_make(json_string_value(leaf->value), json_string_length(leaf->value)), made;

    if (leaf->class == PERSONAL_NO) {
        return NULL;
    }
    if (leaf->class == PERSONAL_YES && json_is_integer(leaf->value)) {
        return replace_number(mask, leaf);
    }
    if (leaf->class == PERSONAL_YES && json_is_real(leaf->value)) {
        return replace_real(mask, json_real_value(leaf->value));
    }
    if (!json_is_string(leaf->value) || text.len == 0) {
        return NULL;
    }
    if (leaf->class == PERSONAL_UNKNOWN) {
        return replace_text(mask, text);
    }
    made = pseudonym_set_get(mask->set, personal_kind_of(leaf->kind, text), text, leaf->language);
    mask->count++;
    return json_stringn(made.data, made.len);
}

static char *mask_name(void *arg, const char *path, const char *name)
{
    struct mask *mask = arg;
    json_t *other = replace_text(mask, slice_of(name));
    char *text = xstrdup(json_string_value(other));

    (void)path;
    json_decref(other);
    return text;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* The shortest digits that read back as the same number. */
static void append_real(double number, struct json_text *j)
{
    char text[40];

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    if (!strpbrk(text, ".e")) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ".0");
    }
    json_text_raw(j, slice_of(text));
}

static void append_value(const json_t *value, struct json_text *j)
{
    const char *name;
    json_t *member;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_text_open(j, '{');
        json_object_foreach((json_t *)value, name, member)
        {
            json_text_key(j, name);
            append_value(member, j);
        }
        json_text_close(j, '}');
        break;
    case JSON_ARRAY:
        json_text_open(j, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            append_value(json_array_get(value, i), j);
        }
        json_text_close(j, ']');
        break;
    case JSON_STRING:
        json_text_string(j, slice_make(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        json_text_int(j, json_integer_value(value));
        break;
    case JSON_REAL:
        append_real(json_real_value(value), j);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_text_bool(j, json_is_true(value));
        break;
    case JSON_NULL:
        json_text_null(j);
        break;
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Key or header; the text lies in `out`. Bytes that are no text cannot be looked into: nothing of them is kept. */
static struct slice mask_text(struct mask *mask, const char *path, struct slice text, struct buf *out)
{
    const struct personal_visitor visitor = {mask_leaf, NULL, mask};
    json_t *value = text.data ? json_stringn(text.data, text.len) : NULL;
    json_t *other = value ? personal_walk(mask->rules, value, path, &visitor) : NULL;
    const json_t *result = other ? other : value;

    if (result) {
        buf_append(out, json_string_value(result), json_string_length(result));
    }
    json_decref(other);
    json_decref(value);
    return text.data && result ? buf_slice(out) : slice_make(NULL, 0);
}

static void append_record(struct mask *mask, const struct record *record, struct slice value, struct buf *out)
{
    struct record copy = *record;
    struct record_header *headers = xcalloc(record->header_count + 1, sizeof(*headers));
    struct buf *texts = xcalloc(record->header_count + 1, sizeof(*texts));

    for (size_t i = 0; i <= record->header_count; i++) {
        buf_init(&texts[i], 0);
    }
    for (size_t i = 0; i < record->header_count; i++) {
        char *path = xasprintf("header.%s", record->headers[i].name);

        headers[i] =
            (struct record_header){record->headers[i].name, mask_text(mask, path, record->headers[i].value, &texts[i])};
        free(path);
    }
    copy.key = mask_text(mask, "key", record->key, &texts[record->header_count]);
    copy.headers = headers;
    copy.value = value;
    record_json_format(&copy, out);
    for (size_t i = 0; i <= record->header_count; i++) {
        buf_finish(&texts[i]);
    }
    free(texts);
    free(headers);
}

long mask_append(const struct personal_rules *rules, struct pseudonym_set *set, const struct record *record,
                 struct buf *out)
{
    struct mask mask = {rules, set, 0};
    const struct personal_visitor visitor = {mask_leaf, mask_name, &mask};
    const char *reason;
    struct err ignored = {0};
    json_t *root = record->value.len ? event_json_parse(record->value, &reason, &ignored) : NULL;
    json_t *other = root ? personal_walk(rules, root, event_is_binary(record) ? "data" : "", &visitor) : NULL;
    struct json_text j;
    struct buf value;

    if (!root) {
        return -1;
    }
    buf_init(&value, 0);
    json_text_init(&j, &value);
    append_value(other ? other : root, &j);
    append_record(&mask, record, buf_slice(&value), out);
    buf_finish(&value);
    json_decref(other);
    json_decref(root);
    return mask.count;
}
