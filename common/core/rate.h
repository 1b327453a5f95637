/*
 * rate: how fast a count grows, over the last RATE_SPAN_MS or as long as it is known. Pure: time is an argument.
 */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include <stddef.h>
#include <stdint.h>

enum { RATE_SPAN_MS = 10000, RATE_SAMPLES = 24 };

/* Zeroed before its first use. */
struct rate {
    struct {
        int64_t at_ms;
        double count;
    } samples[RATE_SAMPLES]; /* a ring */
    size_t first, used;
};

/* The count as it stands now. When it is told more often than RATE_SAMPLES times a span, the span is shorter. */
void rate_note(struct rate *rate, int64_t now_ms, double count);
/* Between the oldest and the newest sample; 0 while there is one only. */
double rate_per_s(const struct rate *rate);

#endif
