#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/liquid/filters.h"
#include "core/liquid/parser.h"

enum { MAX_PARTS = 64 };

static uint32_t place_of(struct parser *p, const char *where)
{
    return (uint32_t)(where - p->source.base);
}

static uint32_t add_literal(struct parser *p, const char *where, struct liquid_value value)
{
    list_add(&p->template->exprs, (struct expr){.kind = EXPR_LITERAL, .at = place_of(p, where), .literal = value});
    return p->template->exprs.count - 1;
}

uint32_t parser_add_args(struct parser *p, const uint32_t *args, uint32_t count)
{
    uint32_t first = p->template->args.count;

    for (uint32_t i = 0; i < count; i++) {
        list_add(&p->template->args, args[i]);
    }
    return first;
}

static bool unexpected(struct parser *p, const struct cursor *c, const char *wanted)
{
    char text[64];

    return parser_fail(p, c->token.start, NULL, "expected %s but found %s", wanted, parser_show(&c->token, text));
}

/* An integer that does not fit becomes a float. */
static struct liquid_value number_of(const struct token *token)
{
    struct liquid_value value = {.kind = LIQUID_FLOAT};
    char text[64];
    size_t len = token->text.len < sizeof(text) - 1 ? token->text.len : sizeof(text) - 1;

    memcpy(text, token->text.data, len);
    text[len] = '\0';
    if (token->kind == TOKEN_INT) {
        errno = 0;
        value.integer = strtoll(text, NULL, 10);
        if (errno == 0 && len == token->text.len) {
            value.kind = LIQUID_INT;
            return value;
        }
    }
    value.number = strtod(text, NULL);
    return value;
}

