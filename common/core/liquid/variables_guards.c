#include <stdlib.h>
#include <string.h>

#include "core/liquid/variables.h"

void walk_append_path(const struct walk *w, const struct expr *expr, struct buf *path)
{
    const struct liquid_template *t = w->template;

    if (expr->variable.symbol != NO_INDEX) {
        const struct binding *binding = &w->bindings[expr->variable.symbol];

        if (binding->kind == BINDING_OWN) {
            return;
        }
        buf_append_slice(path, binding->kind == BINDING_ALIAS ? slice_of(binding->path)
                                                              : t->names.items[expr->variable.symbol]);
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

bool walk_has_guard(const struct walk *w, const char *path)
{
    size_t len = strlen(path);

    for (uint32_t i = 0; i < w->guards.count; i++) {
        const char *guard = w->guards.items[i];

        if (strncmp(guard, path, len) == 0 && (guard[len] == '\0' || guard[len] == '.' || guard[len] == '[')) {
            return true;
        }
    }
    return false;
}

enum shows { SHOWS_NOTHING, SHOWS_WHEN_TRUE, SHOWS_WHEN_FALSE };

bool walk_is_nothing(const struct expr *expr)
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
    bool compares_nothing = test->op != TEST_TRUTH && walk_is_nothing(&w->template->exprs.items[test->right]);
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

void walk_add_guard(struct walk *w, uint32_t index)
{
    const struct expr *expr = &w->template->exprs.items[index];
    struct buf path;

    if (expr->kind != EXPR_VARIABLE) {
        return;
    }
    buf_init(&path, 0);
    walk_append_path(w, expr, &path);
    list_add(&w->guards, buf_take(&path));
}

void walk_drop_guards(struct walk *w, uint32_t count)
{
    while (w->guards.count > count) {
        free(w->guards.items[--w->guards.count]);
    }
}

void walk_add_guards(struct walk *w, uint32_t first_test, bool is_true)
{
    enum test_join wanted = is_true ? JOIN_AND : JOIN_OR;
    const struct test *tests = &w->template->tests.items[first_test];

    for (const struct test *test = tests; test->join != JOIN_NONE; test++) {
        if (test->join != wanted) {
            return;
        }
    }
    for (const struct test *test = tests;; test++) {
        if (what_shows(w, test) == (is_true ? SHOWS_WHEN_TRUE : SHOWS_WHEN_FALSE)) {
            walk_add_guard(w, test->left);
        }
        if (test->join == JOIN_NONE) {
            return;
        }
    }
}
