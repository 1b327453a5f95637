#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/progress.h"

static void a_line_is_said_seldom_where_there_is_no_terminal(void **state)
{
    struct clock_source clock = {.mono_us = 1000000};
    struct progress progress;
    char *text = NULL;
    size_t len;
    FILE *to = tmpfile();

    (void)state;
    clock_set_source(&clock);
    progress_init(&progress, to);
    for (int i = 0; i < 50; i++) {
        clock.mono_us += 100000;
        if (progress_is_due(&progress, false)) {
            progress_print(&progress, false, "read %d", i);
        }
    }
    assert_true(progress_is_due(&progress, true));
    progress_print(&progress, true, "read all");
    progress_end_line(&progress);
    clock_set_source(NULL);
    rewind(to);
    assert_int_equal(getdelim(&text, &len, '\0', to), sizeof("read 19\nread 39\nread all\n") - 1);
    assert_string_equal(text, "read 19\nread 39\nread all\n");
    free(text);
    fclose(to);
}

static void what_is_left_is_what_the_rest_takes_at_this_rate(void **state)
{
    static const struct {
        int64_t spent_ms;
        double share;
        const char *text;
    } rows[] = {
        {10000, 0.5, "10s"},   {10000, 0.1, "1m30s"}, {60000, 0.01, "1h39m"}, {10000, 1e-9, "100h00m"},
        {10000, 0.999, "0s"},  {10000, 1, ""},        {10000, 0, ""},         {10000, -1, ""},
        {100, 0.5, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[PROGRESS_TIME_SIZE];

        progress_format_left(rows[i].spent_ms, rows[i].share, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_said_seldom_where_there_is_no_terminal),
        cmocka_unit_test(what_is_left_is_what_the_rest_takes_at_this_rate),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
