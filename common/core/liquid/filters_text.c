/* Filters that change the letters of a text or its encoding. */
#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

#include "base/digest.h"
#include "base/utf8.h"
#include "core/liquid/filter_support.h"

/* --- letters -------------------------------------------------------------------------------- */

/* The C library's tables for all of Unicode; they are part of it, so nothing is read. */
static locale_t unicode;

static void open_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t unicode_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, open_unicode);
    return unicode;
}

static void add_code_point(struct text *text, uint32_t c)
{
    char bytes[4];
    size_t len = 0;

    if (c < 0x80) {
        bytes[len++] = (char)c;
    } else if (c < 0x800) {
        bytes[len++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[len++] = (char)(0xe0 | c >> 12);
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        bytes[len++] = (char)(0xf0 | c >> 18);
        bytes[len++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80) {
        bytes[len++] = (char)(0x80 | (c & 0x3f));
    }
    text_add(text, slice_make(bytes, len));
}

/* Letters whose capital is more than one letter (SpecialCasing.txt of Unicode): as capitals, and at the beginning of a
 * word. */
static const struct {
    uint32_t letter;
    const char *upper, *title;
} long_capitals[] = {
    {0x00df, "SS", "Ss"},
    {0x0149, "\u02bcN", "\u02bcN"},
    {0x01f0, "J\u030c", "J\u030c"},
    {0x0390, "\u0399\u0308\u0301", "\u0399\u0308\u0301"},
    {0x03b0, "\u03a5\u0308\u0301", "\u03a5\u0308\u0301"},
    {0x0587, "\u0535\u0552", "\u0535\u0582"}, /* Armenian ech yiwn */
    {0x1e96, "H\u0331", "H\u0331"},
    {0x1e97, "T\u0308", "T\u0308"},
    {0x1e98, "W\u030a", "W\u030a"},
    {0x1e99, "Y\u030a", "Y\u030a"},
    {0x1e9a, "A\u02be", "A\u02be"},
    {0xfb00, "FF", "Ff"},
    {0xfb01, "FI", "Fi"},
    {0xfb02, "FL", "Fl"},
    {0xfb03, "FFI", "Ffi"},
    {0xfb04, "FFL", "Ffl"},
    {0xfb05, "ST", "St"},
    {0xfb06, "ST", "St"},
    {0xfb13, "\u0544\u0546", "\u0544\u0576"}, /* Armenian ligatures */
    {0xfb14, "\u0544\u0535", "\u0544\u0565"},
    {0xfb15, "\u0544\u053b", "\u0544\u056b"},
    {0xfb16, "\u054e\u0546", "\u054e\u0576"},
    {0xfb17, "\u0544\u053d", "\u0544\u056d"},
};

static bool add_long_capital(struct text *text, uint32_t c, bool is_title)
{
    for (size_t i = 0; i < sizeof(long_capitals) / sizeof(long_capitals[0]); i++) {
        if (long_capitals[i].letter == c) {
            text_add(text, slice_of(is_title ? long_capitals[i].title : long_capitals[i].upper));
            return true;
        }
    }
    return false;
}

static void add_letter(struct text *text, uint32_t c, bool is_upper, bool is_title)
{
    locale_t locale = unicode_locale();

    if (is_upper && add_long_capital(text, c, is_title)) {
        return;
    }
    if (locale) {
        c = is_upper ? (uint32_t)towupper_l((wint_t)c, locale) : (uint32_t)towlower_l((wint_t)c, locale);
    }
    add_code_point(text, c);
}

static bool change_case(const struct liquid_call *call, bool upper_first, bool upper_rest, struct liquid_value *result)
{
    struct slice in = input_text(call);
    bool is_upper = upper_first;
    struct text text;

    text_init(&text, call->run);
    run_work(call->run, in.len / 4);
    text_reserve(&text, in.len);
    for (size_t i = 0; i < in.len && !call->run->has_failed; is_upper = upper_rest) {
        unsigned char c = (unsigned char)in.data[i];
        size_t at = i;
        bool valid = true;

        if (c < 0x80) {
            text_add_char(&text, (char)(is_upper ? toupper(c) : tolower(c)));
            i++;
            continue;
        }
        uint32_t code_point = utf8_next(in, &i, &valid);
        if (valid) {
            add_letter(&text, code_point, is_upper, !upper_rest);
        } else {
            text_add(&text, slice_make(in.data + at, i - at));
        }
    }
    return give_text_like(call, result, text_slice(&text));
}

bool filter_upcase(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return change_case(call, true, true, result);
}

bool filter_downcase(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return change_case(call, false, false, result);
}

bool filter_capitalize(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return change_case(call, true, false, result);
}

/* --- URLs ----------------------------------------------------------------------------------- */

bool filter_url_encode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    static const char hex[] = "0123456789ABCDEF";
    struct slice in = input_text(call);
    struct text text;

    (void)err;
    if (value_is_nil(&call->input)) {
        return give(result, value_nil());
    }
    text_init(&text, call->run);
    for (size_t i = 0; i < in.len && !call->run->has_failed; i++) {
        unsigned char c = (unsigned char)in.data[i];

        if (c == ' ') {
            text_add_char(&text, '+');
        } else if ((c < 0x80 && isalnum(c)) || (c && strchr("-_.~", c))) {
            text_add_char(&text, (char)c);
        } else {
            text_add(&text, slice_make((char[]){'%', hex[c >> 4], hex[c & 15]}, 3));
        }
    }
    return give_text(result, text_slice(&text));
}

bool filter_url_decode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice in = input_text(call);
    struct text text;

    if (value_is_nil(&call->input)) {
        return give(result, value_nil());
    }
    text_init(&text, call->run);
    for (size_t i = 0; i < in.len && !call->run->has_failed; i++) {
        uint8_t byte;

        if (in.data[i] == '%' && i + 2 < in.len && hex_parse(slice_make(in.data + i + 1, 2), &byte, 1)) {
            text_add_char(&text, (char)byte);
            i += 2;
        } else {
            text_add_char(&text, in.data[i] == '+' ? ' ' : in.data[i]);
        }
    }
    if (!utf8_is_valid(text_slice(&text))) {
        return err_set(err, "the decoded bytes are not valid UTF-8");
    }
    return give_text(result, text_slice(&text));
}

