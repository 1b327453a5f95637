#include "core/text_words.h"

#include <stdbool.h>

#include "base/utf8.h"

/* Punctuation above ASCII, by the blocks of Unicode; what is missing here counts as letters. */
static const struct {
    uint32_t first, last;
} punctuation[] = {
    {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},     {0xd7, 0xd7},     {0xf7, 0xf7},
    {0x55a, 0x55f},   {0x589, 0x58a},   {0x5be, 0x5be},   {0x60c, 0x60d},   {0x61b, 0x61f},   {0x66a, 0x66d},
    {0x6d4, 0x6d4},   {0x2000, 0x2bff}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0xfd3e, 0xfd3f}, {0xfe30, 0xfe6f},
    {0xff01, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xfff9, 0xffff}, {0x1f000, 0x1faff},
};

static bool is_punctuation(uint32_t c)
{
    for (size_t i = 0; i < sizeof(punctuation) / sizeof(punctuation[0]); i++) {
        if (c >= punctuation[i].first && c <= punctuation[i].last) {
            return true;
        }
    }
    return false;
}

enum text_class text_class_of(uint32_t c)
{
    if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x202f || c == 0x3000) {
        return TEXT_BLANK;
    }
    if (c < 0x80) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ? TEXT_WORD
                                                                                                      : TEXT_OTHER;
    }
    return is_punctuation(c) ? TEXT_OTHER : TEXT_WORD;
}

size_t text_word_end(struct slice text, size_t at)
{
    enum text_class class = text_class_of(utf8_next(text, &at, NULL));

    while (class != TEXT_OTHER && at < text.len) {
        size_t next = at;

        if (text_class_of(utf8_next(text, &next, NULL)) != class) {
            break;
        }
        at = next;
    }
    return at;
}
