#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/crashpoint.h"

static const struct clock_source *source; /* NULL: the kernel */

void clock_set_source(const struct clock_source *new_source)
{
    source = new_source;
}

static int64_t read_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return source ? source->mono_us : read_us(CLOCK_BOOTTIME);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    int64_t wall_ms = (source ? source->wall_us : read_us(CLOCK_REALTIME)) / 1000;

#ifdef PERKLINE_CHAOS
    wall_ms += crashpoint_clock_error_ms();
#endif
    return wall_ms;
}

void clock_format_iso(int64_t wall_ms, char text[CLOCK_ISO_SIZE])
{
    const int64_t first = -62167219200000; /* 0000-01-01 */
    const int64_t last = 253402300799999;  /* 9999-12-31T23:59:59.999 */
    struct tm tm;
    time_t seconds;
    int64_t ms;

    wall_ms = wall_ms < first ? first : wall_ms > last ? last : wall_ms;
    ms = ((wall_ms % 1000) + 1000) % 1000;
    seconds = (time_t)((wall_ms - ms) / 1000);
    gmtime_r(&seconds, &tm);
    snprintf(text, CLOCK_ISO_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
}
