/*
 * clock: the two clocks. Deadlines and durations use the monotonic one (CLOCK_BOOTTIME, which goes on counting
 * while the machine is suspended); the wall clock is for display, for data and for nothing else.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);
/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);

/* For tests and simulations: both clocks read from here instead of the kernel. NULL: the kernel's again. Borrowed. */
struct clock_source {
    int64_t mono_us;
    int64_t wall_us;
};
void clock_set_source(const struct clock_source *source);

enum { CLOCK_ISO_SIZE = 72 };

/* "2026-11-21T10:00:00.123Z". Years 0000 to 9999; others are clamped. */
void clock_format_iso(int64_t wall_ms, char text[CLOCK_ISO_SIZE]);

#endif
