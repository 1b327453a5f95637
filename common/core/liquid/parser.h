/*
 * parser: from text to the tables of a program, one unit at a time.
 *
 * Recursive descent. Every fault becomes one entry of the diagnostics and ends the parsing of its unit; so does
 * nesting that is deeper than PARSER_MAX_DEPTH. Functions that return bool have reported when they return false.
 */
#ifndef CORE_LIQUID_PARSER_H
#define CORE_LIQUID_PARSER_H

#include "core/liquid/lexer.h"
#include "core/liquid/program.h"

enum { PARSER_MAX_DEPTH = 100 };

struct parser {
    struct liquid_template *template;
    const struct liquid_options *options;
    struct diag_list *diags;
    uint32_t unit;
    struct source source;
    int depth;
    bool is_blank;         /* everything since the block began prints only white space */
    bool has_dynamic_name; /* an include whose name is only known while rendering */
};

/* Where a block's body stopped. */
struct stop {
    struct slice name; /* empty: end of the text */
    struct slice markup;
    const char *start;
};

/* A parser for one unit; parse_unit() does the whole text. */
bool parse_unit(struct parser *p);

/* Reports at a place of the unit. Always false. */
bool parser_fail(struct parser *p, const char *where, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool parser_expect_end(struct parser *p, const struct cursor *c);
/* As the reference does where it is lenient: what follows is ignored, with a warning. Always true. */
bool parser_warn_end(struct parser *p, const struct cursor *c);
bool parser_expect_char(struct parser *p, struct cursor *c, char character);
/* What a token is, for messages. Lives in `text`. */
const char *parser_show(const struct token *token, char text[64]);

/* Expressions (parser_expr.c). */
bool parse_expr(struct parser *p, struct cursor *c, uint32_t *expr);
/* A side of a comparison or an alternative of `when`: there, and nowhere else, `empty` and `blank` ask for more than
 * the empty text. */
bool parse_operand(struct parser *p, struct cursor *c, uint32_t *index);
bool parse_pipe(struct parser *p, struct cursor *c, uint32_t *pipe);
bool parse_tests(struct parser *p, struct cursor *c, uint32_t *first_test);
/* `key: value, key: value` up to the end; leading and missing commas are fine. */
bool parse_named(struct parser *p, struct cursor *c, uint32_t *first, uint32_t *count);
/* Adds expressions that were collected while their own parts went into the tables. */
uint32_t parser_add_args(struct parser *p, const uint32_t *args, uint32_t count);

/* Bodies (parser.c): up to a tag that is not known as the start of one. */
bool parse_body(struct parser *p, struct stop *stop);
/* As parse_body(), counting the depth. */
bool parse_block(struct parser *p, struct stop *stop);
uint32_t parser_begin_node(struct parser *p, enum node_kind kind, const char *start);
void parser_end_node(struct parser *p, uint32_t node);
struct node *parser_node(struct parser *p, uint32_t node);

struct tag {
    const char *name;
    bool (*parse)(struct parser *p, const struct part *part);
};
const struct tag *tag_find(struct slice name);
const char *tag_nearest(struct slice name);
bool parse_liquid_tag(struct parser *p, const struct part *part);
/* `{{ ... }}` and `{% echo ... %}`. */
bool parse_print(struct parser *p, const struct part *part);

/* parser_blocks.c */
bool parse_if(struct parser *p, const struct part *part);
bool parse_case(struct parser *p, const struct part *part);
bool parse_for(struct parser *p, const struct part *part);
bool parse_tablerow(struct parser *p, const struct part *part);
bool parse_ifchanged(struct parser *p, const struct part *part);
bool parse_capture(struct parser *p, const struct part *part);

/* parser_partial.c */
bool parse_include(struct parser *p, const struct part *part);
bool parse_render(struct parser *p, const struct part *part);
/* The unit of a partial, loading its text the first time. */
bool parser_find_unit(struct parser *p, const char *where, struct slice name, uint32_t *unit);
/* All partials the options can enumerate, for includes with a computed name. */
bool parser_load_all(struct parser *p);

/* surroundings.c: once all units are parsed. */
bool parser_place_outputs(struct parser *p);

#endif
