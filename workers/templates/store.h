/*
 * store: what Redis knows of the templates of all workers, read by a command: each call waits for its answer.
 */
#ifndef WORKERS_TEMPLATES_STORE_H
#define WORKERS_TEMPLATES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "run/versions.h"

struct store;

struct store_worker {
    char *name;
    json_t *state; /* object: version, since, folder, channels, missing, refused, kept */
    int64_t silent_ms;
};

struct store_version {
    char version[VERSION_TEXT_SIZE];
    int64_t live_at; /* when it was put live, ms since 1970 */
};

/* One look at everything; store_view_finish() frees it. */
struct store_view {
    struct template_pin pin;
    struct store_worker *workers; /* those that were heard of within POOL_SILENT_MS; sorted by name */
    size_t worker_count;
    struct store_version history[VERSIONS_MOST]; /* the latest first */
    size_t history_count;
};

struct store *store_open(const char *redis_url, const char *environment, struct err *err);
void store_close(struct store *store);

bool store_look(struct store *store, struct store_view *view, struct err *err);
void store_view_finish(struct store_view *view);
/* False + err: Redis does not answer, or somebody else chose since `seen`. */
bool store_pin(struct store *store, const struct template_pin *seen, const struct template_pin *pin, struct err *err);
/* Are the files of that version there? */
bool store_has_files(struct store *store, const char *version, bool *has, struct err *err);
/* Appends the files of a version, as template_pack.h writes them. False + err: they are not there. */
bool store_read_files(struct store *store, const char *version, struct buf *pack, struct err *err);
void store_sleep_ms(struct store *store, int64_t ms);

/* The version of the history that begins with these digits, of which there must be a few. Borrowed; NULL + err. */
const char *store_find_version(const struct store_view *view, const char *digits, struct err *err);

/* "version", "folder", ... of a worker; "" when it does not say. */
const char *store_worker_text(const struct store_worker *worker, const char *name);

#endif
