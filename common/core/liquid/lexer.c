#include "core/liquid/lexer.h"

#include <ctype.h>
#include <string.h>

bool lexer_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

struct slice lexer_trim(struct slice text)
{
    while (text.len && lexer_is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && lexer_is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

static const char *find(const char *from, const char *end, const char *mark)
{
    return from < end ? memmem(from, (size_t)(end - from), mark, 2) : NULL;
}

/* Fills name and markup of a tag from what stands between its marks. */
static void split_tag(struct part *part, const char *from, const char *to)
{
    const char *name;

    while (from < to && lexer_is_space(*from)) {
        from++;
    }
    name = from;
    if (from < to && *from == '#') {
        from++;
    } else {
        while (from < to && is_word(*from)) {
            from++;
        }
    }
    part->name = slice_make(name, (size_t)(from - name));
    part->markup = slice_make(from, (size_t)(to - from));
    if (!part->name.len) {
        part->kind = PART_BROKEN;
        part->problem = "a tag needs a name, as in {% if %}";
    }
}

static struct part next_line(struct source *source)
{
    struct part part = {.kind = PART_END};

    while (source->pos < source->end) {
        const char *start = source->pos;
        const char *stop = memchr(start, '\n', (size_t)(source->end - start));
        struct slice line;

        stop = stop ? stop : source->end;
        source->pos = stop < source->end ? stop + 1 : stop;
        line = lexer_trim(slice_make(start, (size_t)(stop - start)));
        if (line.len) {
            part.kind = PART_TAG;
            part.start = line.data;
            split_tag(&part, line.data, line.data + line.len);
            return part;
        }
    }
    part.start = source->end;
    return part;
}

static struct part next_mark(struct source *source)
{
    const char *open = source->pos;
    bool is_tag = open[1] == '%';
    const char *from = open + 2;
    const char *close = find(from, source->end, is_tag ? "%}" : "}}");
    struct part part = {.kind = is_tag ? PART_TAG : PART_OUTPUT, .start = open};
    const char *to = close;

    if (!close) {
        part.kind = PART_BROKEN;
        part.problem = is_tag ? "the tag is not closed with %}" : "the output is not closed with }}";
        source->pos = source->end;
        return part;
    }
    source->pos = close + 2;
    source->trims = to > from && to[-1] == '-';
    if (source->trims) {
        to--;
    }
    if (from < to && *from == '-') {
        from++;
    }
    if (is_tag) {
        split_tag(&part, from, to);
    } else {
        part.markup = slice_make(from, (size_t)(to - from));
    }
    return part;
}

struct part source_next(struct source *source)
{
    struct part part = {.kind = PART_TEXT};
    const char *start = source->pos;
    const char *stop = start;

    if (source->is_lines) {
        return next_line(source);
    }
    if (start == source->end) {
        return (struct part){.kind = PART_END, .start = start};
    }
    while ((stop = memchr(stop, '{', (size_t)(source->end - stop)))) {
        if (stop + 1 < source->end && (stop[1] == '{' || stop[1] == '%')) {
            break;
        }
        stop++;
    }
    if (stop == start) {
        return next_mark(source);
    }
    part.start = start;
    source->pos = stop ? stop : source->end;
    stop = source->pos;
    if (source->trims) {
        while (start < stop && lexer_is_space(*start)) {
            start++;
        }
        source->trims = false;
    }
    if (stop + 2 < source->end && stop[2] == '-') {
        while (start < stop && lexer_is_space(stop[-1])) {
            stop--;
        }
    }
    part.markup = slice_make(start, (size_t)(stop - start));
    return part;
}

bool source_skip_to(struct source *source, const char *name, struct slice *body)
{
    const char *start = source->pos;
    const char *p = start;

    while ((p = find(p, source->end, "{%"))) {
        struct source inner = {.base = source->base, .pos = p, .end = source->end};
        const char *q = p + 2;
        size_t len = strlen(name);

        q += q < source->end && *q == '-';
        while (q < source->end && lexer_is_space(*q)) {
            q++;
        }
        if ((size_t)(source->end - q) > len && memcmp(q, name, len) == 0 && !is_word(q[len])) {
            struct part part = next_mark(&inner);

            if (part.kind == PART_TAG) {
                *body = slice_make(start, (size_t)(p - start));
                source->pos = inner.pos;
                source->trims = inner.trims;
                return true;
            }
        }
        p += 2;
    }
    return false;
}

/* --- inside of outputs and tags ------------------------------------------------------------- */

static size_t count_digits(const char *p, const char *end)
{
    size_t n = 0;

    while (p + n < end && isdigit((unsigned char)p[n])) {
        n++;
    }
    return n;
}

static void lex_number(struct cursor *c)
{
    const char *p = c->pos + (*c->pos == '-');

    c->token.kind = TOKEN_INT;
    p += count_digits(p, c->end);
    if (p + 1 < c->end && *p == '.' && isdigit((unsigned char)p[1])) {
        c->token.kind = TOKEN_FLOAT;
        p += 1 + count_digits(p + 1, c->end);
    }
    c->token.text = slice_make(c->pos, (size_t)(p - c->pos));
    c->pos = p;
}

static void lex_name(struct cursor *c)
{
    const char *p = c->pos;

    while (p < c->end && (is_word(*p) || *p == '-')) {
        p++;
    }
    if (p < c->end && *p == '?') {
        p++;
    }
    c->token.kind = TOKEN_NAME;
    c->token.text = slice_make(c->pos, (size_t)(p - c->pos));
    if (slice_is(c->token.text, "contains")) {
        c->token.kind = TOKEN_COMPARE;
    }
    c->pos = p;
}

static void lex_string(struct cursor *c)
{
    const char *close = memchr(c->pos + 1, *c->pos, (size_t)(c->end - c->pos - 1));

    if (!close) {
        c->token.kind = TOKEN_BROKEN;
        c->token.text = slice_make(c->pos, (size_t)(c->end - c->pos));
        c->pos = c->end;
        return;
    }
    c->token.kind = TOKEN_STRING;
    c->token.text = slice_make(c->pos + 1, (size_t)(close - c->pos - 1));
    c->pos = close + 1;
}

static void lex_symbol(struct cursor *c)
{
    static const char *const two[] = {"==", "!=", "<>", "<=", ">=", ".."};
    size_t left = (size_t)(c->end - c->pos);

    for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++) {
        if (left >= 2 && memcmp(c->pos, two[i], 2) == 0) {
            c->token.kind = two[i][0] == '.' ? TOKEN_DOTS : TOKEN_COMPARE;
            c->token.text = slice_make(c->pos, 2);
            c->pos += 2;
            return;
        }
    }
    c->token.text = slice_make(c->pos, 1);
    if (*c->pos == '<' || *c->pos == '>') {
        c->token.kind = TOKEN_COMPARE;
    } else {
        c->token.kind = strchr("|.:,[]()", *c->pos) ? TOKEN_CHAR : TOKEN_BROKEN;
    }
    c->pos++;
}

void cursor_next(struct cursor *c)
{
    char first;

    while (c->pos < c->end && lexer_is_space(*c->pos)) {
        c->pos++;
    }
    c->token = (struct token){.kind = TOKEN_END, .text = slice_make(c->pos, 0), .start = c->pos};
    if (c->pos == c->end) {
        return;
    }
    first = *c->pos;
    if (isalpha((unsigned char)first) || first == '_') {
        lex_name(c);
    } else if (isdigit((unsigned char)first) ||
               (first == '-' && c->pos + 1 < c->end && isdigit((unsigned char)c->pos[1]))) {
        lex_number(c);
    } else if (first == '"' || first == '\'') {
        lex_string(c);
    } else {
        lex_symbol(c);
    }
}

void cursor_init(struct cursor *c, struct slice markup)
{
    *c = (struct cursor){.pos = markup.data, .end = markup.data + markup.len};
    cursor_next(c);
}

bool cursor_is_char(const struct cursor *c, char character)
{
    return c->token.kind == TOKEN_CHAR && c->token.text.data[0] == character;
}

bool cursor_accept_char(struct cursor *c, char character)
{
    if (!cursor_is_char(c, character)) {
        return false;
    }
    cursor_next(c);
    return true;
}

bool cursor_accept_name(struct cursor *c, const char *name)
{
    if (c->token.kind != TOKEN_NAME || !slice_is(c->token.text, name)) {
        return false;
    }
    cursor_next(c);
    return true;
}

bool cursor_is_key(const struct cursor *c)
{
    const char *p = c->pos;

    while (p < c->end && lexer_is_space(*p)) {
        p++;
    }
    return c->token.kind == TOKEN_NAME && p < c->end && *p == ':';
}
