/*
 * variables: the walk over a program that finds what it reads (variables.c), and what conditions have shown to be there
 * on the way (variables_guards.c).
 */
#ifndef CORE_LIQUID_VARIABLES_H
#define CORE_LIQUID_VARIABLES_H

#include "core/liquid/program.h"

enum binding_kind {
    BINDING_NONE,      /* the caller's data */
    BINDING_OWN,       /* made by the template */
    BINDING_ALIAS,     /* stands for `path` */
    BINDING_PARAMETER, /* of a partial that sees nothing but its arguments: nobody gave it a value */
};

struct binding {
    enum binding_kind kind;
    const char *path;
};

struct walk {
    const struct liquid_template *template;
    liquid_variable_fn fn;
    void *arg;
    uint32_t unit;
    int depth;
    int nodes_left;
    struct binding *bindings; /* by symbol */
    LIST(char *) paths;       /* of aliases; owned */
    LIST(char *) guards;      /* paths that an enclosing condition has found to be there */
};

/* "a.b" up to the first part that is computed; empty for a computed name and for what is the template's own. */
void walk_append_path(const struct walk *w, const struct expr *expr, struct buf *path);

/* Has a condition seen this very path or something inside it? */
bool walk_has_guard(const struct walk *w, const char *path);
/* What expression `index` reads is there from now on. */
void walk_add_guard(struct walk *w, uint32_t index);
/* What follows from the condition being true (all its parts joined by and) or false (by or). */
void walk_add_guards(struct walk *w, uint32_t first_test, bool is_true);
/* Back to an earlier number of guards. */
void walk_drop_guards(struct walk *w, uint32_t count);
/* Keywords that a missing variable equals. */
bool walk_is_nothing(const struct expr *expr);

#endif
