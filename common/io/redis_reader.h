/*
 * redis_reader: makes hiredis' parser build its replies in memory that is used again for every reply, instead of
 * two allocations per value, and bounds what a reply may ask for.
 *
 * It also counts: a reply that nobody asked for, which hiredis before 1.0 answers with an assertion, is made a parse
 * error, so that the connection ends and not the process.
 *
 * Owned by the link; must outlive the hiredis context it is attached to.
 */
#ifndef IO_REDIS_READER_H
#define IO_REDIS_READER_H

#include "io/redis.h"

struct redisAsyncContext;
struct redis_reader;

struct redis_reader *redis_reader_create(void);
void redis_reader_destroy(struct redis_reader *reader);
void redis_reader_attach(struct redis_reader *reader, struct redisAsyncContext *context);

/* One more command was sent. */
void redis_reader_expect(struct redis_reader *reader);

/* The reply as a plain value; `raw` is what hiredis hands to a reply callback. True when it is an error text. Borrowed
 * until the next reply is parsed. */
bool redis_reader_convert(struct redis_reader *reader, const void *raw, struct redis_reply *reply);

#endif
