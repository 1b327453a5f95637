#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "run/redis_info.h"

static void a_value_is_found_by_its_whole_name(void **state)
{
    const struct slice info = SLICE("# Persistence\r\nxaof_enabled:9\r\naof_enabled:1\r\nempty:\r\nlast:no line end");

    (void)state;
    assert_true(slice_is(redis_info_find(info, "aof_enabled"), "1"));
    assert_true(slice_is(redis_info_find(info, "last"), "no line end"));
    assert_int_equal(redis_info_find(info, "empty").len, 0);
    assert_non_null(redis_info_find(info, "empty").data);
    assert_null(redis_info_find(info, "aof").data);
    assert_null(redis_info_find(info, "# Persistence").data);
    assert_null(redis_info_find(slice_make(NULL, 0), "aof_enabled").data);
}

static void persistence_is_what_survives_a_restart(void **state)
{
    static const struct {
        const char *info;
        enum redis_persistence persistence;
    } rows[] = {
        {"aof_enabled:1\r\naof_last_write_status:ok\r\n", REDIS_PERSISTENCE_AOF},
        {"aof_enabled:1\r\n", REDIS_PERSISTENCE_AOF},
        {"aof_enabled:1\r\naof_last_write_status:err\r\n", REDIS_PERSISTENCE_FAILING},
        {"aof_enabled:0\r\naof_last_write_status:ok\r\n", REDIS_PERSISTENCE_NONE},
        {"rdb_last_bgsave_status:ok\r\n", REDIS_PERSISTENCE_UNKNOWN},
        {"", REDIS_PERSISTENCE_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(redis_persistence_of(slice_of(rows[i].info)), rows[i].persistence);
        assert_true(strlen(redis_persistence_text(rows[i].persistence)) > 10);
    }
}

static void the_time_is_one_that_a_clock_shows(void **state)
{
    static const struct {
        const char *seconds, *us;
        int64_t wall_ms; /* -1: none */
    } rows[] = {
        {"1795255200", "123999", 1795255200123}, {"0", "0", 0},      {"1795255200", "999999", 1795255200999},
        {"1795255200", "1000000", -1},           {"-1", "0", -1},    {"1", "-1", -1},
        {"9223372036854775807", "0", -1},        {"1.5", "0", -1},   {"", "0", -1},
        {"1795255200", "", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t wall_ms = -1;

        assert_int_equal(redis_time_of(slice_of(rows[i].seconds), slice_of(rows[i].us), &wall_ms), rows[i].wall_ms >= 0);
        assert_int_equal(wall_ms, rows[i].wall_ms);
    }
    assert_false(redis_time_of(slice_make(NULL, 0), SLICE("0"), &(int64_t){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_whole_name),
        cmocka_unit_test(the_time_is_one_that_a_clock_shows),
        cmocka_unit_test(persistence_is_what_survives_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
