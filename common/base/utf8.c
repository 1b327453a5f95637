#include "base/utf8.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the valid sequence at p (at most `left` bytes), or 0. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *code_point)
{
    uint32_t c = p[0];

    if (c < 0x80) {
        *code_point = c;
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf && left >= 2 && is_continuation(p[1])) {
        *code_point = (c & 0x1f) << 6 | (p[1] & 0x3fU);
        return 2;
    }
    if (c >= 0xe0 && c <= 0xef && left >= 3 && is_continuation(p[1]) && is_continuation(p[2])) {
        *code_point = (c & 0x0f) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
        return *code_point >= 0x800 && (*code_point < 0xd800 || *code_point > 0xdfff) ? 3 : 0;
    }
    if (c >= 0xf0 && c <= 0xf4 && left >= 4 && is_continuation(p[1]) && is_continuation(p[2]) &&
        is_continuation(p[3])) {
        *code_point = (c & 0x07) << 18 | (p[1] & 0x3fU) << 12 | (p[2] & 0x3fU) << 6 | (p[3] & 0x3fU);
        return *code_point >= 0x10000 && *code_point <= 0x10ffff ? 4 : 0;
    }
    return 0;
}

uint32_t utf8_next(struct slice text, size_t *at, bool *valid)
{
    uint32_t code_point = UTF8_REPLACEMENT;
    size_t len = decode((const unsigned char *)text.data + *at, text.len - *at, &code_point);

    if (!len) {
        if (valid) {
            *valid = false;
        }
        *at += 1;
        return UTF8_REPLACEMENT;
    }
    *at += len;
    return code_point;
}

size_t utf8_valid_prefix(struct slice text)
{
    size_t at = 0;
    uint32_t code_point;

    while (at < text.len) {
        size_t len = decode((const unsigned char *)text.data + at, text.len - at, &code_point);

        if (!len) {
            break;
        }
        at += len;
    }
    return at;
}

void utf8_append(struct buf *out, uint32_t c)
{
    char bytes[4];

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        c = UTF8_REPLACEMENT;
    }
    if (c < 0x80) {
        buf_append_char(out, (char)c);
    } else if (c < 0x800) {
        bytes[0] = (char)(0xc0 | c >> 6);
        bytes[1] = (char)(0x80 | (c & 0x3f));
        buf_append(out, bytes, 2);
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xe0 | c >> 12);
        bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (c & 0x3f));
        buf_append(out, bytes, 3);
    } else {
        bytes[0] = (char)(0xf0 | c >> 18);
        bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[3] = (char)(0x80 | (c & 0x3f));
        buf_append(out, bytes, 4);
    }
}

size_t utf8_truncate(struct slice text, size_t max)
{
    size_t len = text.len < max ? text.len : max;

    while (len > 0 && len < text.len && is_continuation((unsigned char)text.data[len])) {
        len--;
    }
    return len;
}

void utf8_blank_controls(char *text, size_t len, bool has_lines)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_c1 = c >= 0x80 && c < 0xa0 && i > 0 && (unsigned char)text[i - 1] == 0xc2;

        if ((c < 0x20 && !(c == '\n' && has_lines)) || c == 0x7f || is_c1) {
            text[i] = is_c1 ? (char)0xa0 : ' ';
        }
    }
}
