/*
 * pool_view: one look at all workers of an installation, as their beats in Redis tell, and at what people paused.
 *
 * Shared by the commands that look at the pool. What a worker said is a JSON object as run/pool.c writes it; since another
 * version may have written it, nothing is taken for granted: what is not there reads as "", 0 or an empty list.
 */
#ifndef WORKERS_POOL_VIEW_H
#define WORKERS_POOL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "core/pause.h"
#include "run/pool_keys.h"
#include "run/redis_ask.h"

struct pool_worker {
    char *name;         /* "host:pid", for people */
    json_t *state;
    int64_t silent_ms;  /* since its last beat */
    int64_t heard;      /* serial of the pauses that it keeps to */
};

struct pool_view {
    int64_t now_ms; /* Redis' clock */
    struct pause_list pauses;
    struct pool_worker *workers; /* those heard of within POOL_SILENT_MS; sorted by name */
    size_t worker_count;
};

bool pool_view_look(struct redis_ask *redis, const struct pool_keys *keys, struct pool_view *view, struct err *err);
/* Of one that was looked at, or zeroed. */
void pool_view_finish(struct pool_view *view);

/* What is paused, for --json; a new reference. */
json_t *pool_view_pauses(const struct pool_view *view);

/* "" and 0 when the object does not say, or says what is no count. */
const char *pool_view_text(const json_t *object, const char *name);
int64_t pool_view_int(const json_t *object, const char *name);
int64_t pool_view_number(const json_t *value);
/* The worker's channels: an array of objects, or NULL (which jansson takes for an empty one). */
const json_t *pool_view_channels(const struct pool_worker *worker);

#endif
