#include "run/channel_report.h"

#include <inttypes.h>
#include <stdio.h>

static void write_rate(struct json_text *j, const char *name, const struct rate *rate)
{
    double per_s = rate_per_s(rate);
    char text[32];

    if (per_s > 0) {
        json_text_key(j, name);
        json_text_raw(j, slice_make(text, (size_t)snprintf(text, sizeof(text), "%.1f", per_s)));
    }
}

static void write_total(struct json_text *j, const char *name, uint64_t total)
{
    if (total > 0) {
        json_text_member_int(j, name, (int64_t)total);
    }
}

static void write_outcomes(struct channel_report *report, const struct pipeline_facts *pipeline, int64_t now_ms,
                           struct json_text *j)
{
    json_text_key(j, "rates");
    json_text_open(j, '{');
    for (int state = 0; state < OUTCOME_STATE_COUNT; state++) {
        rate_note(&report->rates[state], now_ms, (double)pipeline->outcomes[state]);
        write_rate(j, outcome_state_name((enum outcome_state)state), &report->rates[state]);
    }
    rate_note(&report->parked, now_ms, (double)pipeline->parked);
    write_rate(j, "parked", &report->parked);
    json_text_close(j, '}');
    json_text_key(j, "totals");
    json_text_open(j, '{');
    for (int state = 0; state < OUTCOME_STATE_COUNT; state++) {
        write_total(j, outcome_state_name((enum outcome_state)state), pipeline->outcomes[state]);
    }
    write_total(j, "parked", pipeline->parked);
    json_text_close(j, '}');
}

static void write_partition(const struct partition_facts *facts, struct json_text *j)
{
    json_text_open(j, '[');
    json_text_string(j, slice_of(facts->topic));
    json_text_int(j, facts->number);
    if (facts->lag < 0) {
        json_text_null(j);
    } else {
        json_text_int(j, facts->lag);
    }
    json_text_int(j, facts->open);
    json_text_bool(j, facts->is_paused);
    json_text_close(j, ']');
}

void channel_report_write(struct channel_report *report, const struct channel_worker_facts *facts, int64_t now_ms,
                          struct json_text *j)
{
    struct partition_facts partition;

    json_text_open(j, '{');
    json_text_member(j, "name", channel_name(facts->channel));
    json_text_member(j, "provider", facts->provider);
    json_text_member(j, "gate", facts->pipeline.gate);
    json_text_member_int(j, "in_flight", facts->in_flight);
    json_text_member_int(j, "window", facts->window);
    json_text_member_int(j, "on_wire", facts->pipeline.on_wire);
    json_text_member_int(j, "connections", facts->connections);
    json_text_member(j, "breaker", facts->pipeline.breaker);
    if (facts->pipeline.trouble && facts->pipeline.trouble[0]) {
        json_text_member(j, "trouble", facts->pipeline.trouble);
    }
    json_text_member_int(j, "rate_limit", facts->pipeline.rate_per_s);
    write_outcomes(report, &facts->pipeline, now_ms, j);
    json_text_key(j, "partitions");
    json_text_open(j, '[');
    for (size_t i = 0; partitions_look(facts->partitions, i, &partition); i++) {
        write_partition(&partition, j);
    }
    json_text_close(j, ']');
    json_text_close(j, '}');
}
