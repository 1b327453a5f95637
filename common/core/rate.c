#include "core/rate.h"

static void drop_oldest(struct rate *rate)
{
    rate->first = (rate->first + 1) % RATE_SAMPLES;
    rate->used--;
}

void rate_note(struct rate *rate, int64_t now_ms, double count)
{
    size_t at;

    while (rate->used == RATE_SAMPLES || (rate->used > 1 && rate->samples[rate->first].at_ms < now_ms - RATE_SPAN_MS)) {
        drop_oldest(rate);
    }
    at = (rate->first + rate->used++) % RATE_SAMPLES;
    rate->samples[at].at_ms = now_ms;
    rate->samples[at].count = count;
}

double rate_per_s(const struct rate *rate)
{
    size_t last = (rate->first + rate->used + RATE_SAMPLES - 1) % RATE_SAMPLES;
    int64_t span_ms = rate->used > 1 ? rate->samples[last].at_ms - rate->samples[rate->first].at_ms : 0;

    return span_ms > 0 ? (rate->samples[last].count - rate->samples[rate->first].count) * 1000 / (double)span_ms : 0;
}
