/* Filters that take a text apart or put it together. */
#include <string.h>

#include "core/liquid/filter_support.h"
#include "core/liquid/lexer.h"

bool arg_integer(const struct liquid_call *call, size_t index, int64_t *integer, struct err *err)
{
    return value_to_integer(&call->args[index], integer) || err_set(err, "the argument must be an integer");
}

/* --- joining: text that is safe keeps safe, what is added to it is escaped ------------------ */

static void add_part(struct text *text, const struct liquid_value *value, bool is_safe)
{
    struct slice part = value_shown(text->run, value);

    if (is_safe && !value->is_safe) {
        add_escaped(text, part);
    } else {
        text_add(text, part);
    }
}

static bool join_two(const struct liquid_call *call, const struct liquid_value *a, const struct liquid_value *b,
                     struct liquid_value *result)
{
    bool is_safe = a->is_safe || b->is_safe;
    struct text text;

    text_init(&text, call->run);
    add_part(&text, a, is_safe);
    add_part(&text, b, is_safe);
    *result = value_string(text_slice(&text));
    result->is_safe = is_safe;
    return true;
}

bool filter_append(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return join_two(call, &call->input, &call->args[0], result);
}

bool filter_prepend(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return join_two(call, &call->args[0], &call->input, result);
}

/* --- white space ---------------------------------------------------------------------------- */

static struct slice skip_left(struct slice text)
{
    while (text.len && lexer_is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

static struct slice skip_right(struct slice text)
{
    while (text.len && lexer_is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool filter_strip(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return give_text_like(call, result, lexer_trim(input_text(call)));
}

bool filter_lstrip(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return give_text_like(call, result, skip_left(input_text(call)));
}

bool filter_rstrip(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return give_text_like(call, result, skip_right(input_text(call)));
}

bool filter_strip_newlines(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice in = input_text(call);
    struct text text;

    (void)err;
    text_init(&text, call->run);
    for (size_t i = 0; i < in.len && !call->run->has_failed; i++) {
        bool is_crlf = in.data[i] == '\r' && i + 1 < in.len && in.data[i + 1] == '\n';

        if (in.data[i] != '\n' && !is_crlf) {
            text_add_char(&text, in.data[i]);
        }
    }
    return give_text_like(call, result, text_slice(&text));
}

/* --- replace and remove --------------------------------------------------------------------- */

enum which { ALL, FIRST, LAST };

static const char *find_from(struct slice in, const char *from, struct slice what)
{
    size_t left = (size_t)(in.data + in.len - from);

    return what.len <= left ? memmem(from, left, what.data, what.len) : NULL;
}

static const char *find_last(struct slice in, struct slice what)
{
    for (size_t at = in.len - what.len + 1; what.len <= in.len && at-- > 0;) {
        if (memcmp(in.data + at, what.data, what.len) == 0) {
            return in.data + at;
        }
    }
    return NULL;
}

static size_t char_len(const char *p, const char *end)
{
    const char *q = p + 1;

    while (q < end && ((unsigned char)*q & 0xc0) == 0x80) {
        q++;
    }
    return (size_t)(q - p);
}

/* An empty pattern is found before every character and at the end. */
static void replace_between(struct text *text, struct slice in, struct slice with)
{
    const char *end = in.data + in.len;

    for (const char *p = in.data; p < end && !text->run->has_failed;) {
        size_t len = char_len(p, end);

        text_add(text, with);
        text_add(text, slice_make(p, len));
        p += len;
    }
    text_add(text, with);
}

static void replace_all(struct text *text, struct slice in, struct slice what, struct slice with)
{
    const char *from = in.data;
    const char *at;

    while (!text->run->has_failed && (at = find_from(in, from, what))) {
        text_add(text, slice_make(from, (size_t)(at - from)));
        text_add(text, with);
        from = at + what.len;
    }
    text_add(text, slice_make(from, (size_t)(in.data + in.len - from)));
}

static bool replace_some(const struct liquid_call *call, struct slice what, struct slice with, enum which which,
                         struct liquid_value *result)
{
    struct slice in = input_text(call);
    const char *at = NULL;
    struct text text;

    text_init(&text, call->run);
    if (which == ALL && what.len) {
        replace_all(&text, in, what, with);
    } else if (which == ALL) {
        replace_between(&text, in, with);
    } else {
        if (!run_work(call->run, in.len / WORK_BYTES * (which == LAST ? 8 : 1))) {
            return give(result, value_nil());
        }
        at = which == FIRST ? find_from(in, in.data, what) : find_last(in, what);
        if (!at) {
            return give_text(result, in);
        }
        text_add(&text, slice_make(in.data, (size_t)(at - in.data)));
        text_add(&text, with);
        text_add(&text, slice_make(at + what.len, (size_t)(in.data + in.len - at) - what.len));
    }
    return give_text(result, text_slice(&text));
}

bool filter_replace(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), arg_text(call, 1), ALL, result);
}

bool filter_replace_first(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), arg_text(call, 1), FIRST, result);
}

