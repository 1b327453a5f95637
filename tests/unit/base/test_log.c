#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"

static int fds[2];

static int open_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    log_set_fd(fds[1]);
    log_set_level(LOG_INFO);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_set_fd(2);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

/* Everything that was written, NUL-terminated. */
static void read_pipe(char *text, size_t size)
{
    ssize_t n = read(fds[0], text, size - 1);

    text[n > 0 ? n : 0] = '\0';
}

static void an_event_is_one_json_object_on_one_line(void **state)
{
    char line[4096];
    json_t *value;

    (void)state;
    log_event(LOG_WARN, "assigned", "topic", "a\"b\nc", "partition", log_int(-3), "none", NULL, NULL);
    read_pipe(line, sizeof(line));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(json_object_get(value, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(value, "event")), "assigned");
    assert_string_equal(json_string_value(json_object_get(value, "topic")), "a\"b\nc");
    assert_string_equal(json_string_value(json_object_get(value, "partition")), "-3");
    assert_string_equal(json_string_value(json_object_get(value, "none")), "");
    assert_int_equal(strlen(json_string_value(json_object_get(value, "time"))), 24);
    assert_int_equal(json_object_size(value), 6);
    json_decref(value);
}

static void lines_below_the_level_are_not_written(void **state)
{
    char line[4096];

    (void)state;
    log_event(LOG_DEBUG, "quiet", NULL);
    log_json(LOG_DEBUG, SLICE("{}"));
    assert_false(log_is_on(LOG_DEBUG));
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "quiet", NULL);
    read_pipe(line, sizeof(line));
    assert_string_equal(line, "");
    log_set_level(LOG_DEBUG);
    log_json(LOG_DEBUG, SLICE("{\"a\":1}"));
    read_pipe(line, sizeof(line));
    assert_string_equal(line, "{\"a\":1}\n");
}

static void level_names_read_back(void **state)
{
    enum log_level level;

    (void)state;
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
}

static void sixteen_numbers_can_be_used_at_once(void **state)
{
    const char *texts[16];
    char expected[24];

    (void)state;
    for (int i = 0; i < 16; i++) {
        texts[i] = log_int(INT64_MIN + i);
    }
    for (int i = 0; i < 16; i++) {
        snprintf(expected, sizeof(expected), "%lld", (long long)INT64_MIN + i);
        assert_string_equal(texts[i], expected);
    }
}

static void a_line_that_is_too_long_is_dropped_and_counted(void **state)
{
    uint64_t before = log_dropped_count();
    char *big = xmalloc(1 << 17);
    char line[64];

    (void)state;
    memset(big, 'x', (1 << 17) - 1);
    big[(1 << 17) - 1] = '\0';
    log_event(LOG_INFO, "big", "text", big, NULL);
    log_json(LOG_INFO, slice_of(big));
    log_json(LOG_INFO, slice_make(big, 1 << 16)); /* fits, but for its line end */
    read_pipe(line, sizeof(line));
    assert_string_equal(line, "");
    assert_int_equal(log_dropped_count() - before, 3);
    free(big);
}

static void a_full_pipe_drops_lines_and_later_ones_come_whole(void **state)
{
    uint64_t before = log_dropped_count();
    size_t whole = 0;
    char *text = xmalloc(1 << 20);
    char object[600];
    ssize_t n;

    (void)state;
    memset(object, 'x', sizeof(object));
    object[0] = '{';
    object[sizeof(object) - 1] = '}';
    /* Blocking, as stderr is: a write that had to wait would hang this test. */
    fcntl(fds[1], F_SETFL, 0);
    for (int i = 0; i < 1000; i++) {
        log_json(LOG_INFO, slice_make(object, sizeof(object)));
    }
    assert_true(log_dropped_count() > before);
    while ((n = read(fds[0], text, 1 << 20)) > 0) {
        assert_int_equal(n % 601, 0);
        whole += (size_t)n / 601;
    }
    assert_int_equal(whole + (log_dropped_count() - before), 1000);
    log_json(LOG_INFO, SLICE("{}"));
    read_pipe(text, 16);
    assert_string_equal(text, "{}\n");
    free(text);
}

static void a_line_longer_than_the_room_in_a_pipe_does_not_wait_for_its_reader(void **state)
{
    enum { LONG = 40000 };
    uint64_t before = log_dropped_count();
    char *text = xmalloc(1 << 20);

    (void)state;
    fcntl(fds[1], F_SETFL, 0);
    assert_true(fcntl(fds[1], F_SETPIPE_SZ, 16384) >= 0);
    memset(text, 'x', LONG);
    alarm(20); /* ends a test that waits for ever */
    log_json(LOG_INFO, slice_make(text, LONG));
    alarm(0);
    assert_int_equal(log_dropped_count() - before, 1);
    read_pipe(text, 1 << 20);
    assert_true(strlen(text) > 0 && strspn(text, "x") == strlen(text));
    log_json(LOG_INFO, SLICE("{}"));
    read_pipe(text, 16);
    assert_string_equal(text, "\n{}\n"); /* the torn line is ended first */
    free(text);
}

static void a_closed_sink_drops_lines(void **state)
{
    uint64_t before = log_dropped_count();

    (void)state;
    log_set_fd(-1);
    log_event(LOG_ERROR, "lost", NULL);
    assert_int_equal(log_dropped_count() - before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_one_json_object_on_one_line, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, open_pipe, close_pipe),
        cmocka_unit_test(level_names_read_back),
        cmocka_unit_test(sixteen_numbers_can_be_used_at_once),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_dropped_and_counted, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_full_pipe_drops_lines_and_later_ones_come_whole, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_line_longer_than_the_room_in_a_pipe_does_not_wait_for_its_reader, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_closed_sink_drops_lines, open_pipe, close_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
