/*
 * fake_world: what the fakes share among themselves. Tests use fakes.h.
 */
#ifndef SUPPORT_FAKE_WORLD_H
#define SUPPORT_FAKE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

/* Each fake's part of a fresh world, and its end. */
void fake_redis_begin_world(void);
void fake_redis_end_world(void);
void fake_kafka_begin_world(void);
void fake_kafka_end_world(void);
void fake_consumers_begin_world(void);
void fake_http_begin_world(void);
void fake_http_end_world(void);

/* Redis' own clock, us since 1970. */
int64_t fakes_redis_us(void);
/* Redis loses everything now and its connection breaks: a fault at a point. */
void fake_redis_crash(void);

#endif
