/* for and tablerow, and the forloop values they offer. */
#include <math.h>
#include <string.h>

#include "core/liquid/value.h"

/* What a loop goes over: `count` items of `list` from `first` on, backwards when `is_reversed`. */
struct segment {
    struct liquid_value list;
    size_t first, count;
    bool is_reversed;
};

/* limit and offset of for; nil is `absent`. */
static bool loop_number(struct liquid_run *run, uint32_t expr, const char *what, int64_t absent, int64_t *number)
{
    struct liquid_value v;

    *number = absent;
    if (expr == NO_INDEX) {
        return true;
    }
    run_evaluate(run, expr, &v);
    if (value_is_nil(&v) || value_to_integer(&v, number)) {
        return true;
    }
    return run_fail(run, run->template->exprs.items[expr].at, "%s must be an integer", what);
}

/* The same for tablerow, which takes whatever has an integer in it: 2.6 is 2, "2b" is 2, nil is 0. */
static bool table_number(struct liquid_run *run, uint32_t expr, const char *what, int64_t absent, int64_t *number)
{
    struct liquid_value v;

    *number = absent;
    if (expr == NO_INDEX) {
        return true;
    }
    run_evaluate(run, expr, &v);
    if (v.kind == LIQUID_FLOAT && fabs(v.number) < 1e15) {
        *number = (int64_t)v.number;
    } else if (v.kind == LIQUID_INT) {
        *number = v.integer;
    } else if (v.kind == LIQUID_STRING) {
        *number = text_to_integer(v.string);
    } else if (value_is_nil(&v)) {
        *number = 0;
    } else {
        return run_fail(run, run->template->exprs.items[expr].at, "%s must be an integer", what);
    }
    return true;
}

static struct loop_mark *find_mark(struct liquid_run *run, const struct loop *loop, bool creates)
{
    struct loop_mark *mark;

    for (mark = run->frame->marks; mark; mark = mark->next) {
        if (mark->symbol == loop->symbol && slice_equal(mark->name, loop->name)) {
            return mark;
        }
    }
    mark = creates ? run_alloc(run, sizeof(*mark)) : NULL;
    if (mark) {
        *mark = (struct loop_mark){.next = run->frame->marks, .symbol = loop->symbol, .name = loop->name};
        run->frame->marks = mark;
    }
    return mark;
}

/* A text is a list of itself, an object one of pairs, anything else an empty one. */
static struct liquid_value as_list(struct liquid_run *run, const struct liquid_value *v)
{
    struct liquid_value *one;

    if (value_is_list(v)) {
        return *v;
    }
    if (value_is_object(v)) {
        return value_pairs(run, v->json);
    }
    if (v->kind == LIQUID_STRING && v->string.len && (one = run_alloc(run, sizeof(*one)))) {
        *one = *v;
        return value_array(one, 1);
    }
    return value_array(NULL, 0);
}

static void cut(struct segment *segment, bool is_text, int64_t offset, int64_t limit)
{
    size_t count = value_count(&segment->list);
    uint64_t end = count;

    segment->count = count;
    if (is_text) {
        return; /* neither offset nor limit count for it */
    }
    if (limit != INT64_MAX) {
        int64_t last;

        if (__builtin_add_overflow(offset, limit, &last)) {
            last = limit > 0 ? INT64_MAX : 0;
        }
        end = last < 0 ? 0 : (uint64_t)last;
        end = end < count ? end : count;
    }
    segment->first = offset < 0 ? 0 : (uint64_t)offset < end ? (size_t)offset : (size_t)end;
    segment->count = (size_t)end - segment->first;
}

static bool make_segment(struct liquid_run *run, const struct loop *loop, bool is_table, struct segment *segment)
{
    bool (*read_number)(struct liquid_run *, uint32_t, const char *, int64_t, int64_t *) =
        is_table ? table_number : loop_number;
    struct liquid_value source;
    struct loop_mark *mark;
    int64_t offset, limit;

    if (!read_number(run, loop->offset, "offset", 0, &offset) ||
        !read_number(run, loop->limit, "limit", INT64_MAX, &limit)) {
        return false;
    }
    if (loop->is_continued) {
        mark = find_mark(run, loop, false);
        offset = mark ? mark->position : 0;
    }
    run_evaluate(run, loop->expr, &source);
    *segment = (struct segment){.list = as_list(run, &source), .is_reversed = loop->is_reversed};
    cut(segment, source.kind == LIQUID_STRING, offset, limit);
    if (!is_table && (mark = find_mark(run, loop, true))) {
        mark->position = (int64_t)((uint64_t)offset + segment->count);
    }
    return !run->has_failed;
}

static struct liquid_value segment_at(const struct segment *segment, size_t i)
{
    size_t index = segment->is_reversed ? segment->count - 1 - i : i;

    return value_at(&segment->list, segment->first + index);
}

static bool count_step(struct liquid_run *run, uint32_t at)
{
    if (run->steps_left <= 0) {
        return run_fail(run, at, "more than %lld steps in loops",
                        (long long)(run->scope->limits.steps > 0 ? run->scope->limits.steps : 1000000));
    }
    run->steps_left--;
    return true;
}

static struct liquid_value drop_value(const struct loop_drop *drop)
{
    return (struct liquid_value){.kind = LIQUID_DROP, .drop = drop};
}

