/*
 * The scripts of what all workers share (the beat, choices of people, who holds what, the note of the server) against their
 * model: random operations, the same answers and the same keys.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripts_fixture.h"

enum { BEATS = 2000 };

static void add_list(struct world *world, struct operation *operation, const char *what)
{
    uint64_t serial = below(world, 4);

    if (serial == 0) {
        add(operation, "%s", "");
    } else {
        add(operation, "%d %s%d", (int)serial, what, (int)below(world, 3));
    }
}

static void make_beat(struct world *world, struct operation *operation)
{
    int worker = (int)below(world, 5), folder = (int)below(world, 6), in_use = (int)below(world, 6);

    operation->script = BEAT;
    add(operation, "workers");
    add(operation, "worker%d", worker);
    add(operation, "pauses");
    add(operation, "pin");
    add(operation, "history");
    add(operation, "files:a%d", folder);
    add(operation, "files:a%d", in_use);
    add(operation, "%d", worker);
    add(operation, "{\"n\":%d}", (int)below(world, 1000));
    add_list(world, operation, "[]");
    add_list(world, operation, "a");
    add(operation, "a%d", folder);
    add(operation, "a%d", in_use);
    add(operation, "%s", below(world, 3) ? "" : "live");
    add(operation, "files:");
    add(operation, "4");
}

static void make_choice(struct world *world, struct operation *operation)
{
    operation->script = CHOOSE;
    add(operation, "%s", below(world, 2) ? "pin" : "pauses");
    add_list(world, operation, "a");
    add_list(world, operation, "a");
}

static void make_hold(struct world *world, struct operation *operation)
{
    operation->script = HOLD;
    add(operation, "holders%d", (int)below(world, 2));
    add(operation, "boot.%d", (int)below(world, 8));
    add(operation, "86400000");
}

static void make_note(struct world *world, struct operation *operation)
{
    operation->script = NOTE_SERVER;
    add(operation, "server");
    add(operation, "run%d", (int)below(world, 3));
    add(operation, "%d", (int)below(world, 2) * 2000000000);
}

/* A worker sends files when the beat says that they are not there. */
static void keep_files(struct world *world, int version)
{
    char key[16];
    const char *words[] = {"SET", key, "x"};
    struct buf ignored;

    snprintf(key, sizeof(key), "files:a%d", version);
    fake_redis_set(slice_of(key), SLICE("x"));
    buf_init(&ignored, 0);
    ask_real(world, words, 3, &ignored);
    buf_finish(&ignored);
}

static void compare_members(struct world *world, const char *key)
{
    const char *words[] = {"ZRANGE", key, "0", "-1"};
    const struct slice args[] = {SLICE("ZRANGE"), slice_of(key), SLICE("0"), SLICE("-1")};
    struct buf real, fake;

    buf_init(&real, 0);
    buf_init(&fake, 0);
    ask_real(world, words, 4, &real);
    print_fake(fake_redis_call(args, 4), &fake);
    compare(world, &real, &fake);
}

static void the_beat_and_its_model_give_the_same_answers(void **state)
{
    struct world *world = *state;

    fakes_begin();
    world->now_us = START_US;
    for (int i = 0; i < BEATS; i++) {
        struct operation operation = {0};

        world->now_us += 1000 * (int64_t)below(world, below(world, 10) == 0 ? 30000 : 1000);
        if (below(world, 4) == 0) {
            make_choice(world, &operation);
        } else if (below(world, 4) == 0) {
            make_hold(world, &operation);
        } else if (below(world, 4) == 0) {
            make_note(world, &operation);
        } else {
            make_beat(world, &operation);
        }
        log_operation(world, &operation, i);
        set_time(world);
        compare_answers(world, &operation);
        if (operation.script == BEAT) {
            compare_value(world, "GET", operation.args[1], NULL);
            compare_members(world, "workers");
        }
        compare_value(world, "GET", "pauses", NULL);
        compare_value(world, "GET", "pin", NULL);
        compare_value(world, "GET", "server", NULL);
        if (below(world, 3) == 0) {
            keep_files(world, (int)below(world, 6));
        }
    }
    fakes_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_beat_and_its_model_give_the_same_answers, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
