#include "core/html_text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "core/html_element.h"
#include "core/html_entity.h"
#include "core/tag_scan.h"

enum { MOST_LINKS = 16 };

struct link {
    struct slice href;
    size_t start; /* in the output: where its text begins */
};

struct converter {
    struct slice in;
    size_t at;
    struct buf *out;
    char wanted_mark; /* to write before the next text; 0: none */
    bool wants_blank; /* a blank to write before the next text */
    bool is_marked;   /* right behind a list's dash: no break before the item's first text */
    bool is_raw;      /* between {% raw %} and {% endraw %} */
    struct link links[MOST_LINKS];
    int link_count;
};

enum kind {
    INLINE,    /* no effect */
    LINE,      /* begins and ends on a line of its own */
    PARAGRAPH, /* with an empty line around it */
    BREAK,
    RULE,
    ITEM,
    CELL,
    LINK,
    IMAGE,
    SKIPPED, /* left out with all it contains */
};

static const struct {
    const char *name;
    enum kind kind;
} elements[] = {
    {"a", LINK},
    {"br", BREAK},
    {"hr", RULE},
    {"img", IMAGE},
    {"li", ITEM},
    {"td", CELL},
    {"th", CELL},
    {"p", PARAGRAPH},
    {"h1", PARAGRAPH},
    {"h2", PARAGRAPH},
    {"h3", PARAGRAPH},
    {"h4", PARAGRAPH},
    {"h5", PARAGRAPH},
    {"h6", PARAGRAPH},
    {"ul", PARAGRAPH},
    {"ol", PARAGRAPH},
    {"dl", PARAGRAPH},
    {"pre", PARAGRAPH},
    {"table", PARAGRAPH},
    {"section", PARAGRAPH},
    {"article", PARAGRAPH},
    {"header", PARAGRAPH},
    {"footer", PARAGRAPH},
    {"figure", PARAGRAPH},
    {"blockquote", PARAGRAPH},
    {"div", LINE},
    {"tr", LINE},
    {"dt", LINE},
    {"dd", LINE},
    {"address", LINE},
    {"center", LINE},
    {"main", LINE},
    {"nav", LINE},
    {"aside", LINE},
    {"body", LINE},
    {"html", LINE},
    {"caption", LINE},
    {"figcaption", LINE},
    {"style", SKIPPED},
    {"script", SKIPPED},
    {"head", SKIPPED},
    {"title", SKIPPED},
    {"template", SKIPPED},
    {"svg", SKIPPED},
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- output ----------------------------------------------------------------------------------------------------- */

/* Marks that html_text_tidy() turns into line breaks. Two that meet, with only Liquid tags between them, count once;
 * no text holds them. */
enum { MARK_PARAGRAPH = 0x1d, MARK_LINE = 0x1e };

static void want_mark(struct converter *c, char mark)
{
    if (!c->is_marked && c->wanted_mark != MARK_PARAGRAPH) {
        c->wanted_mark = mark;
    }
    c->wants_blank = false;
}

static void flush_space(struct converter *c)
{
    if (c->wanted_mark) {
        buf_append_char(c->out, c->wanted_mark);
    } else if (c->wants_blank && !c->is_marked) {
        buf_append_char(c->out, ' ');
    }
    c->wanted_mark = 0;
    c->wants_blank = false;
}

static void put(struct converter *c, struct slice text)
{
    if (text.len == 0) {
        return;
    }
    flush_space(c);
    buf_append_slice(c->out, text);
    c->is_marked = false;
}

static void put_character(struct converter *c, uint32_t code_point)
{
    if (code_point == 0xad) { /* soft hyphen */
        return;
    }
    if (code_point == 0xa0) {
        code_point = ' ';
    }
    if (code_point == '{' && !c->is_raw) {
        put(c, SLICE("{{ '{' }}")); /* a bare one might join the next to a Liquid tag that nobody wrote */
        return;
    }
    flush_space(c);
    utf8_append(c->out, code_point);
    c->is_marked = false;
}

/* --- Liquid ----------------------------------------------------------------------------------------------------- */

/* True when a Liquid tag stood here. */
static bool take_liquid(struct converter *c)
{
    size_t len = tag_scan_len(c->in, c->at);
    struct slice tag = slice_make(c->in.data + c->at, len);

    if (!len || (c->is_raw && !tag_scan_is(tag, "endraw"))) {
        return false;
    }
    c->at += len;
    if (tag.data[1] == '{') {
        put(c, tag);
        return true;
    }
    if (tag_scan_is(tag, "comment")) {
        c->at = tag_scan_skip_block(c->in, c->at, "comment", "endcomment");
        return true;
    }
    c->is_raw = tag_scan_is(tag, "raw");
    flush_space(c);
    buf_append_slice(c->out, tag);
    return true;
}

/* --- HTML ------------------------------------------------------------------------------------------------------- */

/* Reads the tag whose '<' is at c->at, and moves behind it. */
static struct html_element take_element(struct converter *c)
{
    struct html_element element;

    c->at = html_element_parse(c->in, c->at, &element);
    return element;
}

/* Text of an attribute: entities decoded, Liquid kept. */
static void put_value(struct converter *c, struct slice value)
{
    for (size_t at = 0; at < value.len;) {
        uint32_t code_point;
        size_t len = tag_scan_len(value, at);

        if (len) {
            put(c, slice_make(value.data + at, len));
            at += len;
            continue;
        }
        len = html_entity_parse(slice_make(value.data + at, value.len - at), &code_point);
        if (!len) {
            code_point = utf8_next(value, &at, NULL);
        }
        at += len;
        put_character(c, code_point);
    }
}

static void open_link(struct converter *c, struct slice attributes)
{
    struct slice href = html_element_find(attributes, "href");

    if (slice_starts_with(href, "mailto:")) {
        href = slice_make(href.data + 7, href.len - 7);
    } else if (slice_starts_with(href, "tel:")) {
        href = slice_make(href.data + 4, href.len - 4);
    } else if (slice_starts_with(href, "#")) {
        href.len = 0;
    }
    if (c->link_count < MOST_LINKS) {
        c->links[c->link_count] = (struct link){.href = href, .start = c->out->len};
    }
    c->link_count++;
}

static void close_link(struct converter *c)
{
    struct link *link;
    struct slice text;

    if (c->link_count == 0 || --c->link_count >= MOST_LINKS) {
        return;
    }
    link = &c->links[c->link_count];
    if (link->href.len == 0) {
        return;
    }
    text = slice_make(buf_text(c->out) + link->start, c->out->len - link->start);
    while (text.len && is_blank(text.data[0])) {
        text = slice_make(text.data + 1, text.len - 1);
    }
    if (text.len == 0) {
        put_value(c, link->href);
    } else if (!slice_equal(text, link->href)) {
        c->wants_blank = true;
        put(c, SLICE("("));
        put_value(c, link->href);
        put(c, SLICE(")"));
    }
}

/* Moves behind the closing tag of `name`. */
static void skip_content(struct converter *c, struct slice name)
{
    while (c->at + 2 + name.len <= c->in.len) {
        const char *p = c->in.data + c->at;

        if (p[0] == '<' && p[1] == '/' && strncasecmp(p + 2, name.data, name.len) == 0) {
            take_element(c);
            return;
        }
        c->at++;
    }
    c->at = c->in.len;
}

static enum kind kind_of(struct slice name)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        if (html_element_is(name, elements[i].name)) {
            return elements[i].kind;
        }
    }
    return INLINE;
}

