#include "core/liquid/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- reports -------------------------------------------------------------------------------- */

static void report(struct parser *p, enum diag_severity severity, const char *where, const char *hint,
                   const char *message)
{
    int line, column;

    program_place(p->template, p->unit, (uint32_t)(where - p->source.base), &line, &column);
    diag_add(p->diags, severity, p->template->units.items[p->unit].name, line, column, hint, "%s", message);
}

bool parser_fail(struct parser *p, const char *where, const char *hint, const char *format, ...)
{
    char message[256];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report(p, DIAG_ERROR, where, hint, message);
    return false;
}

const char *parser_show(const struct token *token, char text[64])
{
    if (token->kind == TOKEN_END) {
        return "the end";
    }
    if (token->kind == TOKEN_BROKEN && (token->text.data[0] == '"' || token->text.data[0] == '\'')) {
        return "a text without a closing quote";
    }
    snprintf(text, 64, "\"%.*s\"", (int)(token->text.len < 60 ? token->text.len : 60), token->text.data);
    return text;
}

bool parser_expect_end(struct parser *p, const struct cursor *c)
{
    char text[64];

    if (c->token.kind == TOKEN_END) {
        return true;
    }
    return parser_fail(p, c->token.start, NULL, "unexpected %s", parser_show(&c->token, text));
}

bool parser_warn_end(struct parser *p, const struct cursor *c)
{
    char text[64];
    char message[128];

    if (c->token.kind != TOKEN_END) {
        snprintf(message, sizeof(message), "%s and what follows it has no effect", parser_show(&c->token, text));
        report(p, DIAG_WARNING, c->token.start, NULL, message);
    }
    return true;
}

bool parser_expect_char(struct parser *p, struct cursor *c, char character)
{
    char text[64];

    if (cursor_accept_char(c, character)) {
        return true;
    }
    return parser_fail(p, c->token.start, NULL, "expected \"%c\" but found %s", character,
                       parser_show(&c->token, text));
}

/* --- nodes ---------------------------------------------------------------------------------- */

struct node *parser_node(struct parser *p, uint32_t node)
{
    return &p->template->units.items[p->unit].nodes.items[node];
}

uint32_t parser_begin_node(struct parser *p, enum node_kind kind, const char *start)
{
    struct unit *unit = &p->template->units.items[p->unit];
    uint32_t index = unit->nodes.count;

    list_add(&unit->nodes,
             (struct node){.kind = (uint8_t)kind, .at = (uint32_t)(start - p->source.base), .end = index + 1});
    return index;
}

void parser_end_node(struct parser *p, uint32_t node)
{
    parser_node(p, node)->end = p->template->units.items[p->unit].nodes.count;
}

static void add_text(struct parser *p, struct slice text, const char *start)
{
    uint32_t node;

    if (!text.len) {
        return;
    }
    node = parser_begin_node(p, NODE_TEXT, start);
    parser_node(p, node)->text = text;
    parser_node(p, node)->is_blank = lexer_trim(text).len == 0;
    p->is_blank = p->is_blank && parser_node(p, node)->is_blank;
}

bool parse_print(struct parser *p, const struct part *part)
{
    struct cursor c;
    uint32_t pipe, node;

    cursor_init(&c, part->markup);
    p->is_blank = false;
    if (c.token.kind == TOKEN_END) {
        return true;
    }
    if (!parse_pipe(p, &c, &pipe)) {
        return false;
    }
    node = parser_begin_node(p, NODE_PRINT, part->start);
    parser_node(p, node)->pipe = pipe;
    return true;
}

/* --- bodies --------------------------------------------------------------------------------- */

static bool is_end_or_middle(struct slice name)
{
    static const char *const middles[] = {"else", "elsif", "when"};

    for (size_t i = 0; i < sizeof(middles) / sizeof(middles[0]); i++) {
        if (slice_is(name, middles[i])) {
            return true;
        }
    }
    return slice_starts_with(name, "end");
}

static bool parse_part(struct parser *p, const struct part *part)
{
    const struct tag *tag;
    const char *nearest;
    char hint[96];

    switch (part->kind) {
    case PART_TEXT:
        add_text(p, part->markup, part->start);
        return true;
    case PART_OUTPUT:
        return parse_print(p, part);
    case PART_TAG:
        tag = tag_find(part->name);
        if (tag) {
            return tag->parse(p, part);
        }
        nearest = tag_nearest(part->name);
        snprintf(hint, sizeof(hint), "did you mean \"%s\"?", nearest ? nearest : "");
        return parser_fail(p, part->start, nearest ? hint : NULL, "unknown tag \"%.*s\"", (int)part->name.len,
                           part->name.data);
    case PART_BROKEN:
    default:
        return parser_fail(p, part->start, NULL, "%s", part->problem);
    }
}

bool parse_body(struct parser *p, struct stop *stop)
{
    for (;;) {
        struct part part = source_next(&p->source);

        if (part.kind == PART_END) {
            *stop = (struct stop){.start = part.start};
            return true;
        }
        if (part.kind == PART_TAG && is_end_or_middle(part.name)) {
            *stop = (struct stop){part.name, part.markup, part.start};
            return true;
        }
        if (!parse_part(p, &part)) {
            return false;
        }
    }
}

bool parse_block(struct parser *p, struct stop *stop)
{
    bool is_fine;

    if (p->depth >= PARSER_MAX_DEPTH) {
        return parser_fail(p, p->source.pos, NULL, "nested too deep");
    }
    p->depth++;
    is_fine = parse_body(p, stop);
    p->depth--;
    return is_fine;
}

bool parse_liquid_tag(struct parser *p, const struct part *part)
{
    struct source outer = p->source;
    struct stop stop;
    bool is_fine;

    p->source = (struct source){
        .base = outer.base, .pos = part->markup.data, .end = part->markup.data + part->markup.len, .is_lines = true};
    is_fine = parse_block(p, &stop);
    p->source = outer;
    if (is_fine && stop.name.len) {
        return parser_fail(p, stop.start, NULL, "\"%.*s\" without a block that began in the same liquid tag",
                           (int)stop.name.len, stop.name.data);
    }
    return is_fine;
}

bool parse_unit(struct parser *p)
{
    struct unit *unit = &p->template->units.items[p->unit];
    struct stop stop;

    p->source = (struct source){.base = unit->text, .pos = unit->text, .end = unit->text + unit->len};
    p->depth = 0;
    if (!parse_body(p, &stop)) {
        return false;
    }
    if (stop.name.len) {
        return parser_fail(p, stop.start, NULL, "\"%.*s\" without the block it belongs to", (int)stop.name.len,
                           stop.name.data);
    }
    return true;
}
