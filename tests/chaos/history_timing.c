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

struct asked {
    int64_t at_ms, readable_ms;
};

static int by_time(const void *a, const void *b)
{
    const struct asked *left = a, *right = b;

    return left->at_ms < right->at_ms ? -1 : left->at_ms > right->at_ms;
}

/* Of one partition; all of them were asked for. */
static void look_for_silence(struct asked asked[], size_t count, int32_t partition, struct history_silence *longest)
{
    int64_t readable_ms = INT64_MAX; /* the first that was not asked for yet */

    qsort(asked, count, sizeof(*asked), by_time);
    for (size_t i = count; i-- > 1;) {
        int64_t from_ms = asked[i - 1].at_ms;

        readable_ms = asked[i].readable_ms < readable_ms ? asked[i].readable_ms : readable_ms;
        from_ms = readable_ms > from_ms ? readable_ms : from_ms;
        if (asked[i].at_ms - from_ms > longest->to_ms - longest->from_ms) {
            *longest = (struct history_silence){partition, from_ms, asked[i].at_ms};
        }
    }
}

struct history_silence history_find_silence(struct history *history, history_readable_fn fn, void *arg)
{
    size_t events = history_count_events(history);
    struct asked *asked = xcalloc(events + 1, sizeof(*asked));
    struct history_silence longest = {0};

    for (size_t at = 0; at < events;) { /* by place, since the check */
        int32_t partition = history_get_event(history, at)->partition;
        size_t count = 0;

        for (; at < events && history_get_event(history, at)->partition == partition; at++) {
            const struct history_event *event = history_get_event(history, at);

            asked[count] = (struct asked){first_asked_ms(history, event->name), fn ? fn(arg, event) : 0};
            count += asked[count].at_ms >= 0;
        }
        look_for_silence(asked, count, partition, &longest);
    }
    free(asked);
    return longest;
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
