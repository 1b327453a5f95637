#include "core/sms_text.h"

#include <stddef.h>

#include "base/utf8.h"

/* Characters beyond ASCII in the basic table. */
static const uint16_t gsm_others[] = {
    0x00a1, 0x00a3, 0x00a4, 0x00a5, 0x00a7, 0x00bf, 0x00c4, 0x00c5, 0x00c6, 0x00c9, 0x00d1, 0x00d6, 0x00d8,
    0x00dc, 0x00df, 0x00e0, 0x00e4, 0x00e5, 0x00e6, 0x00e8, 0x00e9, 0x00ec, 0x00f1, 0x00f2, 0x00f6, 0x00f8,
    0x00f9, 0x00fc, 0x0393, 0x0394, 0x0398, 0x039b, 0x039e, 0x03a0, 0x03a3, 0x03a6, 0x03a8, 0x03a9,
};

static const uint8_t ascii_septets[128] = {
    ['\n'] = 1, ['\f'] = 2, ['\r'] = 1,        [' ' ... 'Z'] = 1, ['['] = 2, ['\\'] = 2, [']'] = 2,
    ['^'] = 2,  ['_'] = 1,  ['a' ... 'z'] = 1, ['{'] = 2,         ['|'] = 2, ['}'] = 2,  ['~'] = 2,
};

int sms_gsm_septets(uint32_t c)
{
    if (c < 0x80) {
        return ascii_septets[c];
    }
    if (c == 0x20ac) {
        return 2; /* euro */
    }
    if (c > 0x3a9 || (c > 0xff && c < 0x393)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(gsm_others) / sizeof(gsm_others[0]); i++) {
        if (gsm_others[i] == c) {
            return 1;
        }
    }
    return 0;
}

/* Parts filled one after the other, a pair that does not fit any more going to the next one. */
struct parts {
    int capacity;
    int count;
    int used; /* of the last part */
};

static void put(struct parts *parts, int units)
{
    if (parts->count == 0 || parts->used + units > parts->capacity) {
        parts->count++;
        parts->used = 0;
    }
    parts->used += units;
}

struct sms_size sms_measure(struct slice text)
{
    struct parts gsm = {.capacity = SMS_GSM_PART};
    struct parts ucs2 = {.capacity = SMS_UCS2_PART};
    struct sms_size size = {0};
    int septets = 0;
    int units = 0;
    size_t at = 0;

    while (at < text.len) {
        uint32_t c = utf8_next(text, &at, NULL);
        int gsm_width = sms_gsm_septets(c);
        int ucs2_width = c > 0xffff ? 2 : 1;

        size.is_unicode |= gsm_width == 0;
        septets += gsm_width;
        units += ucs2_width;
        put(&gsm, gsm_width);
        put(&ucs2, ucs2_width);
    }
    size.units = size.is_unicode ? units : septets;
    size.segments = size.is_unicode ? ucs2.count : gsm.count;
    if (size.units > 0 && size.units <= (size.is_unicode ? SMS_UCS2_SINGLE : SMS_GSM_SINGLE)) {
        size.segments = 1;
    }
    return size;
}

struct replacement {
    uint32_t from;
    const char *to;
};

static const struct replacement typography[] = {
    {0x00a0, " "}, {0x00ab, "\""},  {0x00ad, ""},  {0x00bb, "\""}, {0x2009, " "},  {0x200a, " "},  {0x200b, ""},
    {0x2010, "-"}, {0x2011, "-"},   {0x2012, "-"}, {0x2013, "-"},  {0x2014, "-"},  {0x2015, "-"},  {0x2018, "'"},
    {0x2019, "'"}, {0x201a, "'"},   {0x201b, "'"}, {0x201c, "\""}, {0x201d, "\""}, {0x201e, "\""}, {0x201f, "\""},
    {0x2022, "-"}, {0x2026, "..."}, {0x202f, " "}, {0x2032, "'"},  {0x2033, "\""}, {0x2039, "'"},  {0x203a, "'"},
    {0x2060, ""},  {0x2122, "TM"},  {0x2212, "-"}, {0xfeff, ""},   {'`', "'"},
};

/* é, ö and ü are in the GSM alphabet and stay. */
static const struct replacement hungarian[] = {
    {0x00e1, "a"}, {0x00c1, "A"}, {0x00ed, "i"},        {0x00cd, "I"},
    {0x00f3, "o"}, {0x00d3, "O"}, {0x0151, "\xc3\xb6"}, {0x0150, "\xc3\x96"},
    {0x00fa, "u"}, {0x00da, "U"}, {0x0171, "\xc3\xbc"}, {0x0170, "\xc3\x9c"},
};

/* s and t with comma below, and the cedilla forms that old keyboards make. */
static const struct replacement romanian[] = {
    {0x0103, "a"}, {0x0102, "A"}, {0x00e2, "a"}, {0x00c2, "A"}, {0x00ee, "i"}, {0x00ce, "I"}, {0x0219, "s"},
    {0x0218, "S"}, {0x021b, "t"}, {0x021a, "T"}, {0x015f, "s"}, {0x015e, "S"}, {0x0163, "t"}, {0x0162, "T"},
};

static const struct {
    const struct replacement *table;
    size_t count;
} tables[] = {
    {typography, sizeof(typography) / sizeof(typography[0])},
    {hungarian, sizeof(hungarian) / sizeof(hungarian[0])},
    {romanian, sizeof(romanian) / sizeof(romanian[0])},
};

/* NULL: there is no plain form. */
static const char *find_plain(uint32_t c)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            if (tables[i].table[j].from == c) {
                return tables[i].table[j].to;
            }
        }
    }
    return NULL;
}

bool sms_fits_gsm(struct slice text, bool is_transliterated)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t c = utf8_next(text, &at, NULL);

        if (!sms_gsm_septets(c) && !(is_transliterated && find_plain(c))) {
            return false;
        }
    }
    return true;
}

bool sms_transliterate(struct slice text, struct buf *out)
{
    struct sms_size before = sms_measure(text);
    size_t start = out->len;
    size_t at = 0;

    if (!before.is_unicode) {
        return false;
    }
    while (at < text.len) {
        size_t from = at;
        uint32_t c = utf8_next(text, &at, NULL);
        const char *plain = sms_gsm_septets(c) ? NULL : find_plain(c);

        if (plain) {
            buf_append_text(out, plain);
        } else {
            buf_append(out, text.data + from, at - from);
        }
    }
    if (out->overflowed || sms_measure(slice_make(out->data + start, out->len - start)).segments >= before.segments) {
        buf_truncate(out, start);
        return false;
    }
    return true;
}
