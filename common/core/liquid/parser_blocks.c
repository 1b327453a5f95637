/* The tags with a body: if, unless, case, for, tablerow, ifchanged, capture. */
#include <stdio.h>
#include <string.h>

#include "core/liquid/parser.h"

struct block {
    const struct part *part;
    const char *end; /* "endif" */
    uint32_t node;
    bool outer_blank; /* what was known before the block */
};

static struct block begin_block(struct parser *p, const struct part *part, enum node_kind kind, const char *end)
{
    struct block block = {.part = part, .end = end, .outer_blank = p->is_blank};

    block.node = parser_begin_node(p, kind, part->start);
    p->is_blank = true;
    return block;
}

/* White space in a block that prints nothing else is dropped, in its own branches only. */
static void drop_blank_text(struct parser *p, uint32_t node)
{
    for (uint32_t b = node + 1; b < parser_node(p, node)->end; b = parser_node(p, b)->end) {
        for (uint32_t i = b + 1; i < parser_node(p, b)->end; i = parser_node(p, i)->end) {
            if (parser_node(p, i)->kind == NODE_TEXT) {
                parser_node(p, i)->text.len = 0;
            }
        }
    }
}

static void end_block(struct parser *p, const struct block *block, bool drops_blank)
{
    parser_end_node(p, block->node);
    parser_node(p, block->node)->is_blank = p->is_blank;
    if (p->is_blank && drops_blank) {
        drop_blank_text(p, block->node);
    }
    p->is_blank = p->is_blank && block->outer_blank;
}

/* For a stop that the block does not know. */
static bool wrong_stop(struct parser *p, const struct block *block, const struct stop *stop)
{
    int len = (int)block->part->name.len;
    const char *name = block->part->name.data;

    if (!stop->name.len) {
        return parser_fail(p, block->part->start, NULL, "%.*s is not closed with \"%s\"", len, name, block->end);
    }
    return parser_fail(p, stop->start, NULL, "\"%.*s\" does not belong into %.*s, which ends with \"%s\"",
                       (int)stop->name.len, stop->name.data, len, name, block->end);
}

static uint32_t begin_branch(struct parser *p, const char *start, int flags)
{
    uint32_t branch = parser_begin_node(p, NODE_BRANCH, start);

    parser_node(p, branch)->flags = (uint8_t)flags;
    parser_node(p, branch)->branch.first_test = NO_INDEX;
    return branch;
}

static bool parse_branch_tests(struct parser *p, uint32_t branch, struct slice markup)
{
    struct cursor c;
    uint32_t first;

    cursor_init(&c, markup);
    if (!parse_tests(p, &c, &first)) {
        return false;
    }
    parser_node(p, branch)->branch.first_test = first;
    return true;
}

bool parse_if(struct parser *p, const struct part *part)
{
    bool is_unless = slice_is(part->name, "unless");
    struct block block = begin_block(p, part, NODE_IF, is_unless ? "endunless" : "endif");
    uint32_t branch = begin_branch(p, part->start, is_unless ? BRANCH_NEGATED : 0);
    struct stop stop = {.name = part->name, .markup = part->markup};

    for (;;) {
        if (!slice_is(stop.name, "else") && !parse_branch_tests(p, branch, stop.markup)) {
            return false;
        }
        if (!parse_block(p, &stop)) {
            return false;
        }
        parser_end_node(p, branch);
        if (slice_is(stop.name, block.end)) {
            end_block(p, &block, true);
            return true;
        }
        if (!slice_is(stop.name, "else") && !slice_is(stop.name, "elsif")) {
            return wrong_stop(p, &block, &stop);
        }
        branch = begin_branch(p, stop.start, slice_is(stop.name, "else") ? BRANCH_ELSE : 0);
    }
}

/* The alternatives of a when, separated by commas or `or`. */
static bool parse_when(struct parser *p, uint32_t branch, struct slice markup)
{
    enum { MAX_ALTERNATIVES = 100 };
    uint32_t args[MAX_ALTERNATIVES];
    uint32_t count = 0;
    uint32_t first;
    struct cursor c;

    cursor_init(&c, markup);
    do {
        if (count == MAX_ALTERNATIVES) {
            return parser_fail(p, c.token.start, NULL, "too many alternatives");
        }
        if (!parse_operand(p, &c, &args[count++])) {
            return false;
        }
    } while (cursor_accept_char(&c, ',') || cursor_accept_name(&c, "or"));
    first = parser_add_args(p, args, count);
    parser_node(p, branch)->branch.first_arg = first;
    parser_node(p, branch)->branch.arg_count = count;
    return p->template->is_strict ? parser_expect_end(p, &c) : parser_warn_end(p, &c);
}

bool parse_case(struct parser *p, const struct part *part)
{
    struct block block = begin_block(p, part, NODE_CASE, "endcase");
    struct cursor c;
    struct stop stop;
    uint32_t subject, branch;

    cursor_init(&c, part->markup);
    if (!parse_expr(p, &c, &subject) || !parser_expect_end(p, &c)) {
        return false;
    }
    parser_node(p, block.node)->subject = subject;
    if (!parse_block(p, &stop)) {
        return false;
    }
    /* What stands before the first when is never printed. */
    p->template->units.items[p->unit].nodes.count = block.node + 1;
    while (!slice_is(stop.name, block.end)) {
        bool is_else = slice_is(stop.name, "else");

        if (!is_else && !slice_is(stop.name, "when")) {
            return wrong_stop(p, &block, &stop);
        }
        if (is_else && lexer_trim(stop.markup).len > 0) {
            return parser_fail(p, stop.start, "{% else %}", "the else of a case has no condition");
        }
        branch = begin_branch(p, stop.start, is_else ? BRANCH_ELSE : 0);
        if ((!is_else && !parse_when(p, branch, stop.markup)) || !parse_block(p, &stop)) {
            return false;
        }
        parser_end_node(p, branch);
    }
    end_block(p, &block, true);
    return true;
}

