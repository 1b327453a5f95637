/*
 * history_timing: how fast it went, from a history that has been checked: silence, latency, requests a second. Figures
 * for the table, never a verdict: what is slow depends on the machine.
 */
#ifndef CHAOS_HISTORY_TIMING_H
#define CHAOS_HISTORY_TIMING_H

#include <stddef.h>
#include <stdint.h>

#include "tests/chaos/history.h"

/* A time in which no event of some partition was asked for the first time. Meaningful when events came all the time. */
struct history_silence {
    int32_t partition;
    int64_t from_ms, to_ms; /* equal: there was none */
};

/* When an event could be read. */
typedef int64_t (*history_readable_fn)(void *arg, const struct history_event *event);

/* The longest one over all partitions, from the first to the last request of each. With `fn` a silence begins only when there
 * is an event to read. */
struct history_silence history_find_silence(struct history *history, history_readable_fn fn, void *arg);

/* From an event's time in Kafka to its first request, over all channels, of the events produced in from_ms .. to_ms: this
 * `share` (0.99) took so long or less. -1 when there are none. */
int64_t history_latency_ms(struct history *history, int64_t from_ms, int64_t to_ms, double share);

/* Messages of a channel that the provider accepted in from_ms .. to_ms, the end not included. */
size_t history_count_accepted(const struct history *history, enum channel channel, int64_t from_ms, int64_t to_ms);

#endif
