/*
 * recovery: puts back what Redis has forgotten, before anything is sent again: how deliveries ended, from the outcomes topic;
 * and what those had come to that are parked, from the notes on the retry topics. All of it, or what was published since the
 * moment up to which a server that took another's place surely knows.
 */
#ifndef RUN_RECOVERY_H
#define RUN_RECOVERY_H

#include "base/metrics.h"
#include "io/kafka_settings.h"
#include "io/loop.h"
#include "run/claims.h"
#include "run/topics.h"

struct recovery;

/* Registers itself with the claims. All borrowed. */
struct recovery *recovery_create(struct loop *loop, struct claims *claims, const struct kafka_settings *kafka,
                                 const struct topics *topics, struct metrics *metrics);
void recovery_destroy(struct recovery *recovery);

#endif