/* The loop around this one, for parentloop. */
static const struct loop_drop *outer_loop(struct liquid_run *run)
{
    uint32_t symbol = run->template->forloop;
    const struct liquid_value *value = &run->frame->slots[symbol].shadow;

    return run->frame->flags[symbol] & SLOT_SHADOW && value->kind == LIQUID_DROP ? value->drop : NULL;
}

static struct loop_drop *make_drop(struct liquid_run *run, const struct loop *loop, const struct segment *segment)
{
    struct loop_drop *drop = run_alloc(run, sizeof(*drop));

    if (drop) {
        *drop = (struct loop_drop){.length = (int64_t)segment->count,
                                   .variable = run->template->names.items[loop->symbol],
                                   .source = loop->name};
    }
    return drop;
}

static enum flow run_loop(struct liquid_run *run, const struct node *nodes, uint32_t body, const struct loop *loop,
                          const struct segment *segment)
{
    struct loop_drop *drop = make_drop(run, loop, segment);
    enum flow flow = FLOW_NEXT;
    struct shadow item, forloop;

    if (!drop) {
        return FLOW_STOP;
    }
    drop->parent = outer_loop(run);
    forloop = shadow_push(run, run->template->forloop, drop_value(drop));
    item = shadow_push(run, loop->symbol, value_nil());
    for (size_t i = 0; i < segment->count && count_step(run, nodes[body].at); i++) {
        run->frame->slots[loop->symbol].shadow = segment_at(segment, i);
        drop->index = (int64_t)i;
        flow = render_nodes(run, body + 1, nodes[body].end);
        if (flow == FLOW_BREAK || flow == FLOW_STOP) {
            break;
        }
    }
    shadow_pop(run, &item);
    shadow_pop(run, &forloop);
    return flow == FLOW_STOP || run->has_failed ? FLOW_STOP : FLOW_NEXT;
}

enum flow render_for(struct liquid_run *run, uint32_t index)
{
    const struct node *nodes = run->template->units.items[run->unit].nodes.items;
    const struct loop *loop = &run->template->loops.items[nodes[index].loop];
    uint32_t body = index + 1;
    struct segment segment;

    if (!make_segment(run, loop, false, &segment)) {
        return FLOW_STOP;
    }
    if (segment.count) {
        return run_loop(run, nodes, body, loop, &segment);
    }
    body = nodes[body].end;
    return body < nodes[index].end ? render_nodes(run, body + 1, nodes[body].end) : FLOW_NEXT;
}

/* --- tablerow ------------------------------------------------------------------------------- */

static enum flow table_cell(struct liquid_run *run, uint32_t index, const struct node *nodes, struct loop_drop *drop)
{
    bool ends_row = drop->column == drop->columns && drop->index + 1 < drop->length;
    enum flow flow;

    buf_append_text(run->out, "<td class=\"col");
    buf_append_int(run->out, drop->column);
    buf_append_text(run->out, "\">");
    flow = render_nodes(run, index + 1, nodes[index].end);
    buf_append_text(run->out, "</td>");
    if (flow == FLOW_STOP || flow == FLOW_BREAK) {
        return flow;
    }
    if (ends_row) {
        buf_append_text(run->out, "</tr>\n<tr class=\"row");
        buf_append_int(run->out, drop->row + 1);
        buf_append_text(run->out, "\">");
    }
    drop->row += drop->column == drop->columns;
    drop->column = drop->column == drop->columns ? 1 : drop->column + 1;
    return FLOW_NEXT;
}

static enum flow run_table(struct liquid_run *run, uint32_t index, const struct node *nodes, const struct loop *loop,
                           const struct segment *segment, struct loop_drop *drop)
{
    enum flow flow = FLOW_NEXT;
    struct shadow table = shadow_push(run, run->template->tablerowloop, drop_value(drop));
    struct shadow item = shadow_push(run, loop->symbol, value_nil());

    buf_append_text(run->out, "<tr class=\"row1\">\n");
    for (size_t i = 0; i < segment->count && count_step(run, nodes[index].at) && flow == FLOW_NEXT; i++) {
        run->frame->slots[loop->symbol].shadow = segment_at(segment, i);
        drop->index = (int64_t)i;
        flow = table_cell(run, index, nodes, drop);
    }
    buf_append_text(run->out, "</tr>\n");
    shadow_pop(run, &item);
    shadow_pop(run, &table);
    return flow == FLOW_STOP || run->has_failed ? FLOW_STOP : FLOW_NEXT;
}

enum flow render_tablerow(struct liquid_run *run, uint32_t index)
{
    const struct node *nodes = run->template->units.items[run->unit].nodes.items;
    const struct loop *loop = &run->template->loops.items[nodes[index].loop];
    struct liquid_value source;
    struct segment segment;
    struct loop_drop *drop;

    run_evaluate(run, loop->expr, &source);
    if (!value_is_true(&source)) {
        return run->has_failed ? FLOW_STOP : FLOW_NEXT;
    }
    if (!make_segment(run, loop, true, &segment) || !(drop = make_drop(run, loop, &segment)) ||
        !table_number(run, loop->cols, "cols", drop->length, &drop->columns)) {
        return FLOW_STOP;
    }
    drop->is_table = true;
    drop->column = drop->row = 1;
    return run_table(run, index, nodes, loop, &segment, drop);
}
