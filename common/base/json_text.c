#include "base/json_text.h"

#include <string.h>

#include "base/utf8.h"

void json_text_init(struct json_text *j, struct buf *out)
{
    *j = (struct json_text){.out = out};
}

static void separate(struct json_text *j)
{
    if (j->needs_comma) {
        buf_append_char(j->out, ',');
    }
    j->needs_comma = true;
}

void json_text_open(struct json_text *j, char bracket)
{
    separate(j);
    buf_append_char(j->out, bracket);
    j->needs_comma = false;
}

void json_text_close(struct json_text *j, char bracket)
{
    buf_append_char(j->out, bracket);
    j->needs_comma = true;
}

void json_text_key(struct json_text *j, const char *key)
{
    separate(j);
    buf_append_char(j->out, '"');
    json_escape_append(j->out, slice_of(key));
    buf_append(j->out, "\":", 2);
    j->needs_comma = false;
}

void json_text_string(struct json_text *j, struct slice text)
{
    separate(j);
    buf_append_char(j->out, '"');
    json_escape_append(j->out, text);
    buf_append_char(j->out, '"');
}

void json_text_int(struct json_text *j, int64_t number)
{
    separate(j);
    buf_append_int(j->out, number);
}

void json_text_bool(struct json_text *j, bool value)
{
    separate(j);
    buf_append_text(j->out, value ? "true" : "false");
}

void json_text_null(struct json_text *j)
{
    separate(j);
    buf_append(j->out, "null", 4);
}

void json_text_raw(struct json_text *j, struct slice json)
{
    separate(j);
    buf_append_slice(j->out, json);
}

void json_text_member(struct json_text *j, const char *key, const char *text)
{
    json_text_member_slice(j, key, slice_of(text));
}

void json_text_member_if(struct json_text *j, const char *key, const char *text)
{
    if (text && text[0]) {
        json_text_member(j, key, text);
    }
}

void json_text_member_slice(struct json_text *j, const char *key, struct slice text)
{
    json_text_key(j, key);
    json_text_string(j, text);
}

void json_text_member_int(struct json_text *j, const char *key, int64_t number)
{
    json_text_key(j, key);
    json_text_int(j, number);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* True when all eight bytes need no escaping: the usual case in text, tested eight at a time. */
static bool are_eight_plain(const char *p)
{
    const uint64_t ones = 0x0101010101010101U;
    const uint64_t highs = 0x8080808080808080U;
    uint64_t v, quote, backslash, low;

    memcpy(&v, p, 8);
    quote = v ^ (ones * '"');
    backslash = v ^ (ones * '\\');
    low = (v - ones * 0x20) & ~v;
    quote = (quote - ones) & ~quote;
    backslash = (backslash - ones) & ~backslash;
    return ((v | low | quote | backslash) & highs) == 0;
}

static size_t plain_run(struct slice text, size_t at)
{
    size_t start = at;

    while (at + 8 <= text.len && are_eight_plain(text.data + at)) {
        at += 8;
    }
    while (at < text.len && is_plain((unsigned char)text.data[at])) {
        at++;
    }
    return at - start;
}

static void escape_control(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char escaped[7] = "\\u00";

    switch (c) {
    case '"':
        buf_append(out, "\\\"", 2);
        return;
    case '\\':
        buf_append(out, "\\\\", 2);
        return;
    case '\n':
        buf_append(out, "\\n", 2);
        return;
    case '\r':
        buf_append(out, "\\r", 2);
        return;
    case '\t':
        buf_append(out, "\\t", 2);
        return;
    default:
        escaped[4] = digits[c >> 4];
        escaped[5] = digits[c & 15];
        buf_append(out, escaped, 6);
    }
}

void json_escape_append(struct buf *out, struct slice text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t run = plain_run(text, at);

        if (run) {
            buf_append(out, text.data + at, run);
            at += run;
            continue;
        }
        if ((unsigned char)text.data[at] < 0x80) {
            escape_control(out, (unsigned char)text.data[at]);
            at++;
        } else {
            size_t start = at;
            bool valid = true;
            uint32_t code_point = utf8_next(text, &at, &valid);

            if (valid) {
                buf_append(out, text.data + start, at - start);
            } else {
                utf8_append(out, code_point);
            }
        }
    }
}
