/*
 * Which variables of the data a template reads. The program is walked in the order it is written; names that the
 * template gives itself (assign, capture, counters, items of loops, arguments of partials) are not reported.
 */
#include <stdlib.h>
#include <string.h>

#include "core/liquid/program.h"

/* Partials are walked again for every place that uses them; this ends it for those that use each other wildly. */
enum { MOST_NODES = 100000, MOST_DEPTH = 128 };

struct walk {
    const struct liquid_template *template;
    liquid_variable_fn fn;
    void *arg;
    uint32_t unit;
    int depth;
    int nodes_left;
    bool *is_own;        /* by symbol: given by the template */
    LIST(char *) guards; /* paths that an enclosing condition has found to be there */
};

static void walk_nodes(struct walk *w, uint32_t from, uint32_t to);
static void walk_expr(struct walk *w, uint32_t index, bool is_guarded);

/* --- paths ---------------------------------------------------------------------------------- */

/* "a.b" up to the first part that is computed; empty for a computed name. */
static void append_path(const struct walk *w, const struct expr *expr, struct buf *path)
{
    const struct liquid_template *t = w->template;

    if (expr->variable.symbol != NO_INDEX) {
        buf_append_slice(path, t->names.items[expr->variable.symbol]);
    } else {
        const struct expr *name = &t->exprs.items[expr->variable.name_expr];

        if (name->kind != EXPR_LITERAL || name->literal.kind != LIQUID_STRING) {
            return;
        }
        buf_append_slice(path, name->literal.string);
    }
    for (uint32_t i = 0; i < expr->variable.step_count; i++) {
        const struct step *step = &t->steps.items[expr->variable.first_step + i];
        struct slice key = step->key;

        if (step->expr != NO_INDEX) {
            const struct expr *inner = &t->exprs.items[step->expr];

            if (inner->kind != EXPR_LITERAL || inner->literal.kind != LIQUID_STRING) {
                return;
            }
            key = inner->literal.string;
        }
        buf_append_char(path, '.');
        buf_append_slice(path, key);
    }
}

/* The condition saw this very path or something inside it. */
static bool has_guard(const struct walk *w, const char *path)
{
    size_t len = strlen(path);

    for (uint32_t i = 0; i < w->guards.count; i++) {
        const char *guard = w->guards.items[i];

        if (strncmp(guard, path, len) == 0 && (guard[len] == '\0' || guard[len] == '.')) {
            return true;
        }
    }
    return false;
}

static void report(struct walk *w, const struct expr *expr, bool is_guarded)
{
    struct buf path;
    int line, column;

    if (expr->variable.symbol != NO_INDEX && w->is_own[expr->variable.symbol]) {
        return;
    }
    buf_init(&path, 0);
    append_path(w, expr, &path);
    if (path.len) {
        program_place(w->template, w->unit, expr->at, &line, &column);
        w->fn(w->arg, path.data, is_guarded || has_guard(w, path.data), w->template->units.items[w->unit].name, line,
              column);
    }
    buf_finish(&path);
}

static void walk_expr(struct walk *w, uint32_t index, bool is_guarded)
{
    const struct expr *expr;

    if (index == NO_INDEX) {
        return;
    }
    expr = &w->template->exprs.items[index];
    if (expr->kind == EXPR_RANGE) {
        walk_expr(w, expr->range.first, true);
        walk_expr(w, expr->range.last, true);
    }
    if (expr->kind != EXPR_VARIABLE) {
        return;
    }
    report(w, expr, is_guarded);
    walk_expr(w, expr->variable.name_expr, true);
    for (uint32_t i = 0; i < expr->variable.step_count; i++) {
        walk_expr(w, w->template->steps.items[expr->variable.first_step + i].expr, true);
    }
}

static void walk_named(struct walk *w, uint32_t first, uint32_t count, bool is_guarded)
{
    for (uint32_t i = 0; i < count; i++) {
        walk_expr(w, w->template->named.items[first + i].expr, is_guarded);
    }
}

static void walk_pipe(struct walk *w, uint32_t index)
{
    const struct pipe *pipe = &w->template->pipes.items[index];

    walk_expr(w, pipe->expr, pipe->has_default);
    for (uint32_t i = 0; i < pipe->filter_count; i++) {
        const struct filter_use *use = &w->template->filters.items[pipe->first_filter + i];

        for (uint32_t j = 0; j < use->arg_count; j++) {
            walk_expr(w, w->template->args.items[use->first_arg + j], false);
        }
        walk_named(w, use->first_named, use->named_count, false);
    }
}

/* --- conditions ----------------------------------------------------------------------------- */

enum shows { SHOWS_NOTHING, SHOWS_WHEN_TRUE, SHOWS_WHEN_FALSE };

