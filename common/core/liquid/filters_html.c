/* Filters that know HTML. What `escape` and newline_to_br give is safe: the output does not escape it again. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/liquid/filter_support.h"

static const char *html_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void add_escaped(struct text *out, struct slice text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len && !out->run->has_failed; i++) {
        const char *html = html_of(text.data[i]);

        if (html) {
            text_add(out, slice_make(text.data + from, i - from));
            text_add(out, slice_of(html));
            from = i + 1;
        }
    }
    text_add(out, slice_make(text.data + from, text.len - from));
}

static bool give_html(const struct liquid_call *call, struct liquid_value *result, struct slice html)
{
    *result = value_string(html);
    result->is_safe = call->run->escapes;
    return true;
}

bool filter_raw(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    if (value_is_nil(&call->input)) {
        return give(result, call->input);
    }
    return give_html(call, result, input_text(call));
}

bool filter_escape(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct text text;

    (void)err;
    if (value_is_nil(&call->input) || call->input.is_safe) {
        return give(result, call->input);
    }
    text_init(&text, call->run);
    add_escaped(&text, input_text(call));
    return give_html(call, result, text_slice(&text));
}

bool filter_h(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return filter_escape(call, result, err);
}

/* Length of "&name;" or "&#123;" at the start of the text, or 0. */
static size_t entity_len(struct slice text)
{
    size_t i = 1;
    bool is_number = text.len > 1 && text.data[1] == '#';

    i += is_number;
    while (i < text.len && (is_number ? isdigit((unsigned char)text.data[i]) : isalpha((unsigned char)text.data[i]))) {
        i++;
    }
    return i > 1u + is_number && i < text.len && text.data[i] == ';' ? i + 1 : 0;
}

bool filter_escape_once(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice in = input_text(call);
    struct text text;

    (void)err;
    if (value_is_nil(&call->input)) {
        return give(result, call->input);
    }
    text_init(&text, call->run);
    for (size_t i = 0; i < in.len && !call->run->has_failed;) {
        const char *html = html_of(in.data[i]);
        size_t entity = in.data[i] == '&' ? entity_len(slice_make(in.data + i, in.len - i)) : 0;
        size_t len = entity ? entity : 1;

        text_add(&text, html && !entity ? slice_of(html) : slice_make(in.data + i, len));
        i += len;
    }
    return give_html(call, result, text_slice(&text));
}

bool filter_newline_to_br(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice in = input_text(call);
    struct text escaped, text;

    (void)err;
    if (call->run->escapes && !call->input.is_safe) {
        text_init(&escaped, call->run);
        add_escaped(&escaped, in);
        in = text_slice(&escaped);
    }
    text_init(&text, call->run);
    for (size_t i = 0; i < in.len && !call->run->has_failed; i++) {
        if (in.data[i] == '\r' && i + 1 < in.len && in.data[i + 1] == '\n') {
            continue;
        }
        if (in.data[i] == '\n') {
            text_add(&text, SLICE("<br />\n"));
        } else {
            text_add_char(&text, in.data[i]);
        }
    }
    return give_html(call, result, text_slice(&text));
}

/* --- strip_html ----------------------------------------------------------------------------- */

struct html_block {
    struct slice start, end;
    bool is_missing; /* no `end` from here on: not searched again */
};

static const char *find_case(const char *from, const char *end, struct slice what)
{
    for (; (size_t)(end - from) >= what.len; from++) {
        from = memchr(from, what.data[0], (size_t)(end - from));
        if (!from || (size_t)(end - from) < what.len) {
            return NULL;
        }
        if (strncasecmp(from, what.data, what.len) == 0) {
            return from;
        }
    }
    return NULL;
}

/* Where the block that begins at p ends, or NULL. */
static const char *block_end(const char *p, const char *end, struct html_block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct html_block *block = &blocks[i];
        const char *stop;

        if (block->is_missing || (size_t)(end - p) < block->start.len ||
            strncasecmp(p, block->start.data, block->start.len) != 0) {
            continue;
        }
        stop = find_case(p + block->start.len, end, block->end);
        if (stop) {
            return stop + block->end.len;
        }
        block->is_missing = true;
    }
    return NULL;
}

/* Scripts, comments and styles with all they hold; then tags. */
bool filter_strip_html(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct html_block blocks[] = {
        {.start = SLICE("<script"), .end = SLICE("</script>")},
        {.start = SLICE("<!--"), .end = SLICE("-->")},
        {.start = SLICE("<style"), .end = SLICE("</style>")},
        {.start = SLICE("<"), .end = SLICE(">")},
    };
    struct slice in = input_text(call);
    const char *end = in.data + in.len;
    struct text text, rest;

    (void)err;
    text_init(&text, call->run);
    for (const char *p = in.data; p < end && !call->run->has_failed;) {
        const char *stop = *p == '<' ? block_end(p, end, blocks, 3) : NULL;

        if (!stop) {
            text_add_char(&text, *p);
        }
        p = stop ? stop : p + 1;
    }
    text_init(&rest, call->run);
    in = text_slice(&text);
    end = in.data + in.len;
    for (const char *p = in.data; p < end && !call->run->has_failed;) {
        const char *stop = *p == '<' ? block_end(p, end, blocks + 3, 1) : NULL;

        if (!stop) {
            text_add_char(&rest, *p);
        }
        p = stop ? stop : p + 1;
    }
    return give_text(result, text_slice(&rest));
}
