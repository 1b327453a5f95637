/*
 * render_room: room for messages that are rendered and have not left yet.
 *
 * A message is thirty times as large as its event, and one that waits for its turn is only memory: it can be rendered
 * again from the event at any time. So few lie ready at once, however many events are in flight and however long an
 * outage lasts, and what lies ready is still in the processor's cache when its request is built.
 */
#ifndef RUN_RENDER_ROOM_H
#define RUN_RENDER_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"

struct render_room;

/* `fn`: there is room again; told at the end of the turn. */
struct render_room *render_room_create(struct loop *loop, int64_t most, loop_fn fn, void *arg);
void render_room_destroy(struct render_room *room);
/* False: it is full. */
bool render_room_take(struct render_room *room);
void render_room_give(struct render_room *room);

#endif
