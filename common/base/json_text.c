#include "base/json_text.h"

#include <endian.h>
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

/* Compared all at once, in one register of the processor. */
typedef signed char plain_block __attribute__((vector_size(16)));

/* How many of the sixteen bytes there are before one that needs a closer look. As signed numbers, bytes beyond ASCII are
 * below the blank, too. */
static size_t count_plain(plain_block bytes)
{
    plain_block marks = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
    uint64_t halves[2];

    memcpy(halves, &marks, sizeof(halves));
    if (halves[0]) {
        return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
    }
    return halves[1] ? 8 + (size_t)__builtin_ctzll(le64toh(halves[1])) / 8 : sizeof(bytes);
}

/* Copies up to the first byte that needs a closer look. Returns how many. `to` has room for all of `text`. */
static size_t copy_plain(char *to, struct slice text)
{
    size_t at = 0;

    while (at + sizeof(plain_block) <= text.len) {
        plain_block bytes;
        size_t count;

        memcpy(&bytes, text.data + at, sizeof(bytes));
        memcpy(to + at, &bytes, sizeof(bytes)); /* what is too much is written over */
        count = count_plain(bytes);
        at += count;
        if (count < sizeof(bytes)) {
            return at;
        }
    }
    while (at < text.len && is_plain((unsigned char)text.data[at])) {
        to[at] = text.data[at];
        at++;
    }
    return at;
}

/* At most six bytes. Returns how many. */
static size_t escape_ascii(char *to, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[] = {['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

    to[0] = '\\';
    if (c < sizeof(shorts) && shorts[c]) {
        to[1] = shorts[c];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = digits[c >> 4];
    to[5] = digits[c & 15];
    return 6;
}

/* One character beyond ASCII; what is no UTF-8 becomes U+FFFD. Returns how many bytes were written, at most three more
 * than were read. */
static size_t copy_character(char *to, struct slice text, size_t *at)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t start = *at;
    bool is_valid = true;

    utf8_next(text, at, &is_valid);
    if (!is_valid) {
        memcpy(to, replacement, 3);
        return 3;
    }
    memcpy(to, text.data + start, *at - start);
    return *at - start;
}

enum { BLOCK = 512, MOST_GROWTH = 6 };

/* Escapes a block from *at on and moves *at behind it. `to` has room for BLOCK * MOST_GROWTH bytes. Returns how many were
 * written. */
static size_t escape_block(char *to, struct slice text, size_t *at)
{
    size_t end = text.len - *at > BLOCK ? *at + BLOCK : text.len;
    size_t written = 0;

    while (*at < end) {
        size_t run = copy_plain(to + written, slice_make(text.data + *at, end - *at));

        *at += run;
        written += run;
        if (*at == end) {
            break;
        }
        if ((unsigned char)text.data[*at] < 0x80) {
            written += escape_ascii(to + written, (unsigned char)text.data[(*at)++]);
        } else {
            written += copy_character(to + written, text, at); /* may pass `end` */
        }
    }
    return written;
}

void json_escape_append(struct buf *out, struct slice text)
{
    size_t at = 0;

    while (at < text.len && !out->overflowed) {
        if (out->max - out->len >= BLOCK * MOST_GROWTH) {
            char *to = buf_reserve(out, BLOCK * MOST_GROWTH);

            buf_advance(out, escape_block(to, text, &at));
        } else {
            char block[BLOCK * MOST_GROWTH]; /* near the maximum only the true size counts */

            buf_append(out, block, escape_block(block, text, &at));
        }
    }
}
