/*
 * program: what a template is compiled to.
 *
 * A template is a set of units (the text itself and every partial it can reach), each a flat array of nodes in
 * preorder: a node's body follows it and ends before `end`. Expressions, tests, filter calls and arguments stand in
 * tables shared by all units and are named by their index. Variable names are numbered once per template (symbols),
 * so a look-up while rendering is an array access. Strings are slices of the units' own copy of the text. Nothing
 * changes after compilation.
 */
#ifndef CORE_LIQUID_PROGRAM_H
#define CORE_LIQUID_PROGRAM_H

#include "base/mem.h"
#include "core/liquid/liquid.h"

/* A growing table of compile time. */
#define LIST(type)                                                                                                     \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        uint32_t count, cap;                                                                                           \
    }
#define list_grow(list)                                                                                                \
    do {                                                                                                               \
        if ((list)->count == (list)->cap) {                                                                            \
            (list)->cap = (list)->cap ? (list)->cap * 2 : 16;                                                          \
            (list)->items = xreallocarray((list)->items, (list)->cap, sizeof(*(list)->items));                         \
        }                                                                                                              \
    } while (0)
/* Adds one item given as initialiser list in braces. */
#define list_add(list, ...)                                                                                            \
    do {                                                                                                               \
        list_grow(list);                                                                                               \
        (list)->items[(list)->count++] = __VA_ARGS__;                                                                  \
    } while (0)
/* Gives back what it has grown beyond its items. */
#define list_fit(list)                                                                                                 \
    do {                                                                                                               \
        if ((list)->count < (list)->cap) {                                                                             \
            (list)->cap = (list)->count;                                                                               \
            (list)->items = xreallocarray((list)->items, (list)->cap, sizeof(*(list)->items));                         \
        }                                                                                                              \
    } while (0)

enum { NO_INDEX = UINT32_MAX };

enum expr_kind { EXPR_LITERAL, EXPR_VARIABLE, EXPR_RANGE };

struct expr {
    enum expr_kind kind;
    uint32_t at; /* byte of the unit's text */
    union {
        struct liquid_value literal;
        struct {
            uint32_t symbol; /* NO_INDEX: the name is the value of `name_expr` */
            uint32_t name_expr;
            uint32_t first_step;
            uint32_t step_count;
            struct slice source; /* as written, for messages */
        } variable;
        struct {
            uint32_t first, last; /* expressions */
        } range;
    };
};

enum step_command { STEP_NONE, STEP_FIRST, STEP_LAST, STEP_SIZE };

/* One `.key` or `[expression]` behind a variable. */
struct step {
    struct slice key; /* when expr is NO_INDEX */
    uint32_t expr;
    enum step_command command; /* `.first`, `.last`, `.size`: what a list or text answers for them */
};

struct named_arg {
    struct slice name;
    uint32_t symbol; /* of the name, where a partial gets it; NO_INDEX for filters */
    uint32_t expr;
};

struct filter_use {
    const char *name;
    liquid_filter_fn fn;
    uint32_t at;
    uint32_t first_arg, arg_count;     /* in args */
    uint32_t first_named, named_count; /* in named */
    bool is_default;                   /* accepts undefined values in strict mode */
};

/* An expression and the filters it goes through. */
struct pipe {
    uint32_t expr;
    uint32_t first_filter, filter_count;
    bool has_default;
};

enum test_op { TEST_TRUTH, TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE, TEST_CONTAINS };
enum test_join { JOIN_NONE, JOIN_AND, JOIN_OR };

/* A comparison, and how the rest of the condition (which follows in the table) is joined: from the right. */
struct test {
    enum test_op op;
    enum test_join join;
    uint32_t left, right;
    uint32_t at;
};

enum node_kind {
    NODE_TEXT,
    NODE_PRINT,
    NODE_ASSIGN,
    NODE_CAPTURE,
    NODE_COUNT, /* increment, decrement */
    NODE_IF,    /* if, unless: its children are branches */
    NODE_CASE,
    NODE_BRANCH,
    NODE_FOR, /* children: one branch for the body, one for else */
    NODE_TABLEROW,
    NODE_CYCLE,
    NODE_IFCHANGED,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_INCLUDE,
    NODE_RENDER,
};

enum { BRANCH_ELSE = 1, BRANCH_NEGATED = 2, COUNT_DOWN = 1, PRINT_CHECKED = 1 };

struct node {
    uint8_t kind;
    uint8_t flags;
    bool is_blank; /* prints nothing but white space */
    uint32_t at;
    uint32_t end; /* index after the last node of its body */
    union {
        struct slice text;
        uint32_t pipe; /* PRINT */
        struct {
            uint32_t symbol;
            uint32_t pipe; /* ASSIGN */
        } set;
        struct {
            uint32_t first_test;           /* BRANCH of if; NO_INDEX for else */
            uint32_t first_arg, arg_count; /* BRANCH of case: the alternatives, in args */
        } branch;
        uint32_t subject; /* CASE */
        uint32_t loop;    /* FOR, TABLEROW */
        uint32_t cycle;
        uint32_t call; /* INCLUDE, RENDER */
    };
};

/* for and tablerow; an absent argument is NO_INDEX. */
struct loop {
    uint32_t symbol;
    uint32_t expr;
    uint32_t limit, offset, cols;
    bool is_reversed;
    bool is_continued; /* offset: continue */
    struct slice name; /* "item-items" */
};

struct cycle {
    uint32_t group; /* expression, or NO_INDEX: the text of the values is the name */
    struct slice source;
    uint32_t first_arg, arg_count;
};

struct call {
    uint32_t name_expr; /* include with a name that is not a literal; else NO_INDEX */
    uint32_t unit;      /* the partial */
    uint32_t with;      /* expression after with or for; NO_INDEX */
    bool is_for;
    uint32_t alias; /* symbol after `as`; NO_INDEX: named after the partial */
    uint32_t first_named, named_count;
};

struct unit {
    char *name;
    char *text; /* own copy, NUL-terminated */
    size_t len;
    int first_line;
    uint32_t symbol; /* of the last part of the name: what include and render bind */
    LIST(struct node) nodes;
};

struct symbol; /* a name and its number, found by name */

struct liquid_template {
    enum liquid_escape escape;
    const struct liquid_surroundings *surroundings;
    bool is_strict;
    LIST(struct unit) units; /* the first is the template itself */
    LIST(struct expr) exprs;
    LIST(struct step) steps;
    LIST(uint32_t) args;
    LIST(struct named_arg) named;
    LIST(struct filter_use) filters;
    LIST(struct pipe) pipes;
    LIST(struct test) tests;
    LIST(struct loop) loops;
    LIST(struct cycle) cycles;
    LIST(struct call) calls;
    LIST(struct slice) names; /* of the symbols, by id */
    struct symbol *symbols;
    uint32_t forloop, tablerowloop; /* symbols */
};

/* A template without nodes; only its tables are used. */
struct liquid_condition {
    struct liquid_template *template;
    uint32_t first_test;
};

struct liquid_template *program_create(const struct liquid_options *options);
/* Number of a name; a new one when it has none. */
uint32_t program_symbol(struct liquid_template *template, struct slice name);
/* NO_INDEX when the template does not know the name. */
uint32_t program_find_symbol(const struct liquid_template *template, struct slice name);
/* Once nothing more is added: workers keep thousands of them. */
void program_fit(struct liquid_template *template);
/* Line and column (in code points) of a byte of a unit. */
void program_place(const struct liquid_template *template, uint32_t unit, uint32_t at, int *line, int *column);

#endif
