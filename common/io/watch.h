/*
 * watch: tells when something below a folder changed. Changes within `settle_ms` are told once, after they settled,
 * so that an editor's or a ConfigMap's burst of renames is one change.
 */
#ifndef IO_WATCH_H
#define IO_WATCH_H

#include "base/err.h"
#include "io/loop.h"

struct watch;

/* Watches the folder and the folders in it (also those made later; symbolic links are followed, as a ConfigMap
 * needs). */
struct watch *watch_open(struct loop *loop, const char *dir, int64_t settle_ms, loop_fn fn, void *arg, struct err *err);
void watch_close(struct watch *watch);

#endif
