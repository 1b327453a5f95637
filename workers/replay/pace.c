#include "workers/replay/pace.h"

#include <stdlib.h>
#include <string.h>

/* A positive number with `unit` behind it, or nothing. */
static bool parse(const char *text, const char *unit, double *number)
{
    size_t len = strspn(text, "0123456789.");
    char *end = NULL;

    if (len == 0 || (text[len] && strcmp(text + len, unit) != 0)) {
        return false;
    }
    *number = strtod(text, &end);
    return end == text + len && *number > 0 && *number <= 1e9;
}

bool pace_init(struct pace *pace, const char *rate, const char *speed, struct err *err)
{
    *pace = (struct pace){.rate = 0};
    if (rate && speed) {
        return err_set(err, "--rate and --speed: choose one");
    }
    if (rate && !parse(rate, "/s", &pace->rate)) {
        return err_set(err, "--rate takes records a second (500/s), not \"%.40s\"", rate);
    }
    if (speed && !parse(speed, "x", &pace->speed)) {
        return err_set(err, "--speed takes a multiple of the original timing (10x), not \"%.40s\"", speed);
    }
    return true;
}

/* By the rate. What was missed is not made up for: the line begins anew. */
static int64_t next_by_rate(struct pace *pace, int64_t now_us)
{
    int64_t due_us = pace->begun_at_us + (int64_t)((double)pace->count * 1e6 / pace->rate);
    int64_t slack_us = (int64_t)(1e6 / pace->rate) + 100000; /* a turn of the loop may come late */

    if (now_us - due_us > slack_us) {
        pace->begun_at_us = now_us;
        pace->count = 0;
        due_us = now_us;
    }
    pace->count++;
    return due_us;
}

int64_t pace_next_us(struct pace *pace, int64_t timestamp_ms, int64_t now_us)
{
    double after_ms;

    if (!pace->has_begun) {
        pace->has_begun = true;
        pace->begun_at_us = now_us;
    }
    if (pace->rate > 0) {
        return next_by_rate(pace, now_us);
    }
    if (pace->speed <= 0 || timestamp_ms < 0) {
        return now_us;
    }
    if (!pace->has_timestamp) {
        pace->has_timestamp = true;
        pace->first_timestamp_ms = timestamp_ms;
    }
    after_ms = (double)(timestamp_ms - pace->first_timestamp_ms) / pace->speed;
    return after_ms > 0 ? pace->begun_at_us + (int64_t)(after_ms * 1000) : now_us;
}