static bool keyword_of(struct slice name, struct liquid_value *value)
{
    static const struct {
        const char *name;
        struct liquid_value value;
    } words[] = {
        {"nil", {.kind = LIQUID_NIL}},
        {"null", {.kind = LIQUID_NIL}},
        {"true", {.kind = LIQUID_BOOL, .boolean = true}},
        {"false", {.kind = LIQUID_BOOL}},
        {"empty", {.kind = LIQUID_STRING, .string = {"", 0}}}, /* more than that in parse_operand() only */
        {"blank", {.kind = LIQUID_STRING, .string = {"", 0}}},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_is(name, words[i].name)) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_step(struct parser *p, struct cursor *c, struct step *step)
{
    *step = (struct step){.expr = NO_INDEX};
    if (cursor_accept_char(c, '[')) {
        if (!parse_expr(p, c, &step->expr)) {
            return false;
        }
        return parser_expect_char(p, c, ']');
    }
    cursor_next(c);
    if (c->token.kind != TOKEN_NAME && !slice_is(c->token.text, "contains")) {
        return unexpected(p, c, "a name behind the dot");
    }
    step->key = c->token.text;
    if (slice_is(step->key, "first")) {
        step->command = STEP_FIRST;
    } else if (slice_is(step->key, "last")) {
        step->command = STEP_LAST;
    } else if (slice_is(step->key, "size")) {
        step->command = STEP_SIZE;
    }
    cursor_next(c);
    return true;
}

/* What follows the first name: `.key`, `[index]`. */
static bool parse_steps(struct parser *p, struct cursor *c, struct expr *variable)
{
    struct step steps[MAX_PARTS];
    uint32_t count = 0;

    while (cursor_is_char(c, '.') || cursor_is_char(c, '[')) {
        if (count == MAX_PARTS) {
            return parser_fail(p, c->token.start, NULL, "more than %d dots in one variable", MAX_PARTS);
        }
        if (!parse_step(p, c, &steps[count++])) {
            return false;
        }
    }
    variable->variable.first_step = p->template->steps.count;
    variable->variable.step_count = count;
    for (uint32_t i = 0; i < count; i++) {
        list_add(&p->template->steps, steps[i]);
    }
    return true;
}

static bool parse_variable(struct parser *p, struct cursor *c, uint32_t *index)
{
    struct expr expr = {.kind = EXPR_VARIABLE, .at = place_of(p, c->token.start)};
    const char *start = c->token.start;
    struct slice name = c->token.text;
    const char *end = name.data + name.len;
    struct liquid_value keyword;

    expr.variable.symbol = NO_INDEX;
    expr.variable.name_expr = NO_INDEX;
    if (c->token.kind == TOKEN_NAME) {
        cursor_next(c);
        if (!cursor_is_char(c, '.') && !cursor_is_char(c, '[') && keyword_of(name, &keyword)) {
            *index = add_literal(p, start, keyword);
            return true;
        }
        expr.variable.symbol = program_symbol(p->template, name);
    } else {
        cursor_next(c);
        if (!parse_expr(p, c, &expr.variable.name_expr)) {
            return false;
        }
        end = c->token.start + 1;
        if (!parser_expect_char(p, c, ']')) {
            return false;
        }
    }
    if (!parse_steps(p, c, &expr)) {
        return false;
    }
    if (expr.variable.step_count) {
        end = c->token.start;
        while (lexer_is_space(end[-1])) {
            end--;
        }
    }
    expr.variable.source = slice_make(start, (size_t)(end - start));
    list_add(&p->template->exprs, expr);
    *index = p->template->exprs.count - 1;
    return true;
}

static bool parse_range(struct parser *p, struct cursor *c, uint32_t *index)
{
    struct expr expr = {.kind = EXPR_RANGE, .at = place_of(p, c->token.start)};

    cursor_next(c);
    if (!parse_expr(p, c, &expr.range.first)) {
        return false;
    }
    if (c->token.kind != TOKEN_DOTS) {
        return unexpected(p, c, "\"..\" of a range");
    }
    cursor_next(c);
    if (!parse_expr(p, c, &expr.range.last) || !parser_expect_char(p, c, ')')) {
        return false;
    }
    list_add(&p->template->exprs, expr);
    *index = p->template->exprs.count - 1;
    return true;
}

static bool parse_primary(struct parser *p, struct cursor *c, uint32_t *index)
{
    struct liquid_value string = {.kind = LIQUID_STRING, .string = c->token.text};

    switch (c->token.kind) {
    case TOKEN_NAME:
        return parse_variable(p, c, index);
    case TOKEN_STRING:
        *index = add_literal(p, c->token.start, string);
        cursor_next(c);
        return true;
    case TOKEN_INT:
    case TOKEN_FLOAT:
        *index = add_literal(p, c->token.start, number_of(&c->token));
        cursor_next(c);
        return true;
    default:
        if (cursor_is_char(c, '[')) {
            return parse_variable(p, c, index);
        }
        if (cursor_is_char(c, '(')) {
            return parse_range(p, c, index);
        }
        return unexpected(p, c, "a value");
    }
}

bool parse_expr(struct parser *p, struct cursor *c, uint32_t *index)
{
    bool is_fine;

    if (p->depth >= PARSER_MAX_DEPTH) {
        return parser_fail(p, c->token.start, NULL, "nested too deep");
    }
    p->depth++;
    is_fine = parse_primary(p, c, index);
    p->depth--;
    return is_fine;
}

static bool parse_key(struct parser *p, struct cursor *c, struct named_arg *named)
{
    named->name = c->token.text;
    named->symbol = NO_INDEX;
    cursor_next(c);
    cursor_next(c);
    return parse_expr(p, c, &named->expr);
}

bool parse_named(struct parser *p, struct cursor *c, uint32_t *first, uint32_t *count)
{
    struct named_arg named[MAX_PARTS];
    uint32_t n = 0;

    while (c->token.kind != TOKEN_END) {
        if (cursor_accept_char(c, ',')) {
            continue;
        }
        if (!cursor_is_key(c) || n == MAX_PARTS) {
            return unexpected(p, c, "\"name: value\"");
        }
        if (!parse_key(p, c, &named[n++])) {
            return false;
        }
    }
    *first = p->template->named.count;
    *count = n;
    for (uint32_t i = 0; i < n; i++) {
        list_add(&p->template->named, named[i]);
    }
    return true;
}

static bool parse_filter_args(struct parser *p, struct cursor *c, struct filter_use *use)
{
    uint32_t args[MAX_PARTS];
    struct named_arg named[MAX_PARTS];

    do {
        if (use->arg_count == MAX_PARTS || use->named_count == MAX_PARTS) {
            return parser_fail(p, c->token.start, NULL, "too many arguments");
        }
        if (cursor_is_key(c)) {
            if (!parse_key(p, c, &named[use->named_count++])) {
                return false;
            }
        } else if (!parse_expr(p, c, &args[use->arg_count++])) {
            return false;
        }
    } while (cursor_accept_char(c, ','));
    use->first_arg = parser_add_args(p, args, use->arg_count);
    use->first_named = p->template->named.count;
    for (uint32_t i = 0; i < use->named_count; i++) {
        list_add(&p->template->named, named[i]);
    }
    return true;
}

static bool resolve_filter(struct parser *p, const struct token *name, struct filter_use *use)
{
    const struct standard_filter *standard = filters_find(name->text);
    const char *nearest;

    for (const struct liquid_filter *f = p->options ? p->options->filters : NULL; f && f->name; f++) {
        if (slice_is(name->text, f->name)) {
            use->name = f->name;
            use->fn = f->fn;
            return true;
        }
    }
    if (!standard) {
        nearest = filters_nearest(name->text, p->options ? p->options->filters : NULL);
        if (nearest) {
            char hint[96];

            snprintf(hint, sizeof(hint), "did you mean \"%s\"?", nearest);
            return parser_fail(p, name->start, hint, "unknown filter \"%.*s\"", (int)name->text.len, name->text.data);
        }
        return parser_fail(p, name->start, NULL, "unknown filter \"%.*s\"", (int)name->text.len, name->text.data);
    }
    use->name = standard->name;
    use->fn = standard->fn;
    use->is_default = strcmp(standard->name, "default") == 0;
    if (use->arg_count < standard->min_args || use->arg_count > standard->max_args) {
        return parser_fail(p, name->start, NULL, "filter \"%s\" takes %u to %u arguments, not %u", standard->name,
                           standard->min_args, standard->max_args, use->arg_count);
    }
    if (use->named_count && !use->is_default) {
        return parser_fail(p, name->start, NULL, "filter \"%s\" takes no named arguments", standard->name);
    }
    return true;
}

static bool parse_filter(struct parser *p, struct cursor *c, struct filter_use *use)
{
    struct token name = c->token;

    *use = (struct filter_use){.at = place_of(p, name.start)};
    if (name.kind != TOKEN_NAME) {
        return unexpected(p, c, "the name of a filter");
    }
    cursor_next(c);
    if (cursor_accept_char(c, ':') && !parse_filter_args(p, c, use)) {
        return false;
    }
    return resolve_filter(p, &name, use);
}

bool parse_pipe(struct parser *p, struct cursor *c, uint32_t *index)
{
    struct pipe pipe = {.first_filter = p->template->filters.count};
    struct filter_use use;

    if (!parse_expr(p, c, &pipe.expr)) {
        return false;
    }
    while (cursor_accept_char(c, '|')) {
        if (!parse_filter(p, c, &use)) {
            return false;
        }
        pipe.has_default = pipe.has_default || use.is_default;
        pipe.filter_count++;
        list_add(&p->template->filters, use);
    }
    list_add(&p->template->pipes, pipe);
    *index = p->template->pipes.count - 1;
    return parser_expect_end(p, c);
}

static enum test_op op_of(struct slice text)
{
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">=", "contains"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_is(text, names[i])) {
            return (enum test_op)(TEST_EQ + (int)i);
        }
    }
    return TEST_NE; /* <> */
}

