#include "core/retention.h"

#include "base/duration.h"

static const int64_t day_ms = 86400000;
/* A backlog of a day, and Kafka's default of a week until a segment is closed: only closed ones are removed. */
static const int64_t backlog_ms = 1 * 86400000LL;
static const int64_t segment_ms = 7 * 86400000LL;

bool retention_is_covered(const struct flow *flow, const char *topic, int64_t retention_ms, struct err *why)
{
    char has[DURATION_TEXT_SIZE], kept[DURATION_TEXT_SIZE], needed[DURATION_TEXT_SIZE], age[DURATION_TEXT_SIZE];

    if (flow->dedupe_for_ms == 0 || (flow->max_age_ms > 0 && flow->dedupe_for_ms >= flow->max_age_ms + day_ms)) {
        return true;
    }
    duration_format(flow->dedupe_for_ms, has);
    duration_format(flow->dedupe_for_ms > day_ms ? flow->dedupe_for_ms - day_ms : flow->dedupe_for_ms, age);
    if (retention_ms < 0) {
        return err_set(why,
                       "flow %s remembers its deliveries for %s, but topic %s keeps events for ever: read again, they "
                       "would be sent again; set dedupe_for: forever, or max_age: %s or less",
                       flow->name, has, topic, age);
    }
    if (flow->dedupe_for_ms >= retention_ms + backlog_ms + segment_ms) {
        return true;
    }
    return err_set(why,
                   "flow %s remembers its deliveries for %s, but topic %s keeps events for %s, and up to 8d longer with "
                   "a backlog and open segments: read again, they would be sent again; set dedupe_for: %s or more, or "
                   "max_age: %s or less",
                   flow->name, has, topic, duration_format(retention_ms, kept),
                   duration_format(retention_ms + backlog_ms + segment_ms, needed), age);
}

bool retention_all_covered(const struct catalog *catalog, const char *topic, int64_t retention_ms, struct err *why)
{
    for (size_t i = 0; i < catalog_flow_count(catalog); i++) {
        if (!retention_is_covered(catalog_flow(catalog, i), topic, retention_ms, why)) {
            return false;
        }
    }
    return true;
}

int64_t retention_of_outcomes(const struct catalog *catalog)
{
    int64_t longest = 0;

    for (size_t i = 0; i < catalog_flow_count(catalog); i++) {
        int64_t ms = catalog_flow(catalog, i)->dedupe_for_ms;

        if (ms == 0) {
            return RETENTION_FOREVER;
        }
        longest = ms > longest ? ms : longest;
    }
    return longest;
}
