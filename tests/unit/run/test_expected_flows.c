/* What operators hear of flows that are expected. The flow "mail" of the fake catalog is, when a test says so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "run/expected_flows.h"
#include "tests/support/fakes.h"

struct fixture {
    struct metrics *metrics;
    struct catalog *catalog;
    struct buf text;
};

static int set_up(void **state)
{
    static struct fixture f;

    fakes_begin();
    f.metrics = metrics_create();
    f.catalog = catalog_build(NULL, NULL, NULL);
    buf_init(&f.text, 0);
    fake_catalog_expect_every(3600000);
    expected_flows_declare(f.metrics);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fake_catalog_expect_every(0);
    buf_finish(&f->text);
    catalog_unref(f->catalog);
    metrics_destroy(f->metrics);
    fakes_end();
    return 0;
}

static const char *metrics_text(struct fixture *f)
{
    buf_clear(&f->text);
    metrics_format(f->metrics, &f->text);
    return buf_text(&f->text);
}

/* The time stamp of "mail" in ms; 0 when there is none. */
static int64_t last_event_at(struct fixture *f)
{
    static const char series[] = "perkline_flow_last_event_timestamp_seconds{flow=\"mail\"} ";
    const char *found = strstr(metrics_text(f), series);
    double seconds = 0;

    if (found) {
        assert_int_equal(sscanf(found + sizeof(series) - 1, "%lf", &seconds), 1);
    }
    return (int64_t)(seconds * 1000 + 0.5);
}

static void a_flow_counts_from_when_it_came_into_use_and_then_from_its_last_event(void **state)
{
    struct fixture *f = *state;
    const struct flow *mail = catalog_find_flow(f->catalog, "mail");
    int64_t first = clock_wall_ms();

    expected_flows_show(f->metrics, f->catalog);
    assert_non_null(strstr(metrics_text(f), "perkline_flow_expected_every_seconds{flow=\"mail\"} 3600\n"));
    assert_int_equal(last_event_at(f), first);
    fakes_advance_to_ms(clock_mono_ms() + 5000);
    expected_flows_show(f->metrics, f->catalog); /* another version of the same flow */
    assert_int_equal(last_event_at(f), first);
    expected_flows_note(f->metrics, mail);
    assert_int_equal(last_event_at(f), first + 5000);
}

static void what_nobody_waits_for_is_not_shown(void **state)
{
    struct fixture *f = *state;

    expected_flows_note(f->metrics, catalog_find_flow(f->catalog, "order"));
    expected_flows_show(f->metrics, f->catalog);
    assert_null(strstr(metrics_text(f), "\"order\""));
}

static void a_flow_that_is_not_expected_any_more_raises_no_alarm(void **state)
{
    struct fixture *f = *state;

    expected_flows_show(f->metrics, f->catalog);
    fake_catalog_expect_every(0);
    expected_flows_show(f->metrics, f->catalog);
    assert_null(strstr(metrics_text(f), "perkline_flow_expected_every_seconds{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flow_counts_from_when_it_came_into_use_and_then_from_its_last_event, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_waits_for_is_not_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flow_that_is_not_expected_any_more_raises_no_alarm, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
