/*
 * Which variables of the data a template reads. The program is walked in the order it is written. A name that the
 * template gives itself is either another name for a variable (an item of a loop, an argument of a partial, assign without
 * a filter): then what is read of it is reported as what it stands for; or it is the template's own and not reported.
 */
#include <stdlib.h>
#include <string.h>

#include "core/liquid/variables.h"

/* Partials are walked again for every place that uses them; this ends it for those that use each other wildly. */
enum { MOST_NODES = 100000, MOST_DEPTH = 128 };

static void walk_nodes(struct walk *w, uint32_t from, uint32_t to);
static void walk_expr(struct walk *w, uint32_t index, bool is_guarded);

/* --- paths ---------------------------------------------------------------------------------- */

static void report(struct walk *w, const struct expr *expr, bool is_guarded)
{
    uint32_t symbol = expr->variable.symbol;
    struct liquid_variable variable = {
        .is_parameter = symbol != NO_INDEX && w->bindings[symbol].kind == BINDING_PARAMETER,
        .file = w->template->units.items[w->unit].name,
    };
    struct buf path;

    buf_init(&path, 0);
    walk_append_path(w, expr, &path);
    if (path.len) {
        variable.path = path.data;
        variable.is_guarded = is_guarded || walk_has_guard(w, path.data);
        program_place(w->template, w->unit, expr->at, &variable.line, &variable.column);
        w->fn(w->arg, &variable);
    }
    buf_finish(&path);
}

/* What a name stands for that gets the value of `index`, or of its items. */
static struct binding binding_of(struct walk *w, uint32_t index, bool is_item)
{
    const struct expr *expr = &w->template->exprs.items[index];
    struct buf path;

    if (expr->kind != EXPR_VARIABLE || expr->variable.symbol == NO_INDEX ||
        w->bindings[expr->variable.symbol].kind == BINDING_PARAMETER) {
        return (struct binding){BINDING_OWN, NULL};
    }
    for (uint32_t i = 0; i < expr->variable.step_count; i++) {
        if (w->template->steps.items[expr->variable.first_step + i].expr != NO_INDEX) {
            return (struct binding){BINDING_OWN, NULL};
        }
    }
    buf_init(&path, 0);
    walk_append_path(w, expr, &path);
    if (!path.len) {
        return (struct binding){BINDING_OWN, NULL};
    }
    buf_append_text(&path, is_item ? "[]" : "");
    list_add(&w->paths, buf_take(&path));
    return (struct binding){BINDING_ALIAS, w->paths.items[w->paths.count - 1]};
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

static void walk_pipe(struct walk *w, uint32_t index, bool is_guarded)
{
    const struct pipe *pipe = &w->template->pipes.items[index];

    walk_expr(w, pipe->expr, is_guarded || pipe->has_default);
    for (uint32_t i = 0; i < pipe->filter_count; i++) {
        const struct filter_use *use = &w->template->filters.items[pipe->first_filter + i];

        for (uint32_t j = 0; j < use->arg_count; j++) {
            walk_expr(w, w->template->args.items[use->first_arg + j], false);
        }
        walk_named(w, use->first_named, use->named_count, false);
    }
}

/* --- conditions ----------------------------------------------------------------------------- */

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
        walk_add_guards(w, branch->branch.first_test, !is_negated);
        walk_nodes(w, b + 1, branch->end);
        walk_drop_guards(w, kept);
        walk_add_guards(w, branch->branch.first_test, is_negated);
        kept = w->guards.count;
    }
    walk_drop_guards(w, outer);
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
                    !walk_is_nothing(&w->template->exprs.items[alternative]);
        }
        if (shows) {
            walk_add_guard(w, nodes[index].subject);
        }
        walk_nodes(w, b + 1, nodes[b].end);
        walk_drop_guards(w, outer);
    }
}

/* --- loops and partials --------------------------------------------------------------------- */

