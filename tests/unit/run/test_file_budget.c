/* How many connections fit into the limit of open files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "base/log.h"
#include "run/file_budget.h"

static void connections_give_way_to_a_low_limit_in_equal_shares(void **state)
{
    static const struct {
        int64_t limit, channels, connections, fit;
    } rows[] = {
        {1024, 2, 256, 256}, {768, 2, 256, 256},   {767, 2, 256, 255},        {512, 2, 256, 128}, {400, 2, 256, 100},
        {256, 2, 256, 64},   {256, 1, 256, 128},   {256, 1, 100, 100},        {256, 2, 1, 1},     {255, 2, 1, 0},
        {1024, 2, 4096, 384}, {0, 1, 1, 0},        {INT64_MAX, 2, 4096, 4096},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct file_budget budget = file_budget_make(rows[i].limit, rows[i].channels, rows[i].connections);

        assert_int_equal(budget.connections, rows[i].fit);
        assert_int_equal(budget.limit, rows[i].limit);
    }
}

static void set_limit(rlim_t files)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = files;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void a_worker_fits_its_settings_to_the_limit_of_its_process(void **state)
{
    struct worker_settings settings = {.has_channel = {true, true}, .connections = 100};
    struct rlimit usual;
    struct err err = {0};

    (void)state;
    log_set_fd(-1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    set_limit(456);
    assert_true(file_budget_fit(&settings, &err));
    assert_int_equal(settings.connections, 100);
    set_limit(300);
    assert_true(file_budget_fit(&settings, &err));
    assert_int_equal(settings.connections, 75);
    set_limit(64);
    assert_false(file_budget_fit(&settings, &err));
    assert_string_equal(err.text, "64 files may be open at once, 256 are needed at least: raise it (ulimit -n, LimitNOFILE=)");
    set_limit(usual.rlim_cur);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_give_way_to_a_low_limit_in_equal_shares),
        cmocka_unit_test(a_worker_fits_its_settings_to_the_limit_of_its_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