/* --- loops ---------------------------------------------------------------------------------- */

static bool parse_loop_option(struct parser *p, struct cursor *c, struct loop *loop, bool is_table)
{
    struct token key = c->token;
    uint32_t *option;

    if (slice_is(key.text, "limit")) {
        option = &loop->limit;
    } else if (slice_is(key.text, "offset")) {
        option = &loop->offset;
    } else if (is_table && slice_is(key.text, "cols")) {
        option = &loop->cols;
    } else {
        return parser_fail(p, key.start, NULL, "unknown option \"%.*s\"; there %s", (int)key.text.len, key.text.data,
                           is_table ? "are limit, offset and cols" : "are reversed, limit and offset");
    }
    cursor_next(c);
    if (!parser_expect_char(p, c, ':')) {
        return false;
    }
    if (option == &loop->offset && !is_table && cursor_accept_name(c, "continue")) {
        loop->is_continued = true;
        return true;
    }
    return parse_expr(p, c, option);
}

/* item in items reversed limit: 2 offset: 1 */
static bool parse_loop_head(struct parser *p, struct slice markup, struct loop *loop, bool is_table)
{
    struct cursor c;
    struct slice name;
    const char *from, *to;

    cursor_init(&c, markup);
    name = c.token.text;
    if (c.token.kind != TOKEN_NAME) {
        return parser_fail(p, c.token.start, "{% for item in items %}", "a loop needs a name for its item");
    }
    cursor_next(&c);
    if (!cursor_accept_name(&c, "in")) {
        return parser_fail(p, c.token.start, "{% for item in items %}", "expected \"in\"");
    }
    from = c.token.start;
    if (!parse_expr(p, &c, &loop->expr)) {
        return false;
    }
    to = c.token.start;
    while (to > from && lexer_is_space(to[-1])) {
        to--;
    }
    loop->is_reversed = !is_table && cursor_accept_name(&c, "reversed");
    while (c.token.kind != TOKEN_END) {
        if (!cursor_accept_char(&c, ',') && !parse_loop_option(p, &c, loop, is_table)) {
            return false;
        }
    }
    loop->symbol = program_symbol(p->template, name);
    loop->name = slice_make(from, (size_t)(to - from));
    return true;
}

static bool add_loop(struct parser *p, const struct part *part, bool is_table, uint32_t *index)
{
    struct loop loop = {.limit = NO_INDEX, .offset = NO_INDEX, .cols = NO_INDEX};

    if (!parse_loop_head(p, part->markup, &loop, is_table)) {
        return false;
    }
    list_add(&p->template->loops, loop);
    *index = p->template->loops.count - 1;
    return true;
}

bool parse_for(struct parser *p, const struct part *part)
{
    struct block block = begin_block(p, part, NODE_FOR, "endfor");
    struct stop stop;
    uint32_t loop, branch;

    if (!add_loop(p, part, false, &loop)) {
        return false;
    }
    parser_node(p, block.node)->loop = loop;
    branch = begin_branch(p, part->start, 0);
    for (;;) {
        if (!parse_block(p, &stop)) {
            return false;
        }
        parser_end_node(p, branch);
        if (slice_is(stop.name, block.end)) {
            end_block(p, &block, true);
            return true;
        }
        if (!slice_is(stop.name, "else")) {
            return wrong_stop(p, &block, &stop);
        }
        branch = begin_branch(p, stop.start, BRANCH_ELSE);
    }
}

/* Body up to its own end tag and nothing else. */
static bool parse_simple_body(struct parser *p, const struct block *block)
{
    struct stop stop;

    if (!parse_block(p, &stop)) {
        return false;
    }
    return slice_is(stop.name, block->end) ? true : wrong_stop(p, block, &stop);
}

bool parse_tablerow(struct parser *p, const struct part *part)
{
    struct block block = begin_block(p, part, NODE_TABLEROW, "endtablerow");
    uint32_t loop;

    if (!add_loop(p, part, true, &loop)) {
        return false;
    }
    parser_node(p, block.node)->loop = loop;
    if (!parse_simple_body(p, &block)) {
        return false;
    }
    end_block(p, &block, false);
    return true;
}

bool parse_ifchanged(struct parser *p, const struct part *part)
{
    struct block block = begin_block(p, part, NODE_IFCHANGED, "endifchanged");

    if (!parse_simple_body(p, &block)) {
        return false;
    }
    end_block(p, &block, false);
    return true;
}

bool parse_capture(struct parser *p, const struct part *part)
{
    struct block block = begin_block(p, part, NODE_CAPTURE, "endcapture");
    struct slice name = lexer_trim(part->markup);
    uint32_t symbol;

    if (name.len >= 2 && (name.data[0] == '"' || name.data[0] == '\'') && name.data[name.len - 1] == name.data[0]) {
        name = slice_make(name.data + 1, name.len - 2);
    }
    for (size_t i = 0; i < name.len; i++) {
        if (lexer_is_space(name.data[i]) || strchr("\"'|{}=,:()", name.data[i])) {
            name.len = 0;
        }
    }
    if (!name.len || name.data[0] == '-') {
        return parser_fail(p, part->start, "{% capture name %}", "capture needs a name");
    }
    symbol = program_symbol(p->template, name);
    parser_node(p, block.node)->set.symbol = symbol;
    if (!parse_simple_body(p, &block)) {
        return false;
    }
    p->is_blank = true;
    end_block(p, &block, false);
    return true;
}