/* Keywords and "" are what a missing variable equals. */
static bool is_nothing(const struct expr *expr)
{
    if (expr->kind != EXPR_LITERAL) {
        return false;
    }
    switch (expr->literal.kind) {
    case LIQUID_NIL:
    case LIQUID_BLANK:
        return true;
    default:
        return false;
    }
}

/* When a test shows that the variable on its left is there. `x == empty` shows nothing: a missing x is not empty. */
static enum shows what_shows(const struct walk *w, const struct test *test)
{
    bool compares_nothing = test->op != TEST_TRUTH && is_nothing(&w->template->exprs.items[test->right]);
    bool compares_value =
        test->op != TEST_TRUTH && w->template->exprs.items[test->right].kind == EXPR_LITERAL && !compares_nothing;

    switch (test->op) {
    case TEST_EQ:
        return compares_nothing ? SHOWS_WHEN_FALSE : compares_value ? SHOWS_WHEN_TRUE : SHOWS_NOTHING;
    case TEST_NE:
        return compares_nothing ? SHOWS_WHEN_TRUE : compares_value ? SHOWS_WHEN_FALSE : SHOWS_NOTHING;
    default:
        return SHOWS_WHEN_TRUE;
    }
}

static void add_guard(struct walk *w, uint32_t index)
{
    const struct expr *expr = &w->template->exprs.items[index];
    struct buf path;

    if (expr->kind != EXPR_VARIABLE) {
        return;
    }
    buf_init(&path, 0);
    append_path(w, expr, &path);
    list_add(&w->guards, buf_take(&path));
}

static void drop_guards(struct walk *w, uint32_t count)
{
    while (w->guards.count > count) {
        free(w->guards.items[--w->guards.count]);
    }
}

/* Guards that follow from the condition being true (all its parts joined by and) or false (by or). */
static void add_guards(struct walk *w, uint32_t first, bool is_true)
{
    enum test_join wanted = is_true ? JOIN_AND : JOIN_OR;
    const struct test *tests = &w->template->tests.items[first];

    for (const struct test *test = tests; test->join != JOIN_NONE; test++) {
        if (test->join != wanted) {
            return;
        }
    }
    for (const struct test *test = tests;; test++) {
        if (what_shows(w, test) == (is_true ? SHOWS_WHEN_TRUE : SHOWS_WHEN_FALSE)) {
            add_guard(w, test->left);
        }
        if (test->join == JOIN_NONE) {
            return;
        }
    }
}

static void walk_tests(struct walk *w, uint32_t first)
{
    for (const struct test *test = &w->template->tests.items[first];; test++) {
        walk_expr(w, test->left, true);
        walk_expr(w, test->right, true);
        if (test->join == JOIN_NONE) {
            return;
        }
    }
}

static void walk_if(struct walk *w, const struct node *nodes, uint32_t index)
{
    uint32_t outer = w->guards.count;
    uint32_t kept = outer; /* with what the branches passed over have shown */

    for (uint32_t b = index + 1; b < nodes[index].end; b = nodes[b].end) {
        const struct node *branch = &nodes[b];
        bool is_negated = branch->flags & BRANCH_NEGATED;

        if (branch->flags & BRANCH_ELSE) {
            walk_nodes(w, b + 1, branch->end);
            continue;
        }
        walk_tests(w, branch->branch.first_test);
        add_guards(w, branch->branch.first_test, !is_negated);
        walk_nodes(w, b + 1, branch->end);
        drop_guards(w, kept);
        add_guards(w, branch->branch.first_test, is_negated);
        kept = w->guards.count;
    }
    drop_guards(w, outer);
}

static void walk_case(struct walk *w, const struct node *nodes, uint32_t index)
{
    walk_expr(w, nodes[index].subject, true);
    for (uint32_t b = index + 1; b < nodes[index].end; b = nodes[b].end) {
        uint32_t outer = w->guards.count;
        bool shows = !(nodes[b].flags & BRANCH_ELSE);

        for (uint32_t i = 0; i < nodes[b].branch.arg_count; i++) {
            uint32_t alternative = w->template->args.items[nodes[b].branch.first_arg + i];

            walk_expr(w, alternative, true);
            shows = shows && w->template->exprs.items[alternative].kind == EXPR_LITERAL &&
                    !is_nothing(&w->template->exprs.items[alternative]);
        }
        if (shows) {
            add_guard(w, nodes[index].subject);
        }
        walk_nodes(w, b + 1, nodes[b].end);
        drop_guards(w, outer);
    }
}

/* --- loops and partials --------------------------------------------------------------------- */

