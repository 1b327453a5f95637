/*
 * kafka_relay: passes TCP connections on to another port of loopback, byte by byte, so that the embedded broker can be
 * found at an address that was chosen beforehand. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_RELAY_H
#define IO_KAFKA_RELAY_H

#include "base/err.h"
#include "io/loop.h"

struct kafka_relay;

/* Both "host:port" with a numeric host; port 0 in `listen` takes a free one. NULL + err. */
struct kafka_relay *kafka_relay_open(struct loop *loop, const char *listen, const char *target, struct err *err);
/* Cuts all connections. */
void kafka_relay_close(struct kafka_relay *relay);
/* Where it listens, "127.0.0.1:9092". */
const char *kafka_relay_address(const struct kafka_relay *relay);

#endif
