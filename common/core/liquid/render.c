#include <string.h>

#include "core/liquid/value.h"

/* --- output --------------------------------------------------------------------------------- */

static const char *const html_of[256] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
};

static void append_escaped(struct buf *out, struct slice text)
{
    const char *end = text.data + text.len;
    const char *from = text.data;

    for (const char *p = from; p < end; p++) {
        const char *html = html_of[(unsigned char)*p];

        if (html) {
            buf_append(out, from, (size_t)(p - from));
            buf_append_text(out, html);
            from = p + 1;
        }
    }
    buf_append(out, from, (size_t)(end - from));
}

void render_value(struct liquid_run *run, const struct liquid_value *value)
{
    struct slice text;
    char number[FLOAT_TEXT_SIZE];

    switch (value->kind) {
    case LIQUID_UNDEFINED:
    case LIQUID_NIL:
        return;
    case LIQUID_INT:
        buf_append(run->out, number, int_format(value->integer, number));
        return;
    case LIQUID_STRING:
        text = value->string;
        break;
    default:
        text = value_text(run, value);
        break;
    }
    if (run->escapes && !value->is_safe) {
        append_escaped(run->out, text);
    } else {
        buf_append_slice(run->out, text);
    }
}

/* A value that stands where not every value may. Always true when it does not. */
static bool check_allowed(struct liquid_run *run, const struct node *node, const struct liquid_value *value)
{
    const struct liquid_surroundings *rules = run->template->surroundings;

    if (!(node->flags & PRINT_CHECKED) || rules->is_allowed(value_text(run, value))) {
        return true;
    }
    if (run->error && !run->has_failed) {
        run->error->problem = LIQUID_PROBLEM_NOT_ALLOWED;
    }
    return run_fail(run, node->at, "the value is %s", rules->complaint);
}

static void render_print(struct liquid_run *run, const struct node *node)
{
    struct liquid_value value;

    run_pipe(run, node->pipe, &value);
    if (run_check_defined(run, run->template->pipes.items[node->pipe].expr, &value) && !run->has_failed &&
        check_allowed(run, node, &value)) {
        render_value(run, &value);
    }
}

/* --- names ---------------------------------------------------------------------------------- */

static void set_local(struct liquid_run *run, uint32_t symbol, const struct liquid_value *value)
{
    run->frame->slots[symbol].local = *value;
    run->frame->flags[symbol] |= SLOT_LOCAL;
}

/* Takes what was appended since `start` off the output. */
static struct slice take_output(struct liquid_run *run, size_t start)
{
    struct buf *out = run->out;
    size_t len = out->len - start;
    char *copy = out->overflowed || !len ? NULL : run_alloc(run, len);

    if (copy) {
        memcpy(copy, out->data + start, len);
    }
    buf_truncate(out, start);
    return copy ? slice_make(copy, len) : SLICE("");
}

static enum flow render_capture(struct liquid_run *run, uint32_t index, const struct node *node)
{
    size_t start = run->out->len;
    enum flow flow = render_nodes(run, index + 1, node->end);
    struct liquid_value value = value_string(take_output(run, start));

    value.is_safe = run->escapes; /* what it printed is escaped already */
    set_local(run, node->set.symbol, &value);
    return flow;
}

static enum flow render_ifchanged(struct liquid_run *run, uint32_t index, const struct node *node)
{
    size_t start = run->out->len;
    enum flow flow = render_nodes(run, index + 1, node->end);
    struct slice made = take_output(run, start);

    if (!run->frame->has_changed || !slice_equal(made, run->frame->last_changed)) {
        run->frame->has_changed = true;
        run->frame->last_changed = made;
        buf_append_slice(run->out, made);
    }
    return flow;
}

/* Counters live beside the data, behind variables of the same name. */
static void render_counter(struct liquid_run *run, const struct node *node)
{
    uint32_t symbol = node->set.symbol;
    uint8_t flags = run->frame->flags[symbol];
    struct liquid_value value;
    int64_t number;

    run->frame->flags[symbol] &= (uint8_t) ~(SLOT_SHADOW | SLOT_LOCAL);
    run_symbol(run, symbol, &value);
    number = value.kind == LIQUID_INT ? value.integer : 0;
    if (node->flags & COUNT_DOWN) {
        number = (int64_t)((uint64_t)number - 1);
        value = value_int(number);
    } else {
        value = value_int(number);
        number = (int64_t)((uint64_t)number + 1);
    }
    render_value(run, &value);
    run->frame->slots[symbol].global = value_int(number);
    run->frame->flags[symbol] = flags | SLOT_GLOBAL;
}

static struct cycle_state *find_cycle(struct liquid_run *run, const struct cycle *cycle)
{
    struct liquid_value group = {.kind = LIQUID_UNDEFINED};
    bool is_named = cycle->group != NO_INDEX;
    struct cycle_state *state;

    if (is_named) {
        run_evaluate(run, cycle->group, &group);
    }
    for (state = run->frame->cycles; state; state = state->next) {
        bool is_same = is_named ? !state->source.data && value_equal(run, &state->group, &group)
                                : state->source.data && slice_equal(state->source, cycle->source);

        if (is_same || !run_work(run, 1)) {
            return state;
        }
    }
    state = run_alloc(run, sizeof(*state));
    if (state) {
        *state = (struct cycle_state){.next = run->frame->cycles, .group = group};
        state->source = is_named ? (struct slice){NULL, 0} : cycle->source;
        run->frame->cycles = state;
    }
    return state;
}

