/* The tags without a body of template: assign, echo, cycle, raw, comments and the like. */
#include <ctype.h>
#include <string.h>

#include "base/nearest.h"
#include "core/liquid/parser.h"

static bool parse_assign(struct parser *p, const struct part *part)
{
    const char *start = part->markup.data;
    const char *end = start + part->markup.len;
    const char *q, *name;
    struct cursor c;
    uint32_t node, pipe, symbol;

    while (start < end && lexer_is_space(*start)) {
        start++;
    }
    name = start;
    while (start < end && (isalnum((unsigned char)*start) || (*start && strchr("_-.[]", *start)))) {
        start++;
    }
    q = start;
    while (q < end && lexer_is_space(*q)) {
        q++;
    }
    if (start == name || *name == '-' || q == end || *q != '=') {
        return parser_fail(p, name, "{% assign name = value %}", "assign needs a name and a value");
    }
    q++;
    cursor_init(&c, slice_make(q, (size_t)(end - q)));
    if (!parse_pipe(p, &c, &pipe)) {
        return false;
    }
    symbol = program_symbol(p->template, slice_make(name, (size_t)(start - name)));
    node = parser_begin_node(p, NODE_ASSIGN, part->start);
    parser_node(p, node)->set.symbol = symbol;
    parser_node(p, node)->set.pipe = pipe;
    parser_node(p, node)->is_blank = true;
    return true;
}

static bool parse_counter(struct parser *p, const struct part *part)
{
    struct slice name = lexer_trim(part->markup);
    uint32_t symbol, node;

    if (!name.len || memchr(name.data, ' ', name.len)) {
        return parser_fail(p, part->start, NULL, "%.*s needs the name of a counter", (int)part->name.len,
                           part->name.data);
    }
    symbol = program_symbol(p->template, name);
    node = parser_begin_node(p, NODE_COUNT, part->start);
    parser_node(p, node)->set.symbol = symbol;
    parser_node(p, node)->flags = slice_is(part->name, "decrement") ? COUNT_DOWN : 0;
    p->is_blank = false;
    return true;
}

static bool parse_jump(struct parser *p, const struct part *part)
{
    struct cursor c;

    cursor_init(&c, part->markup);
    parser_begin_node(p, slice_is(part->name, "break") ? NODE_BREAK : NODE_CONTINUE, part->start);
    p->is_blank = false;
    return parser_expect_end(p, &c);
}

/* The word nil is no value to go through. */
static uint32_t drop_nils(const struct parser *p, uint32_t *args, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct expr *expr = &p->template->exprs.items[args[i]];

        if (expr->kind != EXPR_LITERAL || expr->literal.kind != LIQUID_NIL) {
            args[kept++] = args[i];
        }
    }
    return kept;
}

static bool parse_cycle_values(struct parser *p, struct cursor *c, struct cycle *cycle)
{
    enum { MAX_VALUES = 100 };
    uint32_t args[MAX_VALUES];
    uint32_t count = 0;

    do {
        if (count == MAX_VALUES) {
            return parser_fail(p, c->token.start, NULL, "too many values");
        }
        if (count && c->token.kind == TOKEN_END) {
            break; /* a comma behind the last value */
        }
        if (!parse_expr(p, c, &args[count++])) {
            return false;
        }
        if (count == 1 && cycle->group == NO_INDEX && cursor_accept_char(c, ':')) {
            cycle->group = args[0];
            count = 0;
            cycle->source = slice_make(c->token.start, (size_t)(c->end - c->token.start));
            if (!parse_expr(p, c, &args[count++])) {
                return false;
            }
        }
    } while (cursor_accept_char(c, ','));
    count = drop_nils(p, args, count);
    cycle->first_arg = parser_add_args(p, args, count);
    cycle->arg_count = count;
    return parser_expect_end(p, c);
}

static bool parse_cycle(struct parser *p, const struct part *part)
{
    struct cycle cycle = {.group = NO_INDEX, .source = lexer_trim(part->markup)};
    struct cursor c;
    uint32_t node;

    cursor_init(&c, part->markup);
    if (!parse_cycle_values(p, &c, &cycle)) {
        return false;
    }
    list_add(&p->template->cycles, cycle);
    node = parser_begin_node(p, NODE_CYCLE, part->start);
    parser_node(p, node)->cycle = p->template->cycles.count - 1;
    p->is_blank = false;
    return true;
}