static void apply(struct converter *c, const struct html_element *element)
{
    switch (kind_of(element->name)) {
    case INLINE:
        break;
    case LINE:
        want_mark(c, MARK_LINE);
        break;
    case PARAGRAPH:
        want_mark(c, MARK_PARAGRAPH);
        break;
    case BREAK:
        c->wants_blank = false;
        put(c, SLICE("\n"));
        break;
    case RULE:
        want_mark(c, MARK_PARAGRAPH);
        put(c, SLICE("---"));
        want_mark(c, MARK_PARAGRAPH);
        break;
    case ITEM:
        want_mark(c, MARK_LINE);
        if (!element->is_closing) {
            put(c, SLICE("- "));
            c->is_marked = true;
        }
        break;
    case CELL:
        c->wants_blank = true;
        break;
    case LINK:
        if (element->is_closing) {
            close_link(c);
        } else {
            open_link(c, element->attributes);
        }
        break;
    case IMAGE:
        put_value(c, html_element_find(element->attributes, "alt"));
        break;
    case SKIPPED:
        if (!element->is_closing) {
            skip_content(c, element->name);
        }
        break;
    }
}

/* True when markup stood here. */
static bool take_markup(struct converter *c)
{
    const char *p = c->in.data + c->at;
    size_t left = c->in.len - c->at;
    struct html_element element;

    if (left >= 4 && memcmp(p, "<!--", 4) == 0) {
        const char *end = memmem(p + 4, left - 4, "-->", 3);

        c->at = end ? (size_t)(end + 3 - c->in.data) : c->in.len;
        return true;
    }
    if (left < 2 || p[0] != '<' || (!is_letter(p[1]) && p[1] != '/' && p[1] != '!' && p[1] != '?')) {
        return false;
    }
    element = take_element(c);
    apply(c, &element);
    return true;
}