static void walk_loop(struct walk *w, const struct node *nodes, uint32_t index)
{
    const struct loop *loop = &w->template->loops.items[nodes[index].loop];
    bool was_own = w->is_own[loop->symbol];
    uint32_t outer = w->guards.count;
    uint32_t body = index + 1;

    walk_expr(w, loop->expr, true);
    walk_expr(w, loop->limit, true);
    walk_expr(w, loop->offset, true);
    walk_expr(w, loop->cols, true);
    add_guard(w, loop->expr); /* the body only runs when there is something to go over */
    w->is_own[loop->symbol] = true;
    if (nodes[index].kind == NODE_TABLEROW) {
        walk_nodes(w, body, nodes[index].end);
    } else {
        walk_nodes(w, body + 1, nodes[body].end);
    }
    w->is_own[loop->symbol] = was_own;
    drop_guards(w, outer);
    if (nodes[index].kind == NODE_FOR) {
        for (uint32_t b = nodes[body].end; b < nodes[index].end; b = nodes[b].end) {
            walk_nodes(w, b + 1, nodes[b].end);
        }
    }
}

static void walk_unit(struct walk *w, uint32_t unit)
{
    uint32_t outer = w->unit;

    w->unit = unit;
    walk_nodes(w, 0, w->template->units.items[unit].nodes.count);
    w->unit = outer;
}

static void own_arguments(struct walk *w, const struct call *call, uint32_t unit)
{
    for (uint32_t i = 0; i < call->named_count; i++) {
        w->is_own[w->template->named.items[call->first_named + i].symbol] = true;
    }
    if (call->with != NO_INDEX) {
        w->is_own[call->alias != NO_INDEX ? call->alias : w->template->units.items[unit].symbol] = true;
    }
}

static void walk_call(struct walk *w, const struct node *node)
{
    const struct call *call = &w->template->calls.items[node->call];
    size_t size = w->template->names.count * sizeof(*w->is_own);
    bool *outer = w->is_own;
    uint32_t last = call->name_expr == NO_INDEX ? call->unit : w->template->units.count - 1;

    walk_expr(w, call->name_expr, true);
    walk_expr(w, call->with, true);
    walk_named(w, call->first_named, call->named_count, true);
    for (uint32_t unit = call->name_expr == NO_INDEX ? call->unit : 1; unit <= last; unit++) {
        w->is_own = xcalloc(1, size);
        if (node->kind == NODE_INCLUDE) {
            memcpy(w->is_own, outer, size);
        } else {
            w->is_own[w->template->forloop] = w->is_own[w->template->tablerowloop] = true;
        }
        own_arguments(w, call, unit);
        walk_unit(w, unit);
        free(w->is_own);
        w->is_own = outer;
    }
}

/* --- nodes ---------------------------------------------------------------------------------- */

static void walk_node(struct walk *w, const struct node *nodes, uint32_t i)
{
    const struct node *node = &nodes[i];

    switch ((enum node_kind)node->kind) {
    case NODE_PRINT:
        walk_pipe(w, node->pipe);
        break;
    case NODE_ASSIGN:
        walk_pipe(w, node->set.pipe);
        w->is_own[node->set.symbol] = true;
        break;
    case NODE_CAPTURE:
        walk_nodes(w, i + 1, node->end);
        w->is_own[node->set.symbol] = true;
        break;
    case NODE_COUNT:
        w->is_own[node->set.symbol] = true;
        break;
    case NODE_IF:
        walk_if(w, nodes, i);
        break;
    case NODE_CASE:
        walk_case(w, nodes, i);
        break;
    case NODE_FOR:
    case NODE_TABLEROW:
        walk_loop(w, nodes, i);
        break;
    case NODE_CYCLE:
        walk_expr(w, w->template->cycles.items[node->cycle].group, true);
        for (uint32_t j = 0; j < w->template->cycles.items[node->cycle].arg_count; j++) {
            walk_expr(w, w->template->args.items[w->template->cycles.items[node->cycle].first_arg + j], false);
        }
        break;
    case NODE_IFCHANGED:
        walk_nodes(w, i + 1, node->end);
        break;
    case NODE_INCLUDE:
    case NODE_RENDER:
        walk_call(w, node);
        break;
    case NODE_TEXT:
    case NODE_BRANCH:
    case NODE_BREAK:
    case NODE_CONTINUE:
        break;
    }
}

static void walk_nodes(struct walk *w, uint32_t from, uint32_t to)
{
    const struct node *nodes = w->template->units.items[w->unit].nodes.items;

    if (w->depth >= MOST_DEPTH) {
        return;
    }
    w->depth++;
    for (uint32_t i = from; i < to && w->nodes_left-- > 0; i = nodes[i].end) {
        walk_node(w, nodes, i);
    }
    w->depth--;
}

void liquid_each_variable(const struct liquid_template *template, liquid_variable_fn fn, void *arg)
{
    struct walk w = {.template = template, .fn = fn, .arg = arg, .nodes_left = MOST_NODES};

    w.is_own = xcalloc(template->names.count, sizeof(*w.is_own));
    w.is_own[template->forloop] = w.is_own[template->tablerowloop] = true;
    walk_unit(&w, 0);
    drop_guards(&w, 0);
    free(w.guards.items);
    free(w.is_own);
}
