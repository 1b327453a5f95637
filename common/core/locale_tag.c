#include "core/locale_tag.h"

#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_all(struct slice part, bool (*is_one)(char))
{
    for (size_t i = 0; i < part.len; i++) {
        if (!is_one(part.data[i])) {
            return false;
        }
    }
    return true;
}

/* Copies up to the next separator into `part` (lower case) and moves *at behind the separator. -1: no more, or not
 * 1 to 8 letters and digits. */
static int next_part(struct slice text, size_t *at, char part[9])
{
    int len = 0;

    while (*at < text.len && text.data[*at] != '-' && text.data[*at] != '_') {
        char c = text.data[(*at)++];

        if (len == 8 || (!is_letter(c) && !is_digit(c))) {
            return -1;
        }
        part[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    part[len] = '\0';
    *at += 1;
    return len ? len : -1;
}

static void append_part(char *tag, char *part, int upper_count)
{
    size_t len = strlen(tag);

    for (int i = 0; i < upper_count; i++) {
        part[i] = (char)(is_letter(part[i]) ? part[i] & ~0x20 : part[i]);
    }
    if (len) {
        tag[len++] = '-';
    }
    memcpy(tag + len, part, strlen(part) + 1);
}

bool locale_tag_parse(struct slice text, char tag[LOCALE_TAG_SIZE])
{
    char part[9];
    size_t at = 0;
    int len = next_part(text, &at, part);

    tag[0] = '\0';
    if ((len != 2 && len != 3) || !is_all(slice_of(part), is_letter)) {
        return false;
    }
    append_part(tag, part, 0);
    if (at > text.len) {
        return true;
    }
    len = next_part(text, &at, part);
    if (len == 4 && is_all(slice_of(part), is_letter)) {
        append_part(tag, part, 1);
        if (at > text.len) {
            return true;
        }
        len = next_part(text, &at, part);
    }
    if (at <= text.len ||
        !((len == 2 && is_all(slice_of(part), is_letter)) || (len == 3 && is_all(slice_of(part), is_digit)))) {
        return false;
    }
    append_part(tag, part, len);
    return true;
}

size_t locale_tag_language_len(const char *tag)
{
    return strcspn(tag, "-");
}

bool locale_tag_has_same_language(const char *left, const char *right)
{
    size_t len = locale_tag_language_len(left);

    return len == locale_tag_language_len(right) && memcmp(left, right, len) == 0;
}
