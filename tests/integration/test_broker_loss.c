/* One of three real Kafka brokers is killed, again and again, while events flow. Needs KAFKA_CLUSTER: the folder of a
 * cluster of tests/support/kafka/kafka_cluster.sh with KAFKA_BOOTSTRAP and KAFKA_REPLICAS to match. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/kafka_cluster.h"

enum { MEMBERS = 40, ROUNDS_EACH = 10, BROKERS = 3 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=4", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "60", NULL};

static int set_up(void **state)
{
    const struct system_options options = {
        .is_group = true, .worker_env = worker_env, .sandbox_args = sandbox_args};

    *state = kafka_cluster_is_there() ? system_create(&options) : NULL;
    return 0;
}

static void brokers_that_are_killed_in_mid_run_lose_nothing_and_double_nothing(void **state)
{
    struct system *system = *state;

    if (!system) {
        skip();
    }
    system_start_worker(system, 0, NULL);
    system_start_worker(system, 1, NULL);
    assert_true(system_wait_ready(system, 0));
    assert_true(system_wait_ready(system, 1));
    for (int broker = 1; broker <= BROKERS; broker++) {
        events_publish_notes(system, MEMBERS, (broker - 1) * ROUNDS_EACH + 1, broker * ROUNDS_EACH);
        assert_false(system_is_idle(system));
        assert_true(kafka_cluster_kill(system, broker));
        assert_true(system_wait_idle(system)); /* two of three are enough */
        assert_true(kafka_cluster_restart(system, broker));
    }
    judge_all_sent(system, (size_t)BROKERS * MEMBERS * ROUNDS_EACH, (size_t)BROKERS * MEMBERS * ROUNDS_EACH, 0);
    for (int worker = 0; worker < 2; worker++) {
        assert_int_equal(system_stop_worker(system, worker), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(brokers_that_are_killed_in_mid_run_lose_nothing_and_double_nothing, set_up,
                                        system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
