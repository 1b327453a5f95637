#include "core/html_source.h"

#include <string.h>

#include "core/tag_scan.h"

/* Characters for private use that no text has: mark = open "file:offset" close. */
static const char mark_open[] = "\xf3\xb0\x80\x80";
static const char mark_close[] = "\xf3\xb0\x80\x81";

enum { MARK_LEN = 4, MOST_DIGITS = 20 };

/* A piece of source: literal text, or Liquid that becomes `filler`. */
struct piece {
    struct slice text;
    char filler; /* 0: literal */
};

static struct slice cut(struct slice source, size_t from, size_t to)
{
    return slice_make(source.data + from, to - from);
}

/* The piece at *at; moves behind it. */
static struct piece next_piece(struct slice source, size_t *at)
{
    size_t start = *at;
    size_t len = tag_scan_len(source, start);
    struct slice tag = cut(source, start, start + len);

    if (!len) {
        do {
            ++*at;
        } while (*at < source.len && !tag_scan_len(source, *at));
        return (struct piece){cut(source, start, *at), 0};
    }
    *at += len;
    if (tag_scan_is(tag, "comment")) {
        *at = tag_scan_skip_block(source, *at, "comment", "endcomment");
    }
    return (struct piece){cut(source, start, *at), tag.data[1] == '{' ? HTML_SOURCE_OUTPUT : HTML_SOURCE_TAG};
}

void html_source_blank(struct slice source, struct buf *out)
{
    size_t at = 0;

    while (at < source.len) {
        struct piece piece = next_piece(source, &at);

        if (!piece.filler) {
            buf_append_slice(out, piece.text);
            continue;
        }
        for (size_t i = 0; i < piece.text.len; i++) {
            buf_append_char(out, piece.text.data[i] == '\n' ? '\n' : piece.filler);
        }
    }
}

static bool starts_tag(struct slice text, size_t at)
{
    char next = at + 1 < text.len ? text.data[at + 1] : '\0';

    return text.data[at] == '<' && ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/');
}

void html_source_mark(struct slice source, size_t file, size_t base, struct buf *out)
{
    size_t at = 0;

    while (at < source.len) {
        struct piece piece = next_piece(source, &at);
        size_t start = (size_t)(piece.text.data - source.data);

        for (size_t i = 0; i < piece.text.len; i++) {
            if (!piece.filler && starts_tag(piece.text, i)) {
                buf_appendf(out, "%s%zu:%zu%s", mark_open, file, base + start + i, mark_close);
            }
            buf_append_char(out, piece.text.data[i]);
        }
    }
}

static bool read_number(struct slice text, size_t *at, size_t *number)
{
    size_t start = *at;

    *number = 0;
    while (*at < text.len && *at - start < MOST_DIGITS && text.data[*at] >= '0' && text.data[*at] <= '9') {
        *number = *number * 10 + (size_t)(text.data[*at] - '0');
        ++*at;
    }
    return *at > start;
}

/* Reads the mark at `at`; *end is behind it. */
static bool read_mark(struct slice text, size_t at, size_t *file, size_t *offset, size_t *end)
{
    if (text.len - at < MARK_LEN || memcmp(text.data + at, mark_open, MARK_LEN) != 0) {
        return false;
    }
    at += MARK_LEN;
    if (!read_number(text, &at, file) || at >= text.len || text.data[at] != ':') {
        return false;
    }
    at++;
    if (!read_number(text, &at, offset) || text.len - at < MARK_LEN ||
        memcmp(text.data + at, mark_close, MARK_LEN) != 0) {
        return false;
    }
    *end = at + MARK_LEN;
    return true;
}

bool html_source_find_mark(struct slice text, size_t at, size_t *file, size_t *offset)
{
    size_t least = at > 2 * MARK_LEN + 2 * MOST_DIGITS + 1 ? at - (2 * MARK_LEN + 2 * MOST_DIGITS + 1) : 0;

    for (size_t start = at; start > least; start--) {
        size_t end;

        if (read_mark(text, start - 1, file, offset, &end)) {
            return end == at;
        }
    }
    return false;
}

void html_source_clean(struct slice text, struct buf *out)
{
    size_t at = 0;

    while (at < text.len) {
        size_t file, offset;

        if (!read_mark(text, at, &file, &offset, &at)) {
            if (text.data[at] != HTML_SOURCE_TAG) {
                buf_append_char(out, text.data[at]);
            }
            at++;
        }
    }
}
