#include "run/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/outcome.h"
#include "core/park.h"
#include "io/kafka_reader.h"

/* Records read in one turn of the loop, RESTOREs that may be open, pause when either is used up. */
enum { BATCH = 1000, MOST_OPEN = 4000, PAUSE_MS = 2 };

/* What is parked lies on the slowest tier for six hours, and a while longer where workers lag behind. A note that waits longer
 * still says itself what it knows; only another record that asks for the same delivery would not be told of it. */
static const int64_t PARKED_MS = 30LL * 3600000;

enum { SOURCES = 1 + PARK_TIER_COUNT }; /* outcomes, then the retry topics */

struct recovery {
    struct loop *loop;
    struct claims *claims;
    const struct kafka_settings *kafka;
    const struct topics *topics;
    struct kafka_reader *reader;
    int source; /* that it reads */
    struct loop_timer *timer;
    int64_t begun_ms; /* monotonic */
    int64_t outcomes, parked, unreadable;
    bool is_read;    /* all sources */
    bool is_waiting; /* for the other workers; then the topic is opened anew */
    bool has_waited; /* once is enough until something is forgotten again */
};

static void stop(struct recovery *recovery)
{
    kafka_reader_close(recovery->reader);
    recovery->reader = NULL;
    loop_timer_stop(recovery->timer);
}

static void restore_outcome(struct recovery *recovery, const struct kafka_record *record)
{
    static const char letters[] = {[OUTCOME_SENT] = 'S', [OUTCOME_SUPPRESSED] = 'X', [OUTCOME_EXPIRED] = 'X',
                                   [OUTCOME_DEAD] = 'D', [OUTCOME_HELD] = 'H'};
    struct outcome_summary summary;
    char info[CLAIM_INFO_SIZE];
    struct err err = {0};
    struct buf text;
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
    recovery->outcomes++;
    CRASHPOINT("rebuild_record");
    ttl_ms = summary.dedupe_for_ms > 0 ? summary.dedupe_for_ms - (clock_wall_ms() - summary.wall_ms) : CLAIM_FOREVER_MS;
    if (ttl_ms <= 0) {
        return; /* Redis would not have it any more either */
    }
    /* "-": from no record in flight; its outcome is on the topic already. */
    snprintf(info, sizeof(info), "- %s", summary.state == OUTCOME_SENT ? summary.provider_id : summary.reason);
    claim_record_format_end(letters[summary.state], summary.fence, info, &text);
    claims_restore(recovery->claims, &summary.mid, buf_slice(&text), ttl_ms);
    buf_finish(&text);
}

/* What is no note is the intake's business. */
static void restore_parked(struct recovery *recovery, const struct kafka_record *record)
{
    struct record_header *headers = xcalloc(record->header_count + 1, sizeof(*headers));
    struct record parked = {.topic = record->topic, .headers = headers, .header_count = record->header_count};
    struct park_note note;
    struct claim_record claim;
    struct err err = {0};
    struct buf text;
    int64_t ttl_ms;

    for (size_t i = 0; i < record->header_count; i++) {
        headers[i] = (struct record_header){record->headers[i].name, record->headers[i].value};
    }
    if (park_parse(&parked, &note, &err) && claim_record_parse_parked(slice_of(note.claim), &claim)) {
        ttl_ms = note.due_at < clock_wall_ms() ? PARKED_MS - (clock_wall_ms() - note.due_at) : PARKED_MS;
        if (ttl_ms > 0) {
            recovery->parked++;
            claim_record_format_parked(&claim, &text);
            claims_restore(recovery->claims, &note.mid, buf_slice(&text), ttl_ms);
            buf_finish(&text);
        }
    }
    free(headers);
}

static bool open_source(struct recovery *recovery)
{
    struct kafka_reader_range range = {
        .topic = recovery->source == 0 ? recovery->topics->outcomes : recovery->topics->retry[recovery->source - 1],
        .partition = -1,
        .from = {KAFKA_READER_BEGINNING, 0},
        .to = {KAFKA_READER_END, 0},
    };
    int64_t from_ms = claims_recovery_from_ms(recovery->claims);
    struct err err = {0};

    if (!from_ms && recovery->source > 0) {
        from_ms = clock_wall_ms() - PARKED_MS;
    }
    if (from_ms) {
        range.from = (struct kafka_reader_place){KAFKA_READER_TIME, from_ms};
    }
    recovery->reader = kafka_reader_open_range(recovery->kafka, &range, &err);
    if (!recovery->reader) {
        claims_recovery_failed(recovery->claims, err.text);
    }
    return recovery->reader;
}

