/* A flow that forgets its deliveries before Kafka forgets their events: refused at the start, told afterwards. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/retention_check.h"
#include "tests/support/fakes.h"

#define DAY_MS 86400000LL

static const char *const topics[] = {"events", NULL};

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct templates *templates;
    struct retention_check *check;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct diag_list diags;
    struct err err = {0};

    log_set_fd(-1);
    fakes_begin();
    diag_list_init(&diags);
    f->loop = loop_create();
    f->metrics = metrics_create();
    f->templates = templates_open(fake_templates_dir(), "en", f->metrics, &diags, &err);
    *state = f;
    return f->templates ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    retention_check_destroy(f->check);
    fake_catalog_remember_for(0);
    templates_close(f->templates);
    metrics_destroy(f->metrics);
    loop_destroy(f->loop);
    fakes_end();
    free(f);
    return 0;
}

/* False: the start is refused. */
static bool start(struct fixture *f, struct err *err)
{
    const struct retention_check_parts parts = {
        .loop = f->loop, .topics = topics, .templates = f->templates, .metrics = f->metrics};

    f->check = retention_check_create(&parts);
    return retention_check_wait(f->check, 2000, err);
}

static bool has_metric(const struct fixture *f, const char *line)
{
    struct buf text;
    bool has;

    buf_init(&text, 0);
    metrics_format(f->metrics, &text);
    has = strstr(buf_text(&text), line) != NULL;
    buf_finish(&text);
    return has;
}

static void a_flow_that_forgets_too_early_stops_the_start_and_is_named(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    fake_catalog_remember_for(14 * DAY_MS);
    fake_kafka_set_retention(KAFKA_ADMIN_OK, 7 * DAY_MS);
    assert_false(start(f, &err));
    assert_non_null(strstr(err.text, "flow mail"));
    assert_non_null(strstr(err.text, "topic events keeps events for 7d"));
    assert_true(has_metric(f, "perkline_retention_covered 0\n"));
}

static void a_flow_that_remembers_long_enough_starts(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    fake_catalog_remember_for(15 * DAY_MS);
    fake_kafka_set_retention(KAFKA_ADMIN_OK, 7 * DAY_MS);
    assert_true(start(f, &err));
    assert_true(has_metric(f, "perkline_retention_covered 1\n"));
}

static void without_an_answer_it_starts_and_asks_again(void **state)
{
    static const enum kafka_admin_status silent[] = {KAFKA_ADMIN_UNSUPPORTED, KAFKA_ADMIN_REFUSED, KAFKA_ADMIN_FAILED};
    struct fixture *f = *state;

    fake_catalog_remember_for(DAY_MS);
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        struct err err = {0};

        fake_kafka_set_retention(silent[i], 0);
        assert_true(start(f, &err));
        assert_true(has_metric(f, "perkline_retention_covered -1\n"));
        assert_int_equal(fake_kafka_retention_questions(), 1);
        fakes_run_ms(f->loop, 301000);
        assert_int_equal(fake_kafka_retention_questions(), 2);
        retention_check_destroy(f->check);
        f->check = NULL;
    }
}

static void what_changes_while_it_runs_is_told_within_a_minute(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    fake_catalog_remember_for(400 * DAY_MS);
    fake_kafka_set_retention(KAFKA_ADMIN_OK, 7 * DAY_MS);
    assert_true(start(f, &err));
    fake_catalog_remember_for(DAY_MS); /* as if a changed flow had been taken */
    fakes_run_ms(f->loop, 61000);
    assert_true(has_metric(f, "perkline_retention_covered 0\n"));
    fake_catalog_remember_for(0);
    fakes_run_ms(f->loop, 61000);
    assert_true(has_metric(f, "perkline_retention_covered 1\n"));
    fake_catalog_remember_for(400 * DAY_MS);
    fake_kafka_set_retention(KAFKA_ADMIN_OK, -1); /* somebody lets the topic keep for ever */
    fakes_run_ms(f->loop, 3601000);
    assert_true(has_metric(f, "perkline_retention_covered 0\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_flow_that_forgets_too_early_stops_the_start_and_is_named),
        TEST(a_flow_that_remembers_long_enough_starts),
        TEST(without_an_answer_it_starts_and_asks_again),
        TEST(what_changes_while_it_runs_is_told_within_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
