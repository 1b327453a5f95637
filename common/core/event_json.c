#include "core/event_json.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"
#include "core/event.h"

static bool has_more_than(struct slice bytes, char c, size_t *left)
{
    const char *at = bytes.data;
    const char *end = bytes.data + bytes.len;

    while ((at = memchr(at, c, (size_t)(end - at))) != NULL) {
        if (*left == 0) {
            return true;
        }
        *left -= 1;
        at++;
    }
    return false;
}

/* Counts every bracket, also those in strings: nearly all events have too few for any depth to be wrong. */
static bool is_surely_shallow(struct slice bytes)
{
    size_t left = EVENT_MOST_DEPTH;

    return !has_more_than(bytes, '{', &left) && !has_more_than(bytes, '[', &left);
}

/* Offset of the bracket that goes too deep, or bytes.len. Exact for valid JSON; in anything else the parser stops at
 * the first fault, and up to there the count is right. */
static size_t find_too_deep(struct slice bytes)
{
    size_t depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];

        if (is_in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                is_in_string = false;
            }
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > EVENT_MOST_DEPTH) {
                return i;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return bytes.len;
}

static bool explain(struct slice bytes, const json_error_t *error, const char **reason,
                    struct err *err)
{
    *reason = "not_json";
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        *reason = "not_utf8";
        return err_set(err, "byte %zu is not UTF-8", utf8_valid_prefix(bytes));
    case json_error_duplicate_key:
        *reason = "duplicate_key";
        return err_set(err, "a key is there twice in one object, near byte %d", error->position);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        *reason = "has_nul";
        return err_set(err, "a string holds U+0000, near byte %d", error->position);
    case json_error_premature_end_of_input:
        return err_set(err, "the JSON ends too early, near byte %d", error->position);
    case json_error_end_of_input_expected:
        return err_set(err, "something follows the JSON, near byte %d", error->position);
    case json_error_numeric_overflow:
        return err_set(err, "a number is out of range, near byte %d", error->position);
    default:
        return err_set(err, "no JSON, near byte %d", error->position);
    }
}

json_t *event_json_parse(struct slice bytes, const char **reason, struct err *err)
{
    json_error_t error;
    json_t *root;

    if (!is_surely_shallow(bytes)) {
        size_t at = find_too_deep(bytes);

        if (at < bytes.len) {
            *reason = "too_deep";
            err_set(err, "nested deeper than %d, at byte %zu", EVENT_MOST_DEPTH, at);
            return NULL;
        }
    }
    root = json_loadb(bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        explain(bytes, &error, reason, err);
    }
    return root;
}
