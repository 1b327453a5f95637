#include "core/html_element.h"

#include <string.h>
#include <strings.h>

#include "core/tag_scan.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t skip_quoted(struct slice text, size_t at)
{
    char quote = text.data[at++];

    while (at < text.len && text.data[at] != quote) {
        size_t len = tag_scan_len(text, at);

        at += len ? len : 1;
    }
    return at < text.len ? at + 1 : at;
}

size_t html_element_parse(struct slice text, size_t at, struct html_element *element)
{
    size_t start;

    element->is_closing = at + 1 < text.len && text.data[at + 1] == '/';
    at += 1 + (size_t)element->is_closing;
    start = at;
    while (at < text.len && is_name_char(text.data[at])) {
        at++;
    }
    element->name = slice_make(text.data + start, at - start);
    start = at;
    while (at < text.len && text.data[at] != '>') {
        size_t len = tag_scan_len(text, at);
        char before = text.data[at - 1];

        if (len) {
            at += len;
        } else if ((text.data[at] == '"' || text.data[at] == '\'') && (before == '=' || is_blank(before))) {
            at = skip_quoted(text, at);
        } else {
            at++;
        }
    }
    element->attributes = slice_make(text.data + start, at - start);
    return at < text.len ? at + 1 : at;
}

bool html_element_is(struct slice name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.data, wanted, name.len) == 0;
}

struct slice html_element_find(struct slice attributes, const char *name)
{
    size_t at = 0;

    while (at < attributes.len) {
        size_t start, name_end, value;
        size_t len = tag_scan_len(attributes, at);

        if (len || is_blank(attributes.data[at]) || attributes.data[at] == '/') {
            at += len ? len : 1;
            continue;
        }
        for (start = at; at < attributes.len && !is_blank(attributes.data[at]) && attributes.data[at] != '=';) {
            at++;
        }
        name_end = at;
        while (at < attributes.len && is_blank(attributes.data[at])) {
            at++;
        }
        if (at >= attributes.len || attributes.data[at] != '=') {
            continue;
        }
        for (at++; at < attributes.len && is_blank(attributes.data[at]);) {
            at++;
        }
        value = at;
        if (at < attributes.len && (attributes.data[at] == '"' || attributes.data[at] == '\'')) {
            at = skip_quoted(attributes, at);
            len = at - value > 1 ? at - value - 2 : 0;
            value++;
        } else {
            while (at < attributes.len && !is_blank(attributes.data[at])) {
                len = tag_scan_len(attributes, at);
                at += len ? len : 1;
            }
            len = at - value;
        }
        if (html_element_is(slice_make(attributes.data + start, name_end - start), name)) {
            return slice_make(attributes.data + value, len);
        }
    }
    return slice_make("", 0);
}
