#include <math.h>
#include <string.h>

#include "core/liquid/value.h"

/* In what the caller gave; nothing of it is visible in a partial of `render`. */
static struct liquid_value find_global(const struct liquid_run *run, struct slice name)
{
    const struct liquid_scope *scope = run->scope;
    json_t *found = NULL;

    if (!run->frame->has_data) {
        return value_from_json(NULL);
    }
    for (size_t i = 0; i < scope->value_count; i++) {
        if (slice_equal(scope->values[i].name, name)) {
            const struct liquid_value *value = &scope->values[i].value;

            return value->kind == LIQUID_JSON ? value_from_json(value->json) : *value;
        }
    }
    if (scope->data) {
        found = json_object_getn(scope->data, name.data, name.len);
    }
    if (!found && scope->more_data) {
        found = json_object_getn(scope->more_data, name.data, name.len);
    }
    return value_from_json(found);
}

void run_symbol(struct liquid_run *run, uint32_t symbol, struct liquid_value *value)
{
    struct frame *frame = run->frame;
    struct slot *slot = &frame->slots[symbol];
    uint8_t flags = frame->flags[symbol];

    if (flags & SLOT_SHADOW) {
        *value = slot->shadow;
        return;
    }
    if (flags & SLOT_LOCAL) {
        *value = slot->local;
        return;
    }
    if (!(flags & SLOT_GLOBAL)) {
        slot->global = find_global(run, run->template->names.items[symbol]);
        frame->flags[symbol] |= SLOT_GLOBAL;
    }
    *value = slot->global;
}

/* A name that is only known now: `[name]`. */
static void named_variable(struct liquid_run *run, const struct liquid_value *name, struct liquid_value *value)
{
    uint32_t symbol;

    if (name->kind != LIQUID_STRING) {
        *value = value_from_json(NULL);
        return;
    }
    symbol = program_find_symbol(run->template, name->string);
    if (symbol != NO_INDEX) {
        run_symbol(run, symbol, value);
    } else {
        *value = find_global(run, name->string);
    }
}

static void evaluate_variable(struct liquid_run *run, const struct expr *expr, struct liquid_value *value)
{
    if (expr->variable.symbol != NO_INDEX) {
        run_symbol(run, expr->variable.symbol, value);
    } else {
        struct liquid_value name;

        run_evaluate(run, expr->variable.name_expr, &name);
        named_variable(run, &name, value);
    }
    for (uint32_t i = 0; i < expr->variable.step_count; i++) {
        const struct step *step = &run->template->steps.items[expr->variable.first_step + i];
        struct liquid_value key;

        if (step->expr == NO_INDEX) {
            if (value->kind == LIQUID_JSON && step->command == STEP_NONE && json_is_object(value->json)) {
                *value = value_from_json(json_object_getn(value->json, step->key.data, step->key.len));
                continue;
            }
            key = value_string(step->key);
        } else {
            run_evaluate(run, step->expr, &key);
        }
        *value = value_property(run, value, &key, step->command);
    }
}

/* A float is cut when both ends are written out; (1.5..n) is an error. */
static bool range_end(struct liquid_run *run, uint32_t expr, bool is_literal, int64_t *end)
{
    struct liquid_value v;

    run_evaluate(run, expr, &v);
    switch (v.kind) {
    case LIQUID_INT:
        *end = v.integer;
        return true;
    case LIQUID_FLOAT:
        if (!is_literal || !(fabs(v.number) < 9e18)) {
            break;
        }
        *end = (int64_t)v.number;
        return true;
    case LIQUID_STRING:
        *end = text_to_integer(v.string);
        return true;
    case LIQUID_UNDEFINED:
    case LIQUID_NIL:
    case LIQUID_EMPTY:
    case LIQUID_BLANK:
        *end = 0;
        return true;
    default:
        break;
    }
    return run_fail(run, run->template->exprs.items[expr].at, "the end of a range must be an integer");
}

static void evaluate_range(struct liquid_run *run, const struct expr *expr, struct liquid_value *value)
{
    const struct expr *exprs = run->template->exprs.items;
    bool is_literal =
        exprs[expr->range.first].kind == EXPR_LITERAL && exprs[expr->range.last].kind == EXPR_LITERAL;

    *value = (struct liquid_value){.kind = LIQUID_RANGE};
    if (!range_end(run, expr->range.first, is_literal, &value->range.first) ||
        !range_end(run, expr->range.last, is_literal, &value->range.last)) {
        *value = value_nil();
    }
}

void run_evaluate(struct liquid_run *run, uint32_t index, struct liquid_value *value)
{
    const struct expr *expr = &run->template->exprs.items[index];

    switch (expr->kind) {
    case EXPR_LITERAL:
        *value = expr->literal;
        break;
    case EXPR_VARIABLE:
        evaluate_variable(run, expr, value);
        break;
    case EXPR_RANGE:
        evaluate_range(run, expr, value);
        break;
    }
}