bool filter_replace_last(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), arg_text(call, 1), LAST, result);
}

bool filter_remove(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), SLICE(""), ALL, result);
}

bool filter_remove_first(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), SLICE(""), FIRST, result);
}

bool filter_remove_last(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return replace_some(call, arg_text(call, 0), SLICE(""), LAST, result);
}

/* --- cutting -------------------------------------------------------------------------------- */

static size_t count_chars(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Byte offset of the n-th character. */
static size_t offset_of(struct slice text, size_t n)
{
    const char *p = text.data;
    const char *end = text.data + text.len;

    while (n-- > 0 && p < end) {
        p += char_len(p, end);
    }
    return (size_t)(p - text.data);
}

/* Turns offset and length into a range within `count`; false when it lies outside. */
static bool clip(size_t count, int64_t offset, int64_t *length, size_t *first)
{
    if (offset < 0) {
        offset += (int64_t)count;
    }
    if (offset < 0 || (uint64_t)offset > count || *length < 0) {
        return false;
    }
    *first = (size_t)offset;
    if ((uint64_t)*length > count - *first) {
        *length = (int64_t)(count - *first);
    }
    return true;
}

static bool slice_list(const struct liquid_call *call, int64_t offset, int64_t length, struct liquid_value *result)
{
    struct liquid_value *items;
    size_t first;

    if (!clip(value_count(&call->input), offset, &length, &first)) {
        return give(result, value_array(NULL, 0));
    }
    items = run_alloc_items(call->run, (size_t)length, sizeof(*items));
    for (size_t i = 0; items && i < (size_t)length; i++) {
        items[i] = value_at(&call->input, first + i);
    }
    return give(result, value_array(items, items ? (size_t)length : 0));
}

bool filter_slice(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    int64_t length = 1;
    struct slice text;
    size_t first, from, to;
    int64_t offset;

    if (!arg_integer(call, 0, &offset, err)) {
        return false;
    }
    if (call->arg_count > 1 && !value_is_nil(&call->args[1]) && !arg_integer(call, 1, &length, err)) {
        return false;
    }
    if (value_is_array(&call->input)) {
        return slice_list(call, offset, length, result);
    }
    text = input_text(call);
    if (!clip(count_chars(text), offset, &length, &first)) {
        return give_text(result, SLICE(""));
    }
    from = offset_of(text, first);
    to = from + offset_of(slice_make(text.data + from, text.len - from), (size_t)length);
    return give_text(result, slice_make(text.data + from, to - from));
}

static struct slice ellipsis(const struct liquid_call *call)
{
    return call->arg_count > 1 ? arg_text(call, 1) : SLICE("...");
}

bool filter_truncate(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    int64_t length = 50;
    struct slice text, end;
    struct text out;
    size_t keep;

    if (value_is_nil(&call->input)) {
        return give(result, value_nil());
    }
    if (call->arg_count > 0 && !arg_integer(call, 0, &length, err)) {
        return false;
    }
    text = input_text(call);
    end = ellipsis(call);
    if (length >= 0 && count_chars(text) <= (size_t)length) {
        return give_text(result, text);
    }
    keep = count_chars(end);
    keep = length > 0 && (size_t)length > keep ? (size_t)length - keep : 0;
    text_init(&out, call->run);
    text_add(&out, slice_make(text.data, offset_of(text, keep)));
    text_add(&out, end);
    return give_text(result, text_slice(&out));
}

bool filter_truncatewords(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    int64_t words = 15;
    int64_t count = 0;
    struct slice in, rest;
    struct text out;

    if (value_is_nil(&call->input)) {
        return give(result, value_nil());
    }
    if (call->arg_count > 0 && !arg_integer(call, 0, &words, err)) {
        return false;
    }
    words = words <= 0 ? 1 : words;
    in = input_text(call);
    text_init(&out, call->run);
    for (rest = in; count < words && skip_left(rest).len; count++) {
        size_t len = 0;

        rest = skip_left(rest);
        while (len < rest.len && !lexer_is_space(rest.data[len])) {
            len++;
        }
        if (count) {
            text_add_char(&out, ' ');
        }
        text_add(&out, slice_make(rest.data, len));
        rest = slice_make(rest.data + len, rest.len - len);
    }
    if (count < words || !rest.len) {
        return give_text(result, in); /* white space behind the last word counts as one more */
    }
    text_add(&out, ellipsis(call));
    return give_text(result, text_slice(&out));
}

bool filter_size(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    switch (call->input.kind) {
    case LIQUID_STRING:
        return give(result, value_int((int64_t)count_chars(call->input.string)));
    case LIQUID_INT:
        return give(result, value_int(8)); /* bytes of an integer, as the reference answers */
    default:
        return give(result, value_int((int64_t)value_count(&call->input)));
    }
}

/* --- split ---------------------------------------------------------------------------------- */

struct pieces {
    struct liquid_run *run;
    struct liquid_value *items;
    size_t count, cap;
};

static bool add_piece(struct pieces *pieces, const char *from, size_t len)
{
    if (pieces->count == pieces->cap) {
        size_t cap = pieces->cap ? pieces->cap * 2 : 8;
        struct liquid_value *items = run_alloc_items(pieces->run, cap, sizeof(*items));

        if (!items) {
            return false;
        }
        if (pieces->count) {
            memcpy(items, pieces->items, pieces->count * sizeof(*items));
        }
        pieces->items = items;
        pieces->cap = cap;
    }
    pieces->items[pieces->count++] = value_string(slice_make(from, len));
    return true;
}

static void split_words(struct pieces *pieces, struct slice in)
{
    for (in = skip_left(in); in.len; in = skip_left(in)) {
        size_t len = 0;

        while (len < in.len && !lexer_is_space(in.data[len])) {
            len++;
        }
        if (!add_piece(pieces, in.data, len)) {
            return;
        }
        in = slice_make(in.data + len, in.len - len);
    }
}

static void split_at(struct pieces *pieces, struct slice in, struct slice at)
{
    const char *from = in.data;
    const char *end = in.data + in.len;
    const char *next;

    while (from < end && (next = at.len ? find_from(in, from, at) : from + char_len(from, end))) {
        if (!add_piece(pieces, from, (size_t)(next - from))) {
            return;
        }
        from = next + at.len;
    }
    if (from < end) {
        add_piece(pieces, from, (size_t)(end - from));
    }
}

bool filter_split(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct pieces pieces = {.run = call->run};
    struct slice in = input_text(call);
    struct slice at = arg_text(call, 0);

    (void)err;
    if (slice_is(at, " ")) {
        split_words(&pieces, in);
    } else {
        split_at(&pieces, in, at);
    }
    while (pieces.count && !pieces.items[pieces.count - 1].string.len) {
        pieces.count--; /* empty ones at the end do not count */
    }
    return give(result, value_array(pieces.items, pieces.count));
}
