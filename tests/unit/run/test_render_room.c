#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/render_room.h"
#include "tests/support/fakes.h"

enum { MOST = 2 };

struct world {
    struct loop *loop;
    struct render_room *room;
    int calls;
};

static void on_room(void *arg)
{
    struct world *world = arg;

    world->calls++;
}

static int set_up(void **state)
{
    static struct world world;

    fakes_begin();
    world = (struct world){.loop = loop_create()};
    world.room = render_room_create(world.loop, MOST, on_room, &world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    render_room_destroy(world->room);
    loop_destroy(world->loop);
    fakes_end();
    return 0;
}

static void a_full_room_takes_no_more(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < MOST; i++) {
        assert_true(render_room_take(world->room));
    }
    assert_false(render_room_take(world->room));
    render_room_give(world->room);
    assert_true(render_room_take(world->room));
    assert_false(render_room_take(world->room));
}

static void who_was_refused_is_woken_once_at_the_end_of_the_turn(void **state)
{
    struct world *world = *state;

    for (int i = 0; i <= MOST; i++) {
        render_room_take(world->room);
    }
    for (int i = 0; i < MOST; i++) {
        render_room_give(world->room);
    }
    assert_int_equal(world->calls, 0);
    loop_turn(world->loop, false);
    loop_turn(world->loop, false);
    assert_int_equal(world->calls, 1);
}

static void nobody_is_woken_when_nobody_waits(void **state)
{
    struct world *world = *state;

    render_room_take(world->room);
    render_room_give(world->room);
    loop_turn(world->loop, false);
    assert_int_equal(world->calls, 0);
}

#define room_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        room_test(a_full_room_takes_no_more),
        room_test(who_was_refused_is_woken_once_at_the_end_of_the_turn),
        room_test(nobody_is_woken_when_nobody_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
