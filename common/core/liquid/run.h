/*
 * run: the state of one render, and its memory.
 *
 * All memory of a render comes from its arena, which only grows and is freed at the end; it is bounded (about eight
 * times the output limit), so a template cannot eat the process. The first failure is kept in `error`; from then on
 * everything returns quickly until the render has ended. Work is counted as well as loop steps: one unit for a node
 * and one for every WORK_BYTES bytes that a filter or a comparison looks at.
 */
#ifndef CORE_LIQUID_RUN_H
#define CORE_LIQUID_RUN_H

#include "core/liquid/program.h"

enum { WORK_BYTES = 32, WORK_PER_STEP = 32 };

struct chunk {
    struct chunk *next;
    size_t cap;
    char data[];
};

/* A variable: the innermost binding wins (shadow: loops and arguments of include; local: assign and capture;
 * global: the caller's data, or a counter). */
struct slot {
    struct liquid_value shadow, local, global;
};

enum { SLOT_SHADOW = 1, SLOT_LOCAL = 2, SLOT_GLOBAL = 4 };

struct cycle_state {
    struct cycle_state *next;
    struct liquid_value group;
    struct slice source; /* of a cycle without a group */
    uint32_t index;
};

/* Where a loop over the same thing stopped last, for `offset: continue`. */
struct loop_mark {
    struct loop_mark *next;
    uint32_t symbol;
    struct slice name;
    int64_t position;
};

/* What a partial of `render` sees: nothing of the outside but its arguments. */
struct frame {
    struct slot *slots;
    uint8_t *flags;
    bool has_data; /* the caller's data is visible */
    struct cycle_state *cycles;
    struct loop_mark *marks;
    struct slice last_changed; /* of ifchanged */
    bool has_changed;
};

struct liquid_run {
    const struct liquid_template *template;
    const struct liquid_scope *scope;
    struct liquid_error *error;
    struct buf *out;
    struct frame *frame;
    uint32_t unit;
    int depth;
    int max_depth;
    int64_t steps_left;
    int64_t work_left;
    struct chunk *chunks;
    char *free_pos, *free_end;
    size_t memory_left;
    bool has_failed;
    bool escapes;
    bool is_isolated; /* inside render: include is not allowed */
    struct err filter_err;
};

void run_init(struct liquid_run *run, const struct liquid_template *template, const struct liquid_scope *scope,
              struct buf *out, struct liquid_error *error);
void run_finish(struct liquid_run *run);

/* Keeps the first failure, with the place in the current unit. Always false. */
bool run_fail(struct liquid_run *run, uint32_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Counts work; fails the run when it is too much. False when the run has failed. */
bool run_work(struct liquid_run *run, size_t units);
/* NULL when the run may not have that much; it has failed then. */
void *run_alloc(struct liquid_run *run, size_t size);
void *run_alloc_items(struct liquid_run *run, size_t count, size_t size);

struct frame *frame_create(struct liquid_run *run, bool has_data);

/* Text that grows in the arena. After a failure nothing is added. */
struct text {
    struct liquid_run *run;
    char *data;
    size_t len, cap;
};
void text_init(struct text *text, struct liquid_run *run);
/* Makes room for `extra` bytes; NULL when there is none. */
char *text_reserve(struct text *text, size_t extra);
void text_add(struct text *text, struct slice piece);
void text_add_char(struct text *text, char c);
static inline struct slice text_slice(const struct text *text)
{
    return slice_make(text->data ? text->data : "", text->len);
}

/* Expressions (evaluate.c). The result borrows from data, program and run. */
void run_evaluate(struct liquid_run *run, uint32_t expr, struct liquid_value *value);
void run_pipe(struct liquid_run *run, uint32_t pipe, struct liquid_value *value);
bool run_tests(struct liquid_run *run, uint32_t first_test);
void run_symbol(struct liquid_run *run, uint32_t symbol, struct liquid_value *value);
/* Fails in strict mode when `value`, which expression `expr` gave, is undefined. False when failed. */
bool run_check_defined(struct liquid_run *run, uint32_t expr, const struct liquid_value *value);

/* Output (render.c). */
enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_STOP };
enum flow render_nodes(struct liquid_run *run, uint32_t from, uint32_t to);
void render_value(struct liquid_run *run, const struct liquid_value *value);
enum flow render_for(struct liquid_run *run, uint32_t node);
enum flow render_tablerow(struct liquid_run *run, uint32_t node);
enum flow render_include(struct liquid_run *run, const struct node *node);
enum flow render_partial(struct liquid_run *run, const struct node *node);

struct shadow {
    uint32_t symbol;
    bool had;
    struct liquid_value value;
};
/* Binds a name in the innermost scope; undo with shadow_pop() in reverse order. */
struct shadow shadow_push(struct liquid_run *run, uint32_t symbol, struct liquid_value value);
void shadow_pop(struct liquid_run *run, const struct shadow *shadow);

#endif
