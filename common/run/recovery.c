#include "run/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/outcome.h"
#include "io/kafka_reader.h"

/* Records read in one turn of the loop, RESTOREs that may be open, pause when either is used up. */
enum { BATCH = 1000, MOST_OPEN = 4000, PAUSE_MS = 2 };

/* Every worker looks once a second whether Redis still knows (claims_watch.c) and then puts back what it wrote lately, which
 * is more than the topic tells; nothing may be begun before. This wait comes first, since what is put back from the topic must
 * not lie long before the epoch says that it is whole. Where nothing was ever sent there is nothing to wait for. */
enum { WAIT_MS = 3000 };

struct recovery {
    struct loop *loop;
    struct claims *claims;
    const struct kafka_settings *kafka;
    const char *topic;
    struct kafka_reader *reader;
    struct loop_timer *timer;
    int64_t records, unreadable;
    bool is_read;
    bool is_waiting; /* for the other workers; then the topic is opened anew */
    bool has_waited; /* once is enough until it is done */
};

static void stop(struct recovery *recovery)
{
    kafka_reader_close(recovery->reader);
    recovery->reader = NULL;
    loop_timer_stop(recovery->timer);
}

static void restore(struct recovery *recovery, const struct kafka_record *record)
{
    static const char letters[] = {[OUTCOME_SENT] = 'S', [OUTCOME_SUPPRESSED] = 'X', [OUTCOME_EXPIRED] = 'X',
                                   [OUTCOME_DEAD] = 'D', [OUTCOME_HELD] = 'H'};
    struct outcome_summary summary;
    char info[CLAIM_INFO_SIZE];
    struct err err = {0};
    int64_t ttl_ms;

    if (!record->value.data) {
        return; /* compacted away */
    }
    if (!outcome_parse(record->value, &summary, &err) && summary.is_newer) {
        /* Passed over it would be forgotten, and sent again. A worker of that version must do this. */
        err_prefix(&err, "outcomes partition %d offset %lld", record->partition, (long long)record->offset);
        stop(recovery);
        claims_recovery_failed(recovery->claims, err.text);
        return;
    }
    if (err.text[0]) {
        recovery->unreadable++;
        log_event(LOG_WARN, "outcome_unreadable", "partition", log_int(record->partition), "offset",
                  log_int(record->offset), "reason", err.text, NULL);
        return;
    }
    recovery->records++;
    CRASHPOINT("rebuild_record");
    ttl_ms = summary.dedupe_for_ms > 0 ? summary.dedupe_for_ms - (clock_wall_ms() - summary.wall_ms) : CLAIM_FOREVER_MS;
    if (ttl_ms <= 0) {
        return; /* Redis would not have it any more either */
    }
    /* "-": from no record in flight; its outcome is on the topic already. */
    snprintf(info, sizeof(info), "- %s", summary.state == OUTCOME_SENT ? summary.provider_id : summary.reason);
    claims_restore(recovery->claims, &summary.mid, letters[summary.state], summary.fence, info, ttl_ms);
}

static void read_some(struct recovery *recovery)
{
    for (int i = 0; i < BATCH && claims_restore_open_count(recovery->claims) < MOST_OPEN; i++) {
        const struct kafka_record *record = NULL;
        struct err err = {0};
        bool is_end = false;

        if (!kafka_reader_next(recovery->reader, 0, &record, &is_end, &err)) {
            stop(recovery);
            claims_recovery_failed(recovery->claims, err.text);
            return;
        }
        recovery->is_read = is_end;
        if (!record) {
            return;
        }
        restore(recovery, record);
        if (!recovery->reader) {
            return;
        }
    }
}

static bool open_topic(struct recovery *recovery)
{
    struct err err = {0};

    recovery->reader = kafka_reader_open(recovery->kafka, recovery->topic, &err);
    if (!recovery->reader) {
        claims_recovery_failed(recovery->claims, err.text);
    }
    return recovery->reader;
}

static void step(void *arg)
{
    struct recovery *recovery = arg;

    if (recovery->is_waiting) {
        recovery->is_waiting = false;
        if (!open_topic(recovery)) {
            return;
        }
    }
    if (!recovery->is_read) {
        read_some(recovery);
    }
    if (!recovery->reader) {
        return;
    }
    if (recovery->is_read && claims_restore_open_count(recovery->claims) == 0) {
        stop(recovery);
        recovery->has_waited = false;
        CRASHPOINT("rebuild_read");
        log_event(LOG_INFO, "recovery_done", "outcomes", log_int(recovery->records), "unreadable",
                  log_int(recovery->unreadable), NULL);
        claims_recovered(recovery->claims);
        return;
    }
    loop_timer_start(recovery->timer, PAUSE_MS);
}

static void begin(void *arg)
{
    struct recovery *recovery = arg;
    int64_t total;

    CRASHPOINT("rebuild_begun");
    stop(recovery);
    recovery->records = recovery->unreadable = 0;
    recovery->is_read = recovery->is_waiting = false;
    if (!open_topic(recovery)) {
        return;
    }
    total = kafka_reader_total(recovery->reader);
    log_event(LOG_INFO, "recovery_begun", "topic", recovery->topic, "outcomes", log_int(total), NULL);
    if (total > 0 && !recovery->has_waited) {
        stop(recovery);
        recovery->is_waiting = recovery->has_waited = true;
    }
    loop_timer_start(recovery->timer, recovery->is_waiting ? WAIT_MS : 0);
}

struct recovery *recovery_create(struct loop *loop, struct claims *claims, const struct kafka_settings *kafka,
                                 const char *topic)
{
    struct recovery *recovery = xcalloc(1, sizeof(*recovery));

    recovery->loop = loop;
    recovery->claims = claims;
    recovery->kafka = kafka;
    recovery->topic = topic;
    recovery->timer = loop_timer_create(loop, step, recovery);
    claims_set_recovery(claims, begin, recovery);
    return recovery;
}

void recovery_destroy(struct recovery *recovery)
{
    if (recovery) {
        claims_set_recovery(recovery->claims, NULL, NULL);
        kafka_reader_close(recovery->reader);
        loop_timer_destroy(recovery->timer);
        free(recovery);
    }
}
