#include <stdlib.h>

#include "core/liquid/parser.h"
#include "core/liquid/run.h"

struct liquid_condition *liquid_condition_compile(const char *name, struct slice text, int line,
                                                  struct diag_list *diags)
{
    struct parser p = {.template = program_create(NULL), .diags = diags};
    struct liquid_condition *condition;
    struct unit unit = {
        .name = xstrdup(name), .text = xmemdup(text.data, text.len), .len = text.len, .first_line = line};
    struct cursor c;
    uint32_t first;

    list_add(&p.template->units, unit);
    p.source.base = unit.text;
    cursor_init(&c, slice_make(unit.text, unit.len));
    if (!parse_tests(&p, &c, &first)) {
        liquid_destroy(p.template);
        return NULL;
    }
    condition = xcalloc(1, sizeof(*condition));
    condition->template = p.template;
    condition->first_test = first;
    return condition;
}

void liquid_condition_destroy(struct liquid_condition *condition)
{
    if (condition) {
        liquid_destroy(condition->template);
        free(condition);
    }
}

bool liquid_condition_holds(const struct liquid_condition *condition, const struct liquid_scope *scope)
{
    struct liquid_run run;
    bool holds;

    run_init(&run, condition->template, scope, NULL, NULL);
    holds = !run.has_failed && run_tests(&run, condition->first_test);
    run_finish(&run);
    return holds;
}
