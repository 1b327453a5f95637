#include "run/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/outcome.h"
#include "core/park.h"
#include "io/kafka_opening.h"

/* Records read in one turn of the loop, RESTOREs that may be open, pause when either is used up. */
enum { BATCH = 1000, MOST_OPEN = 4000, PAUSE_MS = 2 };

/* What is parked lies on the slowest tier for six hours, and a while longer where workers lag behind. A note that waits longer
 * still says itself what it knows; only another record that asks for the same delivery would not be told of it. */
static const int64_t PARKED_MS = 30LL * 3600000;

enum { SOURCES = 1 + PARK_TIER_COUNT }; /* outcomes, then the retry topics */

static const struct metric_family missing_family = {
    "perkline_recovery_topics_missing_total", METRIC_COUNTER,
    "Retry topics that did not exist when Redis was rebuilt: what was parked there is lost.", {"topic", NULL}};

struct recovery {
    struct loop *loop;
    struct claims *claims;
    const struct kafka_settings *kafka;
    const struct topics *topics;
    struct metrics *metrics;
    struct kafka_opening *opening; /* of all sources at once */
    struct kafka_reader *reader;
    struct loop_timer *timer;
    int64_t begun_ms; /* monotonic */
    int64_t outcomes, parked, unreadable;
    bool is_read;    /* all sources */
    bool is_waiting; /* for the other workers; then the topics are opened anew */
    bool has_waited; /* once is enough until something is forgotten again */
};

static void leave_reader(struct recovery *recovery)
{
    kafka_opening_close(recovery->loop, recovery->reader);
    recovery->reader = NULL;
}

static void stop(struct recovery *recovery)
{
    kafka_opening_give_up(recovery->opening);
    recovery->opening = NULL;
    leave_reader(recovery);
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

/* --- opening ------------------------------------------------------------------------------------------------------- */

static void on_opened(void *arg, struct kafka_reader *reader, const char *problem);

static void open_sources(struct recovery *recovery)
{
    struct kafka_reader_range ranges[SOURCES];
    int64_t lost_ms = claims_recovery_from_ms(recovery->claims);

    for (int source = 0; source < SOURCES; source++) {
        int64_t from_ms = lost_ms || source == 0 ? lost_ms : clock_wall_ms() - PARKED_MS;

        ranges[source] = (struct kafka_reader_range){
            .topic = source == 0 ? recovery->topics->outcomes : recovery->topics->retry[source - 1],
            .partition = -1,
            .from = {from_ms ? KAFKA_READER_TIME : KAFKA_READER_BEGINNING, from_ms},
            .to = {KAFKA_READER_END, 0},
            .may_be_missing = source > 0,
        };
    }
    recovery->opening = kafka_opening_begin(recovery->loop, recovery->kafka, ranges, SOURCES, on_opened, recovery);
}

/* A topic that Kafka does not know holds nothing that could be waited for: what was parked there is gone, and people have to
 * know. Without the outcomes topic nothing tells what was sent, so nothing is sent. */
static void tell_missing(const struct recovery *recovery)
{
    for (int source = 1; source < SOURCES; source++) {
        const char *topic = recovery->topics->retry[source - 1];

        if (kafka_reader_is_missing(recovery->reader, (size_t)source)) {
            metrics_count(recovery->metrics, &missing_family, (const char *const[]){topic});
            log_event(LOG_ERROR, "recovery_topic_missing", "topic", topic, "reason",
                      "Kafka knows of no such topic: what was parked there is lost; perkline topics --create makes it anew",
                      NULL);
        }
    }
}

static void tell_begun(const struct recovery *recovery)
{
    int64_t from_ms = claims_recovery_from_ms(recovery->claims);
    char from[CLOCK_ISO_SIZE] = "the beginning";

    if (from_ms) {
        clock_format_iso(from_ms, from);
    }
    log_event(LOG_INFO, "recovery_begun", "topic", recovery->topics->outcomes, "from", from, "outcomes",
              log_int(kafka_reader_range_total(recovery->reader, 0)), NULL);
    tell_missing(recovery);
}

/* What is put back from the topics must not lie long before the epoch says that it is whole, and what others publish while they
 * put back what they know is to be read, too. True: opened anew after the wait. */
static bool wait_for_others(struct recovery *recovery, bool is_empty)
{
    int64_t wait_ms = recovery->has_waited ? 0 : claims_recovery_wait_ms(recovery->claims, is_empty);

    if (wait_ms <= 0) {
        return false;
    }
    recovery->is_waiting = true;
    leave_reader(recovery);
    loop_timer_start(recovery->timer, wait_ms);
    return true;
}

static void on_opened(void *arg, struct kafka_reader *reader, const char *problem)
{
    struct recovery *recovery = arg;

    recovery->opening = NULL;
    recovery->reader = reader;
    if (!claims_recovery_is_ours(recovery->claims)) {
        stop(recovery);
    } else if (!reader) {
        claims_recovery_failed(recovery->claims, problem);
    } else if (!wait_for_others(recovery, kafka_reader_total(reader) == 0)) {
        tell_begun(recovery);
        loop_timer_start(recovery->timer, 0);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

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
            leave_reader(recovery);
            recovery->is_read = true;
            return;
        }
        if (!record) {
            return;
        }
        if (kafka_reader_range_of(recovery->reader) == 0) {
            restore_outcome(recovery, record);
        } else {
            restore_parked(recovery, record);
        }
        if (!recovery->reader) {
            return; /* it failed */
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

static void step(void *arg)
{
    struct recovery *recovery = arg;

    if (!claims_recovery_is_ours(recovery->claims)) {
        stop(recovery);
        return;
    }
    if (recovery->is_waiting) {
        recovery->is_waiting = false;
        recovery->has_waited = true;
        open_sources(recovery);
        return;
    }
    if (recovery->reader) {
        read_some(recovery);
    }
    if (recovery->is_read && claims_restore_open_count(recovery->claims) == 0) {
        finish(recovery);
    } else if (recovery->reader || recovery->is_read) {
        loop_timer_start(recovery->timer, PAUSE_MS);
    }
}

static void begin(void *arg)
{
    struct recovery *recovery = arg;

    CRASHPOINT("rebuild_begun");
    stop(recovery);
    recovery->outcomes = recovery->parked = recovery->unreadable = 0;
    recovery->begun_ms = clock_mono_ms();
    recovery->is_read = recovery->is_waiting = false;
    recovery->has_waited = recovery->has_waited && claims_recovery_goes_on(recovery->claims);
    /* Only a worker that starts has to know whether there is anything to remember before it waits. */
    if (!wait_for_others(recovery, true)) {
        open_sources(recovery);
    }
}

struct recovery *recovery_create(struct loop *loop, struct claims *claims, const struct kafka_settings *kafka,
                                 const struct topics *topics, struct metrics *metrics)
{
    struct recovery *recovery = xcalloc(1, sizeof(*recovery));

    recovery->loop = loop;
    recovery->claims = claims;
    recovery->kafka = kafka;
    recovery->topics = topics;
    recovery->metrics = metrics;
    metrics_declare(metrics, &missing_family);
    recovery->timer = loop_timer_create(loop, step, recovery);
    claims_set_recovery(claims, begin, recovery);
    return recovery;
}

void recovery_destroy(struct recovery *recovery)
{
    if (recovery) {
        claims_set_recovery(recovery->claims, NULL, NULL);
        stop(recovery);
        loop_timer_destroy(recovery->timer);
        free(recovery);
    }
}