bool parse_operand(struct parser *p, struct cursor *c, uint32_t *index)
{
    struct token first = c->token;

    if (!parse_expr(p, c, index)) {
        return false;
    }
    if (first.kind == TOKEN_NAME && p->template->exprs.items[*index].kind == EXPR_LITERAL) {
        if (slice_is(first.text, "empty")) {
            p->template->exprs.items[*index].literal.kind = LIQUID_EMPTY;
        } else if (slice_is(first.text, "blank")) {
            p->template->exprs.items[*index].literal.kind = LIQUID_BLANK;
        }
    }
    return true;
}

static bool parse_test(struct parser *p, struct cursor *c, struct test *test)
{
    *test = (struct test){.op = TEST_TRUTH, .right = NO_INDEX, .at = place_of(p, c->token.start)};
    if (!parse_operand(p, c, &test->left)) {
        return false;
    }
    if (c->token.kind == TOKEN_COMPARE) {
        test->op = op_of(c->token.text);
        cursor_next(c);
        if (!parse_operand(p, c, &test->right)) {
            return false;
        }
    }
    if (cursor_accept_name(c, "and")) {
        test->join = JOIN_AND;
    } else if (cursor_accept_name(c, "or")) {
        test->join = JOIN_OR;
    }
    return true;
}

bool parse_tests(struct parser *p, struct cursor *c, uint32_t *first)
{
    struct test test;

    *first = p->template->tests.count;
    do {
        if (!parse_test(p, c, &test)) {
            return false;
        }
        list_add(&p->template->tests, test);
    } while (test.join != JOIN_NONE);
    return parser_expect_end(p, c);
}
