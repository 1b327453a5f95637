#include "core/liquid/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 16 << 10, EXTRA_MEMORY = 1 << 20, MEMORY_FACTOR = 8 };
enum { DEFAULT_OUTPUT = 4 << 20, DEFAULT_DEPTH = 100, DEFAULT_STEPS = 1000000 };

void run_init(struct liquid_run *run, const struct liquid_template *template, const struct liquid_scope *scope,
              struct buf *out, struct liquid_error *error)
{
    const struct liquid_limits *limits = &scope->limits;
    size_t output = limits->output_bytes ? limits->output_bytes : DEFAULT_OUTPUT;

    memset(run, 0, offsetof(struct liquid_run, filter_err));
    err_clear(&run->filter_err);
    run->template = template;
    run->scope = scope;
    run->out = out;
    run->error = error;
    if (error) {
        error->problem = LIQUID_PROBLEM_OTHER;
    }
    run->max_depth = limits->depth > 0 ? limits->depth : DEFAULT_DEPTH;
    run->steps_left = limits->steps > 0 ? limits->steps : DEFAULT_STEPS;
    run->work_left = run->steps_left > INT64_MAX / WORK_PER_STEP ? INT64_MAX : run->steps_left * WORK_PER_STEP;
    run->memory_left =
        output > (SIZE_MAX - EXTRA_MEMORY) / MEMORY_FACTOR ? SIZE_MAX : output * MEMORY_FACTOR + EXTRA_MEMORY;
    run->escapes = template->escape == LIQUID_ESCAPE_HTML;
    run->frame = frame_create(run, true);
}

void run_finish(struct liquid_run *run)
{
    while (run->chunks) {
        struct chunk *next = run->chunks->next;

        free(run->chunks);
        run->chunks = next;
    }
}

bool run_fail(struct liquid_run *run, uint32_t at, const char *format, ...)
{
    struct liquid_error *error = run->error;
    va_list args;

    if (run->has_failed) {
        return false;
    }
    run->has_failed = true;
    if (error) {
        va_start(args, format);
        vsnprintf(error->message, sizeof(error->message), format, args);
        va_end(args);
        snprintf(error->file, sizeof(error->file), "%s", run->template->units.items[run->unit].name);
        program_place(run->template, run->unit, at, &error->line, &error->column);
    }
    return false;
}

bool run_work(struct liquid_run *run, size_t units)
{
    if (run->work_left < 0 || (uint64_t)units > (uint64_t)run->work_left) {
        run->work_left = 0;
        return run_fail(run, 0, "the template needs too much time");
    }
    run->work_left -= (int64_t)units;
    return !run->has_failed;
}

/* --- memory --------------------------------------------------------------------------------- */

static void *take(struct liquid_run *run, size_t size)
{
    char *at = run->free_pos;

    run->free_pos += size;
    return at;
}

/* A large piece gets a chunk of its own, and the current one stays in use. */
static void *add_chunk(struct liquid_run *run, size_t size)
{
    size_t cap = size > CHUNK_SIZE / 2 ? size : CHUNK_SIZE;
    struct chunk *chunk = xmalloc(sizeof(*chunk) + cap);

    chunk->cap = cap;
    chunk->next = run->chunks;
    run->chunks = chunk;
    if (cap == size && run->free_pos) {
        return chunk->data;
    }
    run->free_pos = chunk->data;
    run->free_end = chunk->data + cap;
    return take(run, size);
}

static size_t align(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

void *run_alloc(struct liquid_run *run, size_t size)
{
    if (size > run->memory_left || align(size) > run->memory_left) {
        run->memory_left = 0;
        run_fail(run, 0, "the template needs too much memory");
        return NULL;
    }
    size = align(size);
    run->memory_left -= size;
    return (size_t)(run->free_end - run->free_pos) >= size && run->free_pos ? take(run, size) : add_chunk(run, size);
}

void *run_alloc_items(struct liquid_run *run, size_t count, size_t size)
{
    return run_alloc(run, count > SIZE_MAX / size ? SIZE_MAX : count * size);
}

void *liquid_alloc(struct liquid_run *run, size_t size)
{
    void *memory = run_alloc(run, size);

    /* A filter from outside is not asked to handle a refusal: it gets its memory, and the render ends after it. */
    return memory ? memory : add_chunk(run, align(size));
}

struct frame *frame_create(struct liquid_run *run, bool has_data)
{
    uint32_t count = run->template->names.count;
    struct frame *frame = run_alloc(run, sizeof(*frame));

    if (!frame) {
        return NULL;
    }
    *frame = (struct frame){.has_data = has_data};
    frame->slots = run_alloc_items(run, count, sizeof(*frame->slots));
    frame->flags = run_alloc(run, count);
    if (!frame->slots || !frame->flags) {
        return NULL;
    }
    memset(frame->flags, 0, count);
    return frame;
}

/* --- text ----------------------------------------------------------------------------------- */

void text_init(struct text *text, struct liquid_run *run)
{
    *text = (struct text){.run = run};
}

char *text_reserve(struct text *text, size_t extra)
{
    struct liquid_run *run = text->run;
    size_t cap = text->cap ? text->cap : 48;
    char *data;

    if (run->has_failed) {
        return NULL;
    }
    if (text->data && extra <= text->cap - text->len) {
        return text->data + text->len;
    }
    while (cap - text->len < extra) {
        if (cap > SIZE_MAX / 4) {
            return NULL;
        }
        cap *= 2;
    }
    if (text->data && text->data + text->cap == run->free_pos && cap - text->cap <= run->memory_left &&
        (size_t)(run->free_end - run->free_pos) >= cap - text->cap) {
        run->free_pos += cap - text->cap; /* the last piece of the arena grows where it is */
        run->memory_left -= cap - text->cap;
        text->cap = cap;
        return text->data + text->len;
    }
    data = run_alloc(run, cap);
    if (!data) {
        return NULL;
    }
    if (text->len) {
        memcpy(data, text->data, text->len);
    }
    text->data = data;
    text->cap = cap;
    return data + text->len;
}

void text_add(struct text *text, struct slice piece)
{
    char *to = text_reserve(text, piece.len);

    if (to && piece.len) {
        memcpy(to, piece.data, piece.len);
        text->len += piece.len;
    }
}

void text_add_char(struct text *text, char c)
{
    text_add(text, slice_make(&c, 1));
}

/* --- names ---------------------------------------------------------------------------------- */

struct shadow shadow_push(struct liquid_run *run, uint32_t symbol, struct liquid_value value)
{
    struct frame *frame = run->frame;
    struct shadow shadow = {.symbol = symbol, .had = frame->flags[symbol] & SLOT_SHADOW};

    if (shadow.had) {
        shadow.value = frame->slots[symbol].shadow;
    }
    frame->slots[symbol].shadow = value;
    frame->flags[symbol] |= SLOT_SHADOW;
    return shadow;
}

void shadow_pop(struct liquid_run *run, const struct shadow *shadow)
{
    struct frame *frame = run->frame;

    if (shadow->had) {
        frame->slots[shadow->symbol].shadow = shadow->value;
    } else {
        frame->flags[shadow->symbol] &= (uint8_t)~SLOT_SHADOW;
    }
}
