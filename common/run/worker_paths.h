/*
 * worker_paths: the files that a worker may have to read after its start: what the settings name, and what the libraries
 * want (name service, certificates, time zones).
 *
 * A file that is replaced by a new one (a mounted secret, a file written by an editor) is found again, since its folder
 * is allowed; but not the folders that everything lies in (/etc, /tmp, ...): there the file alone is.
 */
#ifndef RUN_WORKER_PATHS_H
#define RUN_WORKER_PATHS_H

#include "run/worker_settings.h"

enum { WORKER_MOST_PATHS = 96 };

struct worker_paths {
    const char *items[WORKER_MOST_PATHS + 1]; /* NULL-terminated */
    char *owned[WORKER_MOST_PATHS];
    size_t count, owned_count;
};

void worker_paths_init(struct worker_paths *paths, const struct worker_settings *settings);
void worker_paths_finish(struct worker_paths *paths);

#endif
