#include "core/html_tags.h"

#include <string.h>
#include <strings.h>

#include "core/html_source.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == HTML_SOURCE_TAG;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool equals(struct slice name, const char *word)
{
    return name.len == strlen(word) && strncasecmp(name.data, word, name.len) == 0;
}

struct html_tags html_tags_of(struct slice text)
{
    return (struct html_tags){.text = text};
}

static bool has_prefix(struct slice text, size_t at, const char *prefix)
{
    return slice_starts_with(slice_make(text.data + at, text.len - at), prefix);
}

static size_t skip(struct slice text, size_t at, const char *what)
{
    const char *found = at < text.len ? memmem(text.data + at, text.len - at, what, strlen(what)) : NULL;

    return found ? (size_t)(found - text.data) + strlen(what) : text.len;
}

/* At the closing tag of the raw element, or at the end. */
static size_t skip_raw(const struct html_tags *tags)
{
    for (size_t at = tags->at; at + 2 + tags->raw.len <= tags->text.len; at++) {
        if (tags->text.data[at] == '<' && tags->text.data[at + 1] == '/' &&
            strncasecmp(tags->text.data + at + 2, tags->raw.data, tags->raw.len) == 0) {
            return at;
        }
    }
    return tags->text.len;
}

/* Moves to the "<" of the next tag. */
static bool find_tag(struct html_tags *tags)
{
    struct slice text = tags->text;

    if (tags->raw.len) {
        tags->at = skip_raw(tags);
        tags->raw.len = 0;
    }
    while (tags->at < text.len) {
        const char *open = memchr(text.data + tags->at, '<', text.len - tags->at);
        char next;

        if (!open) {
            break;
        }
        tags->at = (size_t)(open - text.data);
        next = tags->at + 1 < text.len ? open[1] : '\0';
        if (has_prefix(text, tags->at, "<!-->")) {
            tags->at += 5;
        } else if (has_prefix(text, tags->at, "<!--")) {
            tags->at = skip(text, tags->at + 4, "-->");
        } else if (next == '!' || next == '?') {
            tags->at = skip(text, tags->at, ">");
        } else if (is_letter(next) || (next == '/' && tags->at + 2 < text.len && is_letter(open[2]))) {
            return true;
        } else {
            tags->at++;
        }
    }
    tags->at = text.len;
    return false;
}

static struct slice read_name(struct html_tags *tags)
{
    size_t start = tags->at;

    while (tags->at < tags->text.len && !is_blank(tags->text.data[tags->at]) &&
           !memchr(">/=", tags->text.data[tags->at], 3)) {
        tags->at++;
    }
    return slice_make(tags->text.data + start, tags->at - start);
}

static void skip_blanks(struct html_tags *tags)
{
    while (tags->at < tags->text.len && is_blank(tags->text.data[tags->at])) {
        tags->at++;
    }
}

static void read_value(struct html_tags *tags, struct html_attribute *attribute)
{
    struct slice text = tags->text;
    size_t start = tags->at;
    char quote = start < text.len ? text.data[start] : '\0';

    if (quote == '"' || quote == '\'') {
        const char *end = memchr(text.data + start + 1, quote, text.len - start - 1);
        size_t stop = end ? (size_t)(end - text.data) : text.len;

        attribute->is_quoted = true;
        attribute->value = slice_make(text.data + start + 1, stop - start - 1);
        tags->at = end ? stop + 1 : stop;
        return;
    }
    while (tags->at < text.len && !is_blank(text.data[tags->at]) && text.data[tags->at] != '>') {
        tags->at++;
    }
    attribute->value = slice_make(text.data + start, tags->at - start);
}

static void read_attribute(struct html_tags *tags, struct html_tag *tag)
{
    struct html_attribute attribute = {.at = tags->at};

    attribute.name = read_name(tags);
    attribute.value = slice_make(tags->text.data + tags->at, 0);
    if (attribute.name.len == 0) {
        tags->at++; /* a stray '=' or '/' */
        return;
    }
    skip_blanks(tags);
    if (tags->at < tags->text.len && tags->text.data[tags->at] == '=') {
        tags->at++;
        skip_blanks(tags);
        read_value(tags, &attribute);
    }
    if (tag->attribute_count < HTML_TAG_MOST_ATTRIBUTES) {
        tag->attributes[tag->attribute_count++] = attribute;
    }
}

static bool is_raw_element(const struct html_tag *tag)
{
    return html_tag_is(tag, "style") || html_tag_is(tag, "script") || html_tag_is(tag, "title") ||
           html_tag_is(tag, "textarea");
}

bool html_tags_next(struct html_tags *tags, struct html_tag *tag)
{
    if (!find_tag(tags)) {
        return false;
    }
    tag->at = tags->at;
    tag->is_closing = tags->text.data[tags->at + 1] == '/';
    tag->attribute_count = 0;
    tags->at += tag->is_closing ? 2 : 1;
    tag->name = read_name(tags);
    for (skip_blanks(tags); tags->at < tags->text.len && tags->text.data[tags->at] != '>'; skip_blanks(tags)) {
        read_attribute(tags, tag);
    }
    tags->at += tags->at < tags->text.len;
    if (!tag->is_closing && is_raw_element(tag)) {
        tags->raw = tag->name;
    }
    return true;
}

const struct html_attribute *html_tag_find(const struct html_tag *tag, const char *name)
{
    for (size_t i = 0; i < tag->attribute_count; i++) {
        if (equals(tag->attributes[i].name, name)) {
            return &tag->attributes[i];
        }
    }
    return NULL;
}

bool html_tag_is(const struct html_tag *tag, const char *name)
{
    return equals(tag->name, name);
}

bool html_tag_is_void(const struct html_tag *tag)
{
    static const char *const names[] = {"area", "base", "br",    "col",    "embed", "hr",  "img", "input",
                                        "link", "meta", "param", "source", "track", "wbr", NULL};

    for (size_t i = 0; names[i]; i++) {
        if (html_tag_is(tag, names[i])) {
            return true;
        }
    }
    return false;
}
