#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/pauses.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct pauses *pauses;
    int changes;
};

static void on_change(void *arg)
{
    ((struct world *)arg)->changes++;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fakes_begin();
    world->loop = loop_create();
    world->metrics = metrics_create();
    world->pauses = pauses_create(world->loop, world->metrics);
    pauses_add_listener(world->pauses, on_change, world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    pauses_destroy(world->pauses);
    metrics_destroy(world->metrics);
    loop_destroy(world->loop);
    free(world);
    fakes_end();
    return 0;
}

static void take(struct world *world, const char *text)
{
    struct err err = {0};

    assert_true(pauses_take(world->pauses, slice_of(text), &err));
}

static bool has_metric(const struct world *world, const char *line)
{
    struct buf text;
    bool has;

    buf_init(&text, 0);
    metrics_format(world->metrics, &text);
    has = strstr(buf_text(&text), line) != NULL;
    buf_finish(&text);
    return has;
}

static void everything_is_stopped_until_redis_has_spoken(void **state)
{
    struct world *world = *state;

    assert_false(pauses_is_known(world->pauses));
    assert_true(pauses_stop(world->pauses, CHANNEL_EMAIL, "brevo"));
    take(world, "");
    assert_true(pauses_is_known(world->pauses));
    assert_int_equal(world->changes, 1);
    assert_false(pauses_stop(world->pauses, CHANNEL_EMAIL, "brevo"));
    take(world, "");
    assert_int_equal(world->changes, 1);
}

static void an_older_list_changes_nothing(void **state)
{
    struct world *world = *state;

    take(world, "5 [{\"scope\":\"all\",\"since\":1}]");
    take(world, "4 []");
    take(world, "");
    assert_true(pauses_stop(world->pauses, CHANNEL_SMS, "brevo"));
    assert_int_equal(pauses_list(world->pauses)->serial, 5);
    take(world, "6 []");
    assert_false(pauses_stop(world->pauses, CHANNEL_SMS, "brevo"));
}

static void what_cannot_be_understood_changes_nothing(void **state)
{
    struct world *world = *state;
    struct err err = {0};

    assert_false(pauses_take(world->pauses, SLICE("9 nonsense"), &err));
    assert_false(pauses_is_known(world->pauses));
    take(world, "5 [{\"scope\":\"all\",\"since\":1}]");
    assert_false(pauses_take(world->pauses, SLICE("9 nonsense"), &err));
    assert_true(pauses_stop(world->pauses, CHANNEL_EMAIL, "brevo"));
}

static void a_flow_is_as_old_as_the_older_clock_says(void **state)
{
    struct world *world = *state;
    char text[128];

    snprintf(text, sizeof(text), "1 [{\"scope\":\"flow\",\"name\":\"a\",\"since\":%lld}]",
             (long long)fakes_wall_ms() + 3600000);
    take(world, text);
    assert_int_equal(pauses_flow_age_ms(world->pauses, "a"), 0);
    assert_int_equal(pauses_flow_age_ms(world->pauses, "b"), -1);
    fakes_run_ms(world->loop, 700);
    assert_int_equal(pauses_flow_age_ms(world->pauses, "a"), 700);
    snprintf(text, sizeof(text),
             "2 [{\"scope\":\"flow\",\"name\":\"b\",\"since\":%lld},{\"scope\":\"flow\",\"name\":\"a\",\"since\":0}]",
             (long long)fakes_wall_ms() - 90000);
    take(world, text);
    assert_int_equal(pauses_flow_age_ms(world->pauses, "b"), 90000);
    assert_int_equal(pauses_flow_age_ms(world->pauses, "a"), fakes_wall_ms());
}

static void metrics_show_what_is_paused_now(void **state)
{
    struct world *world = *state;

    assert_true(has_metric(world, "perkline_paused{scope=\"all\",name=\"\"} 0"));
    take(world, "1 [{\"scope\":\"flow\",\"name\":\"a\",\"since\":1},{\"scope\":\"all\",\"since\":1}]");
    assert_true(has_metric(world, "perkline_paused{scope=\"flow\",name=\"a\"} 1"));
    assert_true(has_metric(world, "perkline_paused{scope=\"all\",name=\"\"} 1"));
    take(world, "2 [{\"scope\":\"flow\",\"name\":\"a\",\"since\":1}]");
    assert_true(has_metric(world, "perkline_paused{scope=\"flow\",name=\"a\"} 1"));
    assert_true(has_metric(world, "perkline_paused{scope=\"all\",name=\"\"} 0"));
}

#define pauses_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pauses_test(everything_is_stopped_until_redis_has_spoken),
        pauses_test(an_older_list_changes_nothing),
        pauses_test(what_cannot_be_understood_changes_nothing),
        pauses_test(a_flow_is_as_old_as_the_older_clock_says),
        pauses_test(metrics_show_what_is_paused_now),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