/* From one source to the next, which is opened when we may. */
static void leave_source(struct recovery *recovery)
{
    kafka_reader_close(recovery->reader);
    recovery->reader = NULL;
    recovery->is_read = ++recovery->source == SOURCES;
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
        if (is_end) {
            leave_source(recovery);
            return;
        }
        if (!record) {
            return;
        }
        if (recovery->source == 0) {
            restore_outcome(recovery, record);
        } else {
            restore_parked(recovery, record);
        }
        if (!recovery->reader) {
            return;
        }
    }
}

static void finish(struct recovery *recovery)
{
    stop(recovery);
    CRASHPOINT("rebuild_read");
    log_event(LOG_INFO, "recovery_done", "outcomes", log_int(recovery->outcomes), "parked", log_int(recovery->parked),
              "unreadable", log_int(recovery->unreadable), "ms", log_int(clock_mono_ms() - recovery->begun_ms), NULL);
    claims_recovered(recovery->claims);
}

/* Opening takes its time, seconds when Kafka is slow. False: it failed, or is not ours any more. */
static bool open_next(struct recovery *recovery)
{
    switch (claims_recovery_turn(recovery->claims)) {
    case CLAIMS_RECOVERY_GO:
        return open_source(recovery);
    case CLAIMS_RECOVERY_WAIT:
        return true;
    case CLAIMS_RECOVERY_NOT_OURS:
        break;
    }
    return false;
}

static void step(void *arg)
{
    struct recovery *recovery = arg;

    if (recovery->is_waiting) {
        recovery->is_waiting = false;
        recovery->has_waited = true;
    }
    if (recovery->reader) {
        read_some(recovery);
        if (!recovery->reader && claims_recovery_turn(recovery->claims) == CLAIMS_RECOVERY_NOT_OURS) {
            return; /* it failed */
        }
    } else if (!recovery->is_read && !open_next(recovery)) {
        return;
    }
    if (recovery->is_read && claims_restore_open_count(recovery->claims) == 0) {
        finish(recovery);
        return;
    }
    loop_timer_start(recovery->timer, PAUSE_MS);
}

static void begin(void *arg)
{
    struct recovery *recovery = arg;
    int64_t from_ms = claims_recovery_from_ms(recovery->claims), total, wait_ms;
    char from[CLOCK_ISO_SIZE] = "the beginning";

    CRASHPOINT("rebuild_begun");
    stop(recovery);
    recovery->outcomes = recovery->parked = recovery->unreadable = 0;
    recovery->begun_ms = clock_mono_ms();
    recovery->source = 0;
    recovery->is_read = recovery->is_waiting = false;
    recovery->has_waited = recovery->has_waited && claims_recovery_goes_on(recovery->claims);
    if (!open_source(recovery)) {
        return;
    }
    total = kafka_reader_total(recovery->reader);
    if (from_ms) {
        clock_format_iso(from_ms, from);
    }
    log_event(LOG_INFO, "recovery_begun", "topic", recovery->topics->outcomes, "from", from, "outcomes", log_int(total), NULL);
    /* The wait comes first, since what is put back from the topics must not lie long before the epoch says that it is whole. */
    wait_ms = recovery->has_waited ? 0 : claims_recovery_wait_ms(recovery->claims, total == 0);
    if (wait_ms > 0) {
        stop(recovery);
        recovery->is_waiting = true;
    }
    loop_timer_start(recovery->timer, wait_ms);
}

struct recovery *recovery_create(struct loop *loop, struct claims *claims, const struct kafka_settings *kafka,
                                 const struct topics *topics)
{
    struct recovery *recovery = xcalloc(1, sizeof(*recovery));

    recovery->loop = loop;
    recovery->claims = claims;
    recovery->kafka = kafka;
    recovery->topics = topics;
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