/* --- text that is not parsed ---------------------------------------------------------------- */

static bool parse_raw(struct parser *p, const struct part *part)
{
    struct slice body;
    uint32_t node;

    if (lexer_trim(part->markup).len) {
        return parser_fail(p, part->start, NULL, "raw takes no arguments");
    }
    p->source.trims = false;
    if (p->source.is_lines || !source_skip_to(&p->source, "endraw", &body)) {
        return parser_fail(p, part->start, NULL, "raw is not closed with {%% endraw %%}");
    }
    if (body.len) {
        node = parser_begin_node(p, NODE_TEXT, body.data);
        parser_node(p, node)->text = body;
        p->is_blank = false;
    }
    return true;
}

static bool parse_doc(struct parser *p, const struct part *part)
{
    struct slice body, inner;
    struct source nested = p->source;

    if (lexer_trim(part->markup).len) {
        return parser_fail(p, part->start, NULL, "doc takes no arguments");
    }
    if (p->source.is_lines || !source_skip_to(&p->source, "enddoc", &body)) {
        return parser_fail(p, part->start, NULL, "doc is not closed with {%% enddoc %%}");
    }
    nested.end = body.data + body.len;
    if (source_skip_to(&nested, "doc", &inner)) {
        return parser_fail(p, part->start, NULL, "a doc cannot stand in another");
    }
    return true;
}

/* Comments nest, and a raw inside one hides what looks like its end. */
static bool parse_comment(struct parser *p, const struct part *part)
{
    int depth = 1;

    while (depth > 0) {
        struct part inner = source_next(&p->source);
        struct slice body;

        if (inner.kind == PART_END) {
            return parser_fail(p, part->start, NULL, "comment is not closed with {%% endcomment %%}");
        }
        if (inner.kind != PART_TAG) {
            continue;
        }
        if (slice_is(inner.name, "comment")) {
            depth++;
        } else if (slice_is(inner.name, "endcomment")) {
            depth--;
        } else if (slice_is(inner.name, "raw") && !p->source.is_lines) {
            source_skip_to(&p->source, "endraw", &body);
        }
    }
    return true;
}

static bool parse_inline_comment(struct parser *p, const struct part *part)
{
    const char *at = part->markup.data;
    const char *end = at + part->markup.len;

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        while (at < end && lexer_is_space(*at)) {
            at++;
        }
        if (at < end && *at != '#') {
            return parser_fail(p, at, NULL, "every line of a comment tag begins with #");
        }
    }
    return true;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct tag tags[] = {
    {"#", parse_inline_comment},
    {"assign", parse_assign},
    {"break", parse_jump},
    {"capture", parse_capture},
    {"case", parse_case},
    {"comment", parse_comment},
    {"continue", parse_jump},
    {"cycle", parse_cycle},
    {"decrement", parse_counter},
    {"doc", parse_doc},
    {"echo", parse_print},
    {"for", parse_for},
    {"if", parse_if},
    {"ifchanged", parse_ifchanged},
    {"include", parse_include},
    {"increment", parse_counter},
    {"liquid", parse_liquid_tag},
    {"raw", parse_raw},
    {"render", parse_render},
    {"tablerow", parse_tablerow},
    {"unless", parse_if},
};

enum { TAG_COUNT = sizeof(tags) / sizeof(tags[0]) };

const struct tag *tag_find(struct slice name)
{
    for (size_t i = 0; i < TAG_COUNT; i++) {
        if (slice_is(name, tags[i].name)) {
            return &tags[i];
        }
    }
    return NULL;
}

const char *tag_nearest(struct slice name)
{
    const char *names[TAG_COUNT + 4] = {"else", "elsif", "when"};
    char word[NEAREST_MOST_LEN + 1];

    if (name.len >= sizeof(word)) {
        return NULL;
    }
    memcpy(word, name.data, name.len);
    word[name.len] = '\0';
    for (size_t i = 1; i < TAG_COUNT; i++) {
        names[i + 2] = tags[i].name;
    }
    return nearest_find(word, names);
}
