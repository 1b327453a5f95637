/*
 * recovery: rebuilds what Redis has forgotten from the outcomes topic, before anything is sent again.
 */
#ifndef RUN_RECOVERY_H
#define RUN_RECOVERY_H

#include "io/kafka_settings.h"
#include "io/loop.h"
#include "run/claims.h"

struct recovery;

/* Registers itself with the claims. All borrowed; `topic` is the outcomes topic. */
struct recovery *recovery_create(struct loop *loop, struct claims *claims, const struct kafka_settings *kafka,
                                 const char *topic);
void recovery_destroy(struct recovery *recovery);

#endif
