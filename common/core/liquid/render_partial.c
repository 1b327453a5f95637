/* include shares the variables of its place; render sees nothing but its arguments. */
#include <string.h>

#include "core/liquid/value.h"

static enum flow render_unit(struct liquid_run *run, uint32_t unit)
{
    uint32_t outer = run->unit;
    enum flow flow;

    run->unit = unit;
    flow = render_nodes(run, 0, run->template->units.items[unit].nodes.count);
    run->unit = outer;
    return flow;
}

/* --- include -------------------------------------------------------------------------------- */

static bool find_unit(struct liquid_run *run, const struct node *node, const struct call *call, uint32_t *index)
{
    struct liquid_value name;

    *index = call->unit;
    if (call->name_expr == NO_INDEX) {
        return true;
    }
    run_evaluate(run, call->name_expr, &name);
    if (name.kind != LIQUID_STRING) {
        return run_fail(run, node->at, "the name of a partial must be a text");
    }
    for (uint32_t i = 1; i < run->template->units.count; i++) {
        if (slice_is(name.string, run->template->units.items[i].name)) {
            *index = i;
            return true;
        }
    }
    return run_fail(run, node->at, "there is no partial \"%.*s\"", (int)(name.string.len < 100 ? name.string.len : 100),
                    name.string.data);
}

/* The arguments are bound one by one, so that a later one sees those before it. */
static struct shadow *bind_arguments(struct liquid_run *run, const struct call *call)
{
    struct shadow *shadows = run_alloc_items(run, call->named_count + 1, sizeof(*shadows));

    for (uint32_t i = 0; shadows && i < call->named_count; i++) {
        const struct named_arg *arg = &run->template->named.items[call->first_named + i];
        struct liquid_value value;

        run_evaluate(run, arg->expr, &value);
        shadows[i] = shadow_push(run, arg->symbol, value);
    }
    return shadows;
}

static enum flow include_items(struct liquid_run *run, uint32_t unit, uint32_t symbol, const struct liquid_value *v)
{
    bool is_array = value_is_array(v);
    size_t count = is_array ? value_count(v) : 1;
    struct shadow shadow = shadow_push(run, symbol, *v);
    enum flow flow = FLOW_NEXT;

    for (size_t i = 0; i < count && flow == FLOW_NEXT && run_work(run, 1); i++) {
        if (is_array) {
            run->frame->slots[symbol].shadow = value_at(v, i);
        }
        flow = render_unit(run, unit);
    }
    shadow_pop(run, &shadow);
    return run->has_failed ? FLOW_STOP : flow;
}

enum flow render_include(struct liquid_run *run, const struct node *node)
{
    const struct call *call = &run->template->calls.items[node->call];
    struct liquid_value value;
    struct shadow *shadows;
    uint32_t unit, symbol;
    enum flow flow;

    if (run->is_isolated) {
        run_fail(run, node->at, "include cannot be used in a partial of render");
        return FLOW_STOP;
    }
    if (!find_unit(run, node, call, &unit)) {
        return FLOW_STOP;
    }
    symbol = run->template->units.items[unit].symbol;
    if (call->with != NO_INDEX) {
        run_evaluate(run, call->with, &value);
    } else {
        run_symbol(run, symbol, &value);
    }
    shadows = bind_arguments(run, call);
    if (!shadows) {
        return FLOW_STOP;
    }
    flow = include_items(run, unit, call->alias != NO_INDEX ? call->alias : symbol, &value);
    for (uint32_t i = call->named_count; i-- > 0;) {
        shadow_pop(run, &shadows[i]);
    }
    return flow;
}

/* --- render --------------------------------------------------------------------------------- */

static void bind(struct frame *frame, uint32_t symbol, const struct liquid_value *value)
{
    frame->slots[symbol].local = *value;
    frame->flags[symbol] |= SLOT_LOCAL;
}

/* One rendering of the partial, in a frame of its own. */
static enum flow render_isolated(struct liquid_run *run, const struct call *call, const struct liquid_value *item,
                                 const struct loop_drop *drop)
{
    struct frame *outer = run->frame;
    bool was_isolated = run->is_isolated;
    struct frame *frame = frame_create(run, false);
    uint32_t symbol = call->alias != NO_INDEX ? call->alias : run->template->units.items[call->unit].symbol;

    if (!frame || !run_work(run, 1 + run->template->names.count / WORK_BYTES)) {
        return FLOW_STOP;
    }
    for (uint32_t i = 0; i < call->named_count; i++) {
        const struct named_arg *arg = &run->template->named.items[call->first_named + i];
        struct liquid_value value;

        run_evaluate(run, arg->expr, &value);
        bind(frame, arg->symbol, &value);
    }
    if (item && !value_is_nil(item)) {
        bind(frame, symbol, item);
    }
    if (drop) {
        bind(frame, run->template->forloop, &(struct liquid_value){.kind = LIQUID_DROP, .drop = drop});
    }
    run->frame = frame;
    run->is_isolated = true;
    render_unit(run, call->unit); /* a break inside ends the partial, not the loop around it */
    run->frame = outer;
    run->is_isolated = was_isolated;
    return run->has_failed ? FLOW_STOP : FLOW_NEXT;
}

static enum flow render_each(struct liquid_run *run, const struct node *node, const struct call *call,
                             const struct liquid_value *list)
{
    const struct unit *unit = &run->template->units.items[call->unit];
    size_t count = value_count(list);
    struct loop_drop *drop = run_alloc(run, sizeof(*drop));
    enum flow flow = FLOW_NEXT;

    if (!drop) {
        return FLOW_STOP;
    }
    *drop = (struct loop_drop){.length = (int64_t)count, .variable = slice_of(unit->name)};
    for (size_t i = 0; i < count && flow == FLOW_NEXT; i++) {
        struct liquid_value item = value_at(list, i);

        if (run->steps_left-- <= 0) {
            run_fail(run, node->at, "too many steps in loops");
            return FLOW_STOP;
        }
        drop->index = (int64_t)i;
        flow = render_isolated(run, call, &item, drop);
    }
    return flow;
}

enum flow render_partial(struct liquid_run *run, const struct node *node)
{
    const struct call *call = &run->template->calls.items[node->call];
    struct liquid_value value;

    if (call->with == NO_INDEX) {
        return render_isolated(run, call, NULL, NULL);
    }
    run_evaluate(run, call->with, &value);
    if (call->is_for && value_is_object(&value)) {
        value = value_pairs(run, value.json);
    }
    if (call->is_for && value_is_list(&value)) {
        return render_each(run, node, call, &value);
    }
    return render_isolated(run, call, &value, NULL);
}
