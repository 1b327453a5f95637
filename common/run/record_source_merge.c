/*
 * Several sources as one, by time. Each keeps its next record until that is the oldest of all.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/record_source_inside.h"

struct part {
    struct record_source *source;
    const struct record *next; /* NULL: has to be asked */
    bool is_end;
};

struct merge_source {
    struct record_source source; /* first member */
    struct part *parts;
    size_t count;
    struct part *given; /* whose record the caller has; NULL: none */
};

static void merge_close(struct record_source *source)
{
    struct merge_source *self = (struct merge_source *)source;

    for (size_t i = 0; i < self->count; i++) {
        record_source_close(self->parts[i].source);
    }
    free(self->parts);
    free(self);
}

/* False in *is_known: some source has not told within the time. */
static bool ask_all(struct merge_source *self, int64_t wait_ms, bool *is_known, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;

    *is_known = true;
    for (size_t i = 0; i < self->count; i++) {
        struct part *part = &self->parts[i];
        int64_t left_ms = deadline_ms - clock_mono_ms();

        if (part->next || part->is_end) {
            continue;
        }
        if (!record_source_next(part->source, left_ms > 0 ? left_ms : 0, &part->next, &part->is_end, err)) {
            return false;
        }
        *is_known = *is_known && (part->next || part->is_end);
    }
    return true;
}

static bool merge_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                       struct err *err)
{
    struct merge_source *self = (struct merge_source *)source;
    struct part *oldest = NULL;
    bool is_known;

    if (self->given) {
        self->given->next = NULL;
        self->given = NULL;
    }
    if (!ask_all(self, wait_ms, &is_known, err)) {
        return false;
    }
    for (size_t i = 0; is_known && i < self->count; i++) {
        struct part *part = &self->parts[i];

        if (part->next && (!oldest || part->next->timestamp_ms < oldest->next->timestamp_ms)) {
            oldest = part;
        }
    }
    self->given = oldest;
    *record = oldest ? oldest->next : NULL;
    *is_end = is_known && !oldest;
    return true;
}

static int64_t merge_total(const struct record_source *source)
{
    const struct merge_source *self = (const struct merge_source *)source;
    int64_t sum = 0;

    for (size_t i = 0; i < self->count; i++) {
        int64_t total = record_source_total(self->parts[i].source);

        if (total < 0) {
            return -1;
        }
        sum += total;
    }
    return sum;
}

static double merge_share(const struct record_source *source)
{
    const struct merge_source *self = (const struct merge_source *)source;
    double read = 0, all = 0;

    for (size_t i = 0; i < self->count; i++) {
        double share = record_source_share(self->parts[i].source);
        double total = (double)record_source_total(self->parts[i].source);

        if (share < 0 || total < 0) {
            return -1;
        }
        read += share * total;
        all += total;
    }
    return all > 0 ? read / all : 1;
}

static const char *merge_note(const struct record_source *source)
{
    const struct merge_source *self = (const struct merge_source *)source;

    for (size_t i = 0; i < self->count; i++) {
        const char *note = record_source_note(self->parts[i].source);

        if (note[0]) {
            return note;
        }
    }
    return "";
}

static const struct record_source_type merge_type = {merge_close, merge_next, merge_total, merge_share, merge_note};

struct record_source *record_source_merge(struct record_source **sources, size_t count)
{
    struct merge_source *self = xcalloc(1, sizeof(*self));

    assert(count > 0);
    self->source.type = &merge_type;
    self->parts = xcalloc(count, sizeof(*self->parts));
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        self->parts[i].source = sources[i];
    }
    free(sources);
    return &self->source;
}
