/* In place of io/kafka_admin.c and io/kafka_retention.c: what a test says. */
#include "tests/support/fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/kafka_retention.h"

const char *kafka_admin_config_find(const struct kafka_admin_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->items[i].name, name) == 0) {
            return config->items[i].value;
        }
    }
    return NULL;
}

/* --- retention ---------------------------------------------------------------------------------------------------- */

struct kafka_retention {
    kafka_retention_fn fn; /* NULL: closed before it was answered */
    void *arg;
    bool is_answered;
};

static enum kafka_admin_status retention_status = KAFKA_ADMIN_UNSUPPORTED;
static int64_t retention_ms;
static int question_count;

void fake_kafka_set_retention(enum kafka_admin_status status, int64_t ms)
{
    retention_status = status;
    retention_ms = ms;
    question_count = 0;
}

int fake_kafka_retention_questions(void)
{
    return question_count;
}

static void answer(void *arg)
{
    struct kafka_retention *retention = arg;
    struct kafka_retention_item item = {(char *)"events", retention_status, retention_ms};

    retention->is_answered = true;
    if (!retention->fn) {
        free(retention);
    } else if (retention_status == KAFKA_ADMIN_FAILED) {
        retention->fn(retention->arg, NULL, 0, "no broker answers");
    } else {
        retention->fn(retention->arg, &item, 1, "");
    }
}

struct kafka_retention *kafka_retention_ask(struct loop *loop, const struct kafka_settings *settings,
                                            const char *const topics[], kafka_retention_fn fn, void *arg,
                                            struct err *err)
{
    struct kafka_retention *retention = xcalloc(1, sizeof(*retention));

    (void)settings, (void)topics, (void)err;
    question_count++;
    retention->fn = fn;
    retention->arg = arg;
    loop_defer(loop, answer, retention);
    return retention;
}

void kafka_retention_close(struct kafka_retention *retention)
{
    if (retention && retention->is_answered) {
        free(retention);
    } else if (retention) {
        retention->fn = NULL;
    }
}
