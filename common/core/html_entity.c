#include "core/html_entity.h"

#include <string.h>

#include "base/utf8.h"

enum { NAME_MOST = 8, LATIN1_FIRST = 0xa0 };

/* U+00A0 to U+00FF in order. */
static const char *const latin1[] = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",
    "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",
    "para",   "middot", "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave",
    "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",
    "Igrave", "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",
    "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute",
    "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil", "egrave", "eacute", "ecirc",  "euml",   "igrave",
    "iacute", "icirc",  "iuml",   "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide",
    "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};

static const struct {
    const char *name;
    uint32_t code_point;
} others[] = {
    {"quot", 0x0022},   {"amp", 0x0026},    {"apos", 0x0027},   {"lt", 0x003c},     {"gt", 0x003e},
    {"lbrace", 0x007b}, {"lcub", 0x007b},   {"rcub", 0x007d},   {"Abreve", 0x0102}, {"abreve", 0x0103},
    {"Odblac", 0x0150}, {"odblac", 0x0151}, {"OElig", 0x0152},  {"oelig", 0x0153},  {"Scaron", 0x0160},
    {"scaron", 0x0161}, {"Udblac", 0x0170}, {"udblac", 0x0171}, {"ensp", 0x2002},   {"emsp", 0x2003},
    {"thinsp", 0x2009}, {"zwnj", 0x200c},   {"zwj", 0x200d},    {"lrm", 0x200e},    {"rlm", 0x200f},
    {"ndash", 0x2013},  {"mdash", 0x2014},  {"lsquo", 0x2018},  {"rsquo", 0x2019},  {"sbquo", 0x201a},
    {"ldquo", 0x201c},  {"rdquo", 0x201d},  {"bdquo", 0x201e},  {"bull", 0x2022},   {"hellip", 0x2026},
    {"prime", 0x2032},  {"lsaquo", 0x2039}, {"rsaquo", 0x203a}, {"euro", 0x20ac},   {"trade", 0x2122},
    {"larr", 0x2190},   {"uarr", 0x2191},   {"rarr", 0x2192},   {"darr", 0x2193},   {"minus", 0x2212},
    {"ne", 0x2260},     {"le", 0x2264},     {"ge", 0x2265},     {"star", 0x2606},   {"starf", 0x2605},
    {"check", 0x2713},  {"hearts", 0x2665},
};

static int digit_value(char c, int base)
{
    int value = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;

    return value < base ? value : -1;
}

static size_t parse_number(struct slice text, uint32_t *code_point)
{
    size_t at = 2;
    int base = 10;
    uint32_t number = 0;
    size_t first;

    if (at < text.len && (text.data[at] | 0x20) == 'x') {
        base = 16;
        at++;
    }
    for (first = at; at < text.len && digit_value(text.data[at], base) >= 0; at++) {
        if (number <= 0x10ffff) {
            number = number * (uint32_t)base + (uint32_t)digit_value(text.data[at], base);
        }
    }
    if (at == first || at == text.len || text.data[at] != ';') {
        return 0;
    }
    if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) {
        number = UTF8_REPLACEMENT;
    }
    *code_point = number;
    return at + 1;
}

static bool find_name(struct slice name, uint32_t *code_point)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (slice_is(name, others[i].name)) {
            *code_point = others[i].code_point;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(latin1) / sizeof(latin1[0]); i++) {
        if (slice_is(name, latin1[i])) {
            *code_point = LATIN1_FIRST + (uint32_t)i;
            return true;
        }
    }
    return false;
}

size_t html_entity_parse(struct slice text, uint32_t *code_point)
{
    size_t most = text.len < NAME_MOST + 2 ? text.len : NAME_MOST + 2;
    const char *end;

    if (text.len < 3 || text.data[0] != '&') {
        return 0;
    }
    if (text.data[1] == '#') {
        return parse_number(text, code_point);
    }
    end = memchr(text.data, ';', most);
    if (!end || !find_name(slice_make(text.data + 1, (size_t)(end - text.data) - 1), code_point)) {
        return 0;
    }
    return (size_t)(end - text.data) + 1;
}

void html_escape_append(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '&':
            buf_append_text(out, "&amp;");
            break;
        case '<':
            buf_append_text(out, "&lt;");
            break;
        case '>':
            buf_append_text(out, "&gt;");
            break;
        case '"':
            buf_append_text(out, "&quot;");
            break;
        case '\'':
            buf_append_text(out, "&#39;");
            break;
        default:
            buf_append_char(out, text.data[i]);
        }
    }
}
