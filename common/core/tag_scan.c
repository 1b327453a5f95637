#include "core/tag_scan.h"

#include <string.h>

size_t tag_scan_len(struct slice text, size_t at)
{
    const char *close;
    const char *end;

    if (at + 1 >= text.len || text.data[at] != '{' || (text.data[at + 1] != '{' && text.data[at + 1] != '%')) {
        return 0;
    }
    close = text.data[at + 1] == '{' ? "}}" : "%}";
    end = memmem(text.data + at + 2, text.len - at - 2, close, 2);
    return end ? (size_t)(end + 2 - (text.data + at)) : text.len - at;
}

size_t tag_scan_skip_blanks(struct slice text, size_t at)
{
    while (at < text.len && memchr(" \t\r\n", text.data[at], 4)) {
        at++;
    }
    return at;
}

bool tag_scan_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool tag_scan_is(struct slice tag, const char *name)
{
    size_t at = 2;
    size_t len = strlen(name);

    if (tag.len < 4 || tag.data[1] != '%') {
        return false;
    }
    at = tag_scan_skip_blanks(tag, at + (tag.data[at] == '-'));
    return at + len < tag.len && memcmp(tag.data + at, name, len) == 0 && !tag_scan_is_word(tag.data[at + len]);
}

size_t tag_scan_skip_block(struct slice text, size_t at, const char *open, const char *close)
{
    int depth = 1;

    while (at < text.len && depth > 0) {
        size_t len = tag_scan_len(text, at);
        struct slice tag = slice_make(text.data + at, len);

        depth += tag_scan_is(tag, open) ? 1 : tag_scan_is(tag, close) ? -1 : 0;
        at += len ? len : 1;
    }
    return at;
}

bool tag_scan_next(struct slice text, size_t *at, struct slice *tag)
{
    while (*at < text.len) {
        size_t len = tag_scan_len(text, *at);

        *tag = slice_make(text.data + *at, len);
        *at += len ? len : 1;
        if (tag_scan_is(*tag, "comment")) {
            *at = tag_scan_skip_block(text, *at, "comment", "endcomment");
        } else if (tag_scan_is(*tag, "raw")) {
            *at = tag_scan_skip_block(text, *at, "raw", "endraw");
        } else if (len) {
            return true;
        }
    }
    return false;
}