bool run_check_defined(struct liquid_run *run, uint32_t index, const struct liquid_value *value)
{
    const struct expr *expr = &run->template->exprs.items[index];

    if (value->kind != LIQUID_UNDEFINED || !run->template->is_strict) {
        return true;
    }
    if (!run->has_failed && run->error) {
        run->error->problem = LIQUID_PROBLEM_UNDEFINED;
    }
    if (expr->kind != EXPR_VARIABLE) {
        return run_fail(run, expr->at, "the value is not defined");
    }
    return run_fail(run, expr->at, "\"%.*s\" is not defined", (int)expr->variable.source.len,
                    expr->variable.source.data);
}

/* --- filters -------------------------------------------------------------------------------- */

enum { FEW = 4 };

static void apply_filter(struct liquid_run *run, const struct filter_use *use, struct liquid_value *value)
{
    const struct liquid_template *t = run->template;
    struct liquid_value few[FEW];
    struct liquid_value *args = use->arg_count <= FEW ? few : run_alloc_items(run, use->arg_count, sizeof(*args));
    struct liquid_named_value *named = NULL;
    struct liquid_value result;

    if (use->named_count) {
        named = run_alloc_items(run, use->named_count, sizeof(*named));
    }
    if (!args || (use->named_count && !named)) {
        return;
    }
    for (uint32_t i = 0; i < use->arg_count; i++) {
        uint32_t expr = t->args.items[use->first_arg + i];

        run_evaluate(run, expr, &args[i]);
        if (!use->is_default && !run_check_defined(run, expr, &args[i])) {
            return;
        }
    }
    for (uint32_t i = 0; i < use->named_count; i++) {
        const struct named_arg *arg = &t->named.items[use->first_named + i];

        named[i].name = arg->name;
        run_evaluate(run, arg->expr, &named[i].value);
        if (!use->is_default && !run_check_defined(run, arg->expr, &named[i].value)) {
            return;
        }
    }
    struct liquid_call call = {.input = *value,
                               .args = args,
                               .arg_count = use->arg_count,
                               .named = named,
                               .named_count = use->named_count,
                               .context = run->scope->filter_context,
                               .run = run};
    if (run_work(run, 1 + (value->kind == LIQUID_STRING ? value->string.len / WORK_BYTES : 0)) &&
        !use->fn(&call, &result, &run->filter_err)) {
        run_fail(run, use->at, "%s: %s", use->name, run->filter_err.text);
    }
    if (run->has_failed) {
        *value = value_nil();
        return;
    }
    *value = result;
}

void run_pipe(struct liquid_run *run, uint32_t index, struct liquid_value *value)
{
    const struct pipe *pipe = &run->template->pipes.items[index];

    run_evaluate(run, pipe->expr, value);
    if (pipe->filter_count && !pipe->has_default && !run_check_defined(run, pipe->expr, value)) {
        return;
    }
    for (uint32_t i = 0; i < pipe->filter_count && !run->has_failed; i++) {
        apply_filter(run, &run->template->filters.items[pipe->first_filter + i], value);
    }
}

/* --- conditions ----------------------------------------------------------------------------- */

static const char *kind_name(const struct liquid_value *v)
{
    switch (v->kind) {
    case LIQUID_INT:
    case LIQUID_FLOAT:
        return "a number";
    case LIQUID_STRING:
        return "a text";
    case LIQUID_BOOL:
        return "true or false";
    default:
        return value_is_array(v) ? "a list" : "no value";
    }
}

static bool is_ordered(const struct liquid_value *v)
{
    return v->kind == LIQUID_INT || v->kind == LIQUID_FLOAT || v->kind == LIQUID_STRING;
}

/* Only numbers and texts have an order; a number and a text have none with each other. */
static bool test_order(struct liquid_run *run, const struct test *test, const struct liquid_value *a,
                       const struct liquid_value *b)
{
    int order;

    if (!is_ordered(a) || value_is_nil(b) || b->kind == LIQUID_EMPTY || b->kind == LIQUID_BLANK) {
        return false;
    }
    if (!is_ordered(b) || (a->kind == LIQUID_STRING) != (b->kind == LIQUID_STRING)) {
        if (value_is_list(b) || value_is_object(b) || b->kind == LIQUID_BOOL || b->kind == LIQUID_DROP) {
            return false;
        }
        return run_fail(run, test->at, "%s cannot be compared with %s", kind_name(a), kind_name(b));
    }
    if (!value_compare(run, a, b, &order)) {
        return false;
    }
    switch (test->op) {
    case TEST_LT:
        return order < 0;
    case TEST_LE:
        return order <= 0;
    case TEST_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool run_test(struct liquid_run *run, const struct test *test)
{
    struct liquid_value left, right;

    run_evaluate(run, test->left, &left);
    if (test->op == TEST_TRUTH) {
        return value_is_true(&left);
    }
    run_evaluate(run, test->right, &right);
    switch (test->op) {
    case TEST_EQ:
        return value_equal(run, &left, &right);
    case TEST_NE:
        return !value_equal(run, &left, &right);
    case TEST_CONTAINS:
        return value_contains(run, &left, &right);
    default:
        return test_order(run, test, &left, &right);
    }
}

bool run_tests(struct liquid_run *run, uint32_t first)
{
    /* Joined from the right: a or (b and (c or d)). */
    for (const struct test *test = &run->template->tests.items[first];; test++) {
        bool holds = run_test(run, test);

        if (test->join == JOIN_NONE || holds == (test->join == JOIN_OR)) {
            return holds && !run->has_failed;
        }
    }
}
