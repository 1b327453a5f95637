#include "io/kafka_watchdog.h"

#include <inttypes.h>
#include <stdio.h>

bool kafka_watchdog_check_group(struct kafka_watchdog *watchdog, const struct kafka_stats *stats, int64_t now_ms,
                                char *reason, size_t size)
{
    if (!stats->has_group || stats->is_group_up || !stats->is_any_broker_up) {
        watchdog->absent_since_ms = 0;
        return true;
    }
    if (watchdog->absent_since_ms == 0) {
        watchdog->absent_since_ms = now_ms;
    }
    if (now_ms - watchdog->absent_since_ms < watchdog->absent_ms) {
        return true;
    }
    snprintf(reason, size, "the group's coordinator was not found for %" PRId64 " s while brokers answer (%s)",
             (now_ms - watchdog->absent_since_ms) / 1000, stats->group_state);
    return false;
}

bool kafka_watchdog_must_wait(const struct kafka_watched *watched)
{
    return watched->others_read_up_ms < watched->quiet_since_ms;
}

bool kafka_watchdog_must_ask(const struct kafka_watchdog *watchdog, const struct kafka_watched *watched, int64_t now_ms)
{
    return watched->next_offset >= 0 && now_ms - watched->quiet_since_ms >= watchdog->quiet_ms &&
           (watched->end_told_ms < watched->quiet_since_ms || now_ms - watched->end_told_ms >= watchdog->quiet_ms);
}

bool kafka_watchdog_check_partition(const struct kafka_watchdog *watchdog, const struct kafka_stats *stats,
                                    const struct kafka_watched *watched, int64_t now_ms, char *reason, size_t size)
{
    struct kafka_stats_partition found;
    bool is_told = watched->end_told_ms >= watched->quiet_since_ms && watched->end_told_ms > 0;

    if (watched->next_offset < 0 || now_ms - watched->quiet_since_ms < watchdog->quiet_ms || !is_told ||
        now_ms - watched->end_told_ms < watchdog->grace_ms || watched->end <= watched->next_offset ||
        !kafka_stats_find(stats, watched->topic, watched->partition, &found) || !found.is_leader_up ||
        kafka_watchdog_must_wait(watched)) {
        return true;
    }
    snprintf(reason, size,
             "%s/%d gave nothing for %" PRId64 " s although %" PRId64 " records wait in it and it is not paused",
             watched->topic, (int)watched->partition, (now_ms - watched->quiet_since_ms) / 1000,
             watched->end - watched->next_offset);
    return false;
}