void html_text_convert(struct slice html, struct buf *out)
{
    struct converter c = {.in = html, .out = out};

    while (c.at < html.len) {
        uint32_t code_point;
        size_t len;

        if (take_liquid(&c) || take_markup(&c)) {
            continue;
        }
        if (is_blank(html.data[c.at])) {
            c.wants_blank = true;
            c.at++;
            continue;
        }
        len = html_entity_parse(slice_make(html.data + c.at, html.len - c.at), &code_point);
        if (!len) {
            code_point = utf8_next(html, &c.at, NULL);
        }
        c.at += len;
        put_character(&c, code_point);
    }
}

/* What stands between two pieces of text. */
struct gap {
    int breaks; /* written by somebody */
    int least;  /* asked for by marks */
    bool has_blank;
};

static bool widen(struct gap *gap, char c)
{
    switch (c) {
    case '\n':
        gap->breaks++;
        return true;
    case MARK_LINE:
        gap->least = gap->least ? gap->least : 1;
        return true;
    case MARK_PARAGRAPH:
        gap->least = 2;
        return true;
    case ' ':
    case '\t':
    case '\r':
        gap->has_blank = true;
        return true;
    default:
        return false;
    }
}

/* A blank between two words, which stays as it is. */
static bool is_single_blank(const char *at, const char *end)
{
    return at[0] == ' ' && at + 1 < end && (unsigned char)at[1] > ' ';
}

/* Compared all at once, in one register of the processor. */
typedef unsigned char text_block __attribute__((vector_size(16)));

/* The end of the text that stays as it is, from `at` on, which is no blank. */
static const char *skip_words(const char *at, const char *end)
{
    for (at++; (size_t)(end - at) > sizeof(text_block); at += sizeof(text_block)) {
        text_block bytes, next;
        uint64_t marks[2];

        memcpy(&bytes, at, sizeof(bytes));
        memcpy(&next, at + 1, sizeof(next));
        bytes = (text_block)((bytes < ' ') | ((bytes == ' ') & (next <= ' ')));
        memcpy(marks, &bytes, sizeof(marks));
        if (marks[0] | marks[1]) {
            break;
        }
    }
    while (at < end && ((unsigned char)*at > ' ' || is_single_blank(at, end))) {
        at++;
    }
    return at;
}

void html_text_tidy(struct slice text, struct buf *out)
{
    const char *from = text.data;
    const char *end = text.data + text.len;
    struct gap gap = {0};

    buf_reserve(out, text.len + 1);
    for (; from < end; from++) {
        const char *start = from;

        if (widen(&gap, *from)) {
            continue;
        }
        if (out->len) {
            int breaks = gap.breaks > gap.least ? gap.breaks : gap.least;

            buf_append(out, breaks ? "\n\n" : " ", breaks > 1 ? 2 : breaks || gap.has_blank);
        }
        gap = (struct gap){0};
        from = skip_words(start, end) - 1;
        buf_append(out, start, (size_t)(from + 1 - start));
    }
    if (out->len) {
        buf_append_char(out, '\n');
    }
}