static void walk_loop(struct walk *w, const struct node *nodes, uint32_t index)
{
    const struct loop *loop = &w->template->loops.items[nodes[index].loop];
    struct binding before = w->bindings[loop->symbol];
    uint32_t outer = w->guards.count;
    uint32_t body = index + 1;

    walk_expr(w, loop->expr, true);
    walk_expr(w, loop->limit, true);
    walk_expr(w, loop->offset, true);
    walk_expr(w, loop->cols, true);
    walk_add_guard(w, loop->expr); /* the body only runs when there is something to go over */
    w->bindings[loop->symbol] = binding_of(w, loop->expr, true);
    if (nodes[index].kind == NODE_TABLEROW) {
        walk_nodes(w, body, nodes[index].end);
    } else {
        walk_nodes(w, body + 1, nodes[body].end);
    }
    w->bindings[loop->symbol] = before;
    walk_drop_guards(w, outer);
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

/* `outer`: what names meant where the partial is called; in `w` already stands what they mean inside. */
static void bind_arguments(struct walk *w, const struct call *call, uint32_t unit, struct binding *outer)
{
    struct binding *inner = w->bindings;

    for (uint32_t i = 0; i < call->named_count; i++) {
        const struct named_arg *arg = &w->template->named.items[call->first_named + i];

        w->bindings = outer;
        inner[arg->symbol] = binding_of(w, arg->expr, false);
        w->bindings = inner;
    }
    if (call->with != NO_INDEX) {
        w->bindings = outer;
        inner[call->alias != NO_INDEX ? call->alias : w->template->units.items[unit].symbol] =
            binding_of(w, call->with, call->is_for);
        w->bindings = inner;
    }
}

static void walk_call(struct walk *w, const struct node *node)
{
    const struct call *call = &w->template->calls.items[node->call];
    uint32_t count = w->template->names.count;
    struct binding *outer = w->bindings;
    uint32_t last = call->name_expr == NO_INDEX ? call->unit : w->template->units.count - 1;

    walk_expr(w, call->name_expr, true);
    walk_expr(w, call->with, true);
    walk_named(w, call->first_named, call->named_count, true);
    for (uint32_t unit = call->name_expr == NO_INDEX ? call->unit : 1; unit <= last; unit++) {
        w->bindings = xcalloc(count, sizeof(*w->bindings));
        if (node->kind == NODE_INCLUDE) {
            memcpy(w->bindings, outer, count * sizeof(*w->bindings));
        } else {
            for (uint32_t i = 0; i < count; i++) {
                w->bindings[i].kind = BINDING_PARAMETER;
            }
            w->bindings[w->template->forloop].kind = w->bindings[w->template->tablerowloop].kind = BINDING_OWN;
        }
        bind_arguments(w, call, unit, outer);
        walk_unit(w, unit);
        free(w->bindings);
        w->bindings = outer;
    }
}

/* --- nodes ---------------------------------------------------------------------------------- */

/* A name with two meanings, one in each branch, is the template's own. */
static void walk_assign(struct walk *w, const struct node *node)
{
    const struct pipe *pipe = &w->template->pipes.items[node->set.pipe];
    struct binding *binding = &w->bindings[node->set.symbol];
    bool is_first = binding->kind == BINDING_NONE || binding->kind == BINDING_PARAMETER;
    struct binding value = {BINDING_OWN, NULL};

    if (is_first && pipe->filter_count == 0) {
        value = binding_of(w, pipe->expr, false);
    }
    walk_pipe(w, node->set.pipe, value.kind == BINDING_ALIAS);
    *binding = value;
}

static void walk_node(struct walk *w, const struct node *nodes, uint32_t i)
{
    const struct node *node = &nodes[i];

    switch ((enum node_kind)node->kind) {
    case NODE_PRINT:
        walk_pipe(w, node->pipe, false);
        break;
    case NODE_ASSIGN:
        walk_assign(w, node);
        break;
    case NODE_CAPTURE:
        walk_nodes(w, i + 1, node->end);
        w->bindings[node->set.symbol] = (struct binding){BINDING_OWN, NULL};
        break;
    case NODE_COUNT:
        w->bindings[node->set.symbol] = (struct binding){BINDING_OWN, NULL};
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

static void begin(struct walk *w)
{
    w->bindings = xcalloc(w->template->names.count, sizeof(*w->bindings));
    w->bindings[w->template->forloop].kind = w->bindings[w->template->tablerowloop].kind = BINDING_OWN;
}

static void finish(struct walk *w)
{
    walk_drop_guards(w, 0);
    free(w->guards.items);
    for (uint32_t i = 0; i < w->paths.count; i++) {
        free(w->paths.items[i]);
    }
    free(w->paths.items);
    free(w->bindings);
}

void liquid_each_variable(const struct liquid_template *template, liquid_variable_fn fn, void *arg)
{
    struct walk w = {.template = template, .fn = fn, .arg = arg, .nodes_left = MOST_NODES};

    begin(&w);
    walk_unit(&w, 0);
    finish(&w);
}

void liquid_condition_each_variable(const struct liquid_condition *condition, liquid_variable_fn fn, void *arg)
{
    struct walk w = {.template = condition->template, .fn = fn, .arg = arg, .nodes_left = MOST_NODES};

    begin(&w);
    walk_tests(&w, condition->first_test);
    finish(&w);
}
