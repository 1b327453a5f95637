/*
 * kafka_retention: how long topics keep their records, asked without stopping the loop.
 *
 * A helper thread asks with a client of its own that lives for this question only; the answer comes from the loop. It gives
 * up by itself after a few seconds.
 */
#ifndef IO_KAFKA_RETENTION_H
#define IO_KAFKA_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "io/kafka_admin.h"
#include "io/loop.h"

struct kafka_retention;

struct kafka_retention_item {
    char *topic;
    enum kafka_admin_status status; /* OK: ms is known */
    int64_t ms;                     /* -1: for ever */
};

/* Borrowed until it returns; count 0 with `problem`: no broker answers. */
typedef void (*kafka_retention_fn)(void *arg, const struct kafka_retention_item items[], size_t count,
                                   const char *problem);

/* `topics`: names or ^regex, NULL-terminated; they and the settings' texts must live until it is closed. Answered once,
 * from the loop. NULL + err: the settings are wrong. */
struct kafka_retention *kafka_retention_ask(struct loop *loop, const struct kafka_settings *settings,
                                            const char *const topics[], kafka_retention_fn fn, void *arg,
                                            struct err *err);
/* Also from within its answer. */
void kafka_retention_close(struct kafka_retention *retention);

#endif
