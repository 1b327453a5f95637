/*
 * scene_watch: a thread that looks, while everything goes on, at the offsets that are committed (ten times a second) and at
 * what Redis holds (every two seconds), and remembers it until the scene is judged.
 */
#ifndef CHAOS_SCENE_WATCH_H
#define CHAOS_SCENE_WATCH_H

#include "tests/chaos/scene.h"

struct scene_watch;

struct scene_watch *scene_watch_start(const struct scene *scene);
/* Ends the thread; NULL is fine. */
void scene_watch_stop(struct scene_watch *watch);

/* No snapshot is taken between the two. The second returns the number of the next. */
void scene_watch_lock(struct scene_watch *watch);
int scene_watch_unlock(struct scene_watch *watch);

/* Ends looking, takes a last snapshot, and gives everything to the history. Returns the number of the last snapshot, 0 when
 * Redis did not answer. */
int scene_watch_finish(struct scene_watch *watch, struct history *history);

#endif
