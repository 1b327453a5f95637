#include "tests/chaos/history_timing.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_size(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

static int64_t first_asked_ms(struct history *history, const char *name)
{
    int64_t first_ms = -1;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        int64_t at_ms = history_first_asked_ms(history, (enum channel)channel, name);

        if (at_ms >= 0 && (first_ms < 0 || at_ms < first_ms)) {
            first_ms = at_ms;
        }
    }
    return first_ms;
}

int64_t history_longest_silence_ms(struct history *history)
{
    size_t events = history_count_events(history);
    int64_t *times = xcalloc(events + 1, sizeof(*times));
    int64_t longest_ms = 0;

    for (size_t at = 0; at < events;) { /* by place, since the check */
        int32_t partition = history_get_event(history, at)->partition;
        size_t count = 0;

        for (; at < events && history_get_event(history, at)->partition == partition; at++) {
            int64_t first_ms = first_asked_ms(history, history_get_event(history, at)->name);

            times[count] = first_ms;
            count += first_ms >= 0;
        }
        qsort(times, count, sizeof(*times), by_size);
        for (size_t i = 1; i < count; i++) {
            longest_ms = times[i] - times[i - 1] > longest_ms ? times[i] - times[i - 1] : longest_ms;
        }
    }
    free(times);
    return longest_ms;
}

int64_t history_latency_ms(struct history *history, int64_t from_ms, int64_t to_ms, double share)
{
    size_t events = history_count_events(history);
    int64_t *times = xcalloc(events * CHANNEL_COUNT + 1, sizeof(*times));
    int64_t latency_ms;
    size_t count = 0;

    for (size_t i = 0; i < events; i++) {
        const struct history_event *event = history_get_event(history, i);

        for (int channel = 0; channel < CHANNEL_COUNT && event->at_ms >= from_ms && event->at_ms <= to_ms; channel++) {
            int64_t asked_ms = history_first_asked_ms(history, (enum channel)channel, event->name);

            if (asked_ms >= 0) {
                times[count++] = asked_ms - event->at_ms;
            }
        }
    }
    qsort(times, count, sizeof(*times), by_size);
    latency_ms = count ? times[(size_t)((double)(count - 1) * share)] : -1;
    free(times);
    return latency_ms;
}

size_t history_count_accepted(const struct history *history, enum channel channel, int64_t from_ms, int64_t to_ms)
{
    size_t requests = history_count_requests(history);
    size_t count = 0;

    for (size_t i = 0; i < requests; i++) {
        const struct history_request *request = history_get_request(history, i);

        count += request->channel == channel && request->is_accepted && request->at_ms >= from_ms && request->at_ms < to_ms;
    }
    return count;
}
