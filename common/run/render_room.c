#include "run/render_room.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct render_room {
    struct loop_hook *hook;
    int64_t most, taken;
    bool was_refused; /* someone waits */
    bool must_wake;
    loop_fn fn;
    void *arg;
};

static void on_turn_end(void *arg)
{
    struct render_room *room = arg;

    if (room->must_wake) {
        room->must_wake = room->was_refused = false;
        room->fn(room->arg);
    }
}

struct render_room *render_room_create(struct loop *loop, int64_t most, loop_fn fn, void *arg)
{
    struct render_room *room = xcalloc(1, sizeof(*room));

    room->hook = loop_hook_create(loop, on_turn_end, room);
    room->most = most;
    room->fn = fn;
    room->arg = arg;
    return room;
}

void render_room_destroy(struct render_room *room)
{
    if (room) {
        loop_hook_destroy(room->hook);
        free(room);
    }
}

bool render_room_take(struct render_room *room)
{
    if (room->taken == room->most) {
        room->was_refused = true;
        return false;
    }
    room->taken++;
    return true;
}

void render_room_give(struct render_room *room)
{
    assert(room->taken > 0);
    room->taken--;
    room->must_wake = room->was_refused;
}
