/*
 * lexer: cuts a template into text, outputs and tags, and the inside of those into tokens.
 *
 * Both work on the unit's own text and borrow from it. A source is a piece of template: either plain text with
 * {{ }} and {% %}, or the lines of a `liquid` tag, where every line is a tag.
 */
#ifndef CORE_LIQUID_LEXER_H
#define CORE_LIQUID_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct source {
    const char *base; /* where byte 0 of the unit is */
    const char *pos, *end;
    bool is_lines;
    bool trims; /* the last mark ended in `-`: white space that follows is dropped */
};

enum part_kind { PART_END, PART_TEXT, PART_OUTPUT, PART_TAG, PART_BROKEN };

struct part {
    enum part_kind kind;
    const char *start;   /* of the whole part */
    struct slice name;   /* TAG */
    struct slice markup; /* between the marks; for tags behind the name */
    const char *problem; /* BROKEN: what is wrong */
};

/* The next part; a text may be empty after trimming. */
struct part source_next(struct source *source);
/* Moves behind `{% name %}`; `body` is the text before it, untouched. False when there is none. */
bool source_skip_to(struct source *source, const char *name, struct slice *body);

bool lexer_is_space(char c);
struct slice lexer_trim(struct slice text);

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_STRING,  /* text without the quotes */
    TOKEN_COMPARE, /* == != <> < > <= >= contains */
    TOKEN_DOTS,
    TOKEN_CHAR, /* one of | . : , [ ] ( ) */
    TOKEN_BROKEN,
};

struct token {
    enum token_kind kind;
    struct slice text;
    const char *start;
};

struct cursor {
    const char *pos, *end;
    struct token token; /* the current one */
};

void cursor_init(struct cursor *cursor, struct slice markup);
void cursor_next(struct cursor *cursor);
bool cursor_is_char(const struct cursor *cursor, char c);
/* Moves on when the current token is that character or name. */
bool cursor_accept_char(struct cursor *cursor, char c);
bool cursor_accept_name(struct cursor *cursor, const char *name);
/* The current token is a name followed by a colon. */
bool cursor_is_key(const struct cursor *cursor);

#endif