/* --- base64 --------------------------------------------------------------------------------- */

static bool encode(const struct liquid_call *call, const char *alphabet, struct liquid_value *result)
{
    struct slice in = input_text(call);
    struct text text;
    char *to;

    text_init(&text, call->run);
    to = text_reserve(&text, in.len / 3 * 4 + 4);
    for (size_t i = 0; to && i < in.len; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)in.data[i] << 16;

        bits |= i + 1 < in.len ? (uint32_t)(unsigned char)in.data[i + 1] << 8 : 0;
        bits |= i + 2 < in.len ? (uint32_t)(unsigned char)in.data[i + 2] : 0;
        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = i + 1 < in.len ? alphabet[bits >> 6 & 63] : '=';
        *to++ = i + 2 < in.len ? alphabet[bits & 63] : '=';
        text.len += 4;
    }
    return give_text(result, text_slice(&text));
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool decode(const struct liquid_call *call, const char *alphabet, bool needs_padding,
                   struct liquid_value *result, struct err *err)
{
    struct slice in = input_text(call);
    struct text text;
    uint32_t bits = 0;
    size_t padding = 0;
    size_t count;

    while (padding < 2 && in.len && in.data[in.len - 1] == '=') {
        in.len--;
        padding++;
    }
    count = in.len;
    if (count % 4 == 1 || ((needs_padding || padding) && (count + padding) % 4 != 0)) {
        return err_set(err, "not valid base64");
    }
    text_init(&text, call->run);
    for (size_t i = 0; i < count && !call->run->has_failed; i++) {
        const char *at = in.data[i] ? strchr(alphabet, in.data[i]) : NULL;

        if (!at) {
            return err_set(err, "not valid base64");
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        if (i % 4) {
            text_add_char(&text, (char)(bits >> (6 - i % 4 * 2) & 0xff));
        }
    }
    if ((count % 4 == 2 && bits & 15) || (count % 4 == 3 && bits & 3)) {
        return err_set(err, "not valid base64"); /* bits that stand for nothing */
    }
    if (!utf8_is_valid(text_slice(&text))) {
        return err_set(err, "the decoded bytes are not valid UTF-8");
    }
    return give_text(result, text_slice(&text));
}

bool filter_base64_encode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return encode(call, standard, result);
}

bool filter_base64_url_safe_encode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    (void)err;
    return encode(call, url_safe, result);
}

bool filter_base64_decode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return decode(call, standard, true, result, err);
}

bool filter_base64_url_safe_decode(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    return decode(call, url_safe, false, result, err);
}