static void render_cycle(struct liquid_run *run, const struct node *node)
{
    const struct cycle *cycle = &run->template->cycles.items[node->cycle];
    struct cycle_state *state = find_cycle(run, cycle);
    struct liquid_value value;

    if (!state) {
        return;
    }
    if (state->index < cycle->arg_count) {
        uint32_t expr = run->template->args.items[cycle->first_arg + state->index];

        run_evaluate(run, expr, &value);
        if (run_check_defined(run, expr, &value)) {
            render_value(run, &value);
        }
    }
    state->index = state->index + 1 < cycle->arg_count ? state->index + 1 : 0;
}

/* --- blocks --------------------------------------------------------------------------------- */

static enum flow render_if(struct liquid_run *run, uint32_t index, const struct node *nodes)
{
    for (uint32_t b = index + 1; b < nodes[index].end; b = nodes[b].end) {
        const struct node *branch = &nodes[b];
        bool holds = (branch->flags & BRANCH_ELSE) ||
                     run_tests(run, branch->branch.first_test) != ((branch->flags & BRANCH_NEGATED) != 0);

        if (run->has_failed) {
            return FLOW_STOP;
        }
        if (holds) {
            return render_nodes(run, b + 1, branch->end);
        }
    }
    return FLOW_NEXT;
}

/* Every alternative that is equal prints its branch; else prints while none has. */
static enum flow render_case(struct liquid_run *run, uint32_t index, const struct node *nodes)
{
    enum flow flow = FLOW_NEXT;
    bool has_matched = false;
    struct liquid_value subject, other;

    run_evaluate(run, nodes[index].subject, &subject);
    for (uint32_t b = index + 1; b < nodes[index].end && flow == FLOW_NEXT; b = nodes[b].end) {
        const struct node *branch = &nodes[b];

        if (branch->flags & BRANCH_ELSE) {
            flow = has_matched ? FLOW_NEXT : render_nodes(run, b + 1, branch->end);
            continue;
        }
        for (uint32_t i = 0; i < branch->branch.arg_count && flow == FLOW_NEXT; i++) {
            run_evaluate(run, run->template->args.items[branch->branch.first_arg + i], &other);
            if (value_equal(run, &subject, &other)) {
                has_matched = true;
                flow = render_nodes(run, b + 1, branch->end);
            }
        }
    }
    return flow;
}

static enum flow render_node(struct liquid_run *run, uint32_t i, const struct node *nodes)
{
    const struct node *node = &nodes[i];
    struct liquid_value value;

    switch ((enum node_kind)node->kind) {
    case NODE_TEXT:
        buf_append_slice(run->out, node->text);
        return FLOW_NEXT;
    case NODE_PRINT:
        render_print(run, node);
        return FLOW_NEXT;
    case NODE_ASSIGN:
        run_pipe(run, node->set.pipe, &value);
        set_local(run, node->set.symbol, &value);
        return FLOW_NEXT;
    case NODE_CAPTURE:
        return render_capture(run, i, node);
    case NODE_COUNT:
        render_counter(run, node);
        return FLOW_NEXT;
    case NODE_IF:
        return render_if(run, i, nodes);
    case NODE_CASE:
        return render_case(run, i, nodes);
    case NODE_FOR:
        return render_for(run, i);
    case NODE_TABLEROW:
        return render_tablerow(run, i);
    case NODE_CYCLE:
        render_cycle(run, node);
        return FLOW_NEXT;
    case NODE_IFCHANGED:
        return render_ifchanged(run, i, node);
    case NODE_BREAK:
        return FLOW_BREAK;
    case NODE_CONTINUE:
        return FLOW_CONTINUE;
    case NODE_INCLUDE:
        return render_include(run, node);
    case NODE_RENDER:
        return render_partial(run, node);
    case NODE_BRANCH:
        break;
    }
    return FLOW_NEXT;
}

enum flow render_nodes(struct liquid_run *run, uint32_t from, uint32_t to)
{
    const struct node *nodes = run->template->units.items[run->unit].nodes.items;
    enum flow flow = FLOW_NEXT;

    if (from == to) {
        return FLOW_NEXT;
    }
    if (run->depth >= run->max_depth) {
        run_fail(run, nodes[from].at, "nested deeper than %d", run->max_depth);
        return FLOW_STOP;
    }
    run->depth++;
    for (uint32_t i = from; i < to && flow == FLOW_NEXT; i = nodes[i].end) {
        flow = render_node(run, i, nodes);
        if (--run->work_left < 0) {
            run_fail(run, nodes[i].at, "the template needs too much time");
        }
        if (run->out->overflowed && !run->has_failed) {
            if (run->error) {
                run->error->problem = LIQUID_PROBLEM_TOO_LARGE;
            }
            run_fail(run, nodes[i].at, "more than %zu bytes of output", run->out->max);
        }
        if (run->has_failed) {
            flow = FLOW_STOP;
        }
    }
    run->depth--;
    return flow;
}

bool liquid_render(const struct liquid_template *template, const struct liquid_scope *scope, struct buf *out,
                   struct liquid_error *error)
{
    size_t output = scope->limits.output_bytes;
    size_t max = out->max;
    struct liquid_run run;

    /* The limit counts from what the buffer holds already. */
    if (output && output < max - out->len) {
        out->max = out->len + output;
    }
    run_init(&run, template, scope, out, error);
    if (!run.has_failed) {
        render_nodes(&run, 0, template->units.items[0].nodes.count);
    }
    run_finish(&run);
    out->max = max;
    return !run.has_failed;
}
