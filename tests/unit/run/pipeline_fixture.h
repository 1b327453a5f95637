/*
 * pipeline_fixture: a worker that is ready, and what came of the deliveries it was given. Included by the tests of the
 * pipeline.
 */
#ifndef TEST_RUN_PIPELINE_FIXTURE_H
#define TEST_RUN_PIPELINE_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "process.h"

static inline int set_up(void **state)
{
    static struct process process;

    fakes_begin();
    fake_catalog_set_version("v1");
    process_add_topics();
    process_start(&process);
    fakes_run_ms(process.loop, 200);
    *state = &process;
    return 0;
}

static inline int tear_down(void **state)
{
    process_stop(*state);
    fakes_end();
    return 0;
}

static inline bool is_idle(void *arg)
{
    (void)arg;
    return fake_kafka_is_idle();
}

static inline void run_until_idle(struct process *process)
{
    assert_true(fakes_run(process->loop, 24 * 3600000, is_idle, NULL));
}

static inline int64_t count_in(const char *topic)
{
    return fake_kafka_end(topic, 0) + fake_kafka_end(topic, 1);
}

static inline const struct kafka_record *first_in(const char *topic)
{
    const struct kafka_record *record = fake_kafka_record(topic, 0, 0);

    return record ? record : fake_kafka_record(topic, 1, 0);
}

/* The outcome of the only delivery. */
static inline void assert_outcome(const char *state, const char *reason)
{
    const struct kafka_record *record = first_in("loyalty.outcomes");
    char want[128];

    assert_non_null(record);
    assert_int_equal(count_in("loyalty.outcomes"), 1);
    snprintf(want, sizeof(want), "\"state\":\"%s\",\"reason\":\"%s\"", state, reason);
    if (!memmem(record->value.data, record->value.len, want, strlen(want))) {
        fail_msg("%.*s", (int)record->value.len, record->value.data);
    }
}

#endif
