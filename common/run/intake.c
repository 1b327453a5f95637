#include "run/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/careful.h"
#include "run/expected_flows.h"
#include "run/stages.h"

/* A window that is full for longer pauses the partitions: a pause costs a refetch. */
enum { PAUSE_AFTER_MS = 1000 };

static const struct metric_family records_family = {"perkline_records_total", METRIC_COUNTER,
                                                    "Records taken in, by what became of them.",
                                                    {"channel", "result", NULL}};

static const struct metric_family window_family = {"perkline_window_records", METRIC_GAUGE,
                                                   "Most records in flight at once.", {"channel", NULL}};
static const struct metric_family in_flight_family = {"perkline_records_in_flight", METRIC_GAUGE,
                                                      "Records in flight, of the window.", {"channel", NULL}};
static const struct metric_family retry_family = {
    "perkline_retry_records", METRIC_GAUGE,
    "Records on the retry topics that are not done, in the partitions of this process. What it has not read yet may be of "
    "another channel.",
    {"channel", "tier", NULL}};
struct intake {
    struct intake_parts parts;
    struct kafka_consumer *consumer;
    struct parcel *waiting; /* of retry topics, not due yet */
    struct parcel *unread;  /* taken with care, and not looked into yet */
    struct loop_timer *pause_timer;
    bool is_held, is_stopped;
    struct metric *planned, *unplanned, *unknown_type, *rejected, *done_before, *other_channel;
};

static struct metric *result_metric(const struct intake *intake, const char *result)
{
    return metrics_get(intake->parts.metrics, &records_family,
                       (const char *const[]){channel_name(intake->parts.channel), result});
}

static void on_full_for_long(void *arg)
{
    struct intake *intake = arg;

    partitions_pause_all(intake->parts.partitions, true);
}

struct intake *intake_create(const struct intake_parts *parts)
{
    struct intake *intake = xcalloc(1, sizeof(*intake));

    intake->parts = *parts;
    intake->pause_timer = loop_timer_create(parts->loop, on_full_for_long, intake);
    intake->planned = result_metric(intake, "planned");
    intake->unplanned = result_metric(intake, "nothing_planned");
    intake->unknown_type = result_metric(intake, "unknown_type");
    intake->rejected = result_metric(intake, "rejected");
    intake->done_before = result_metric(intake, "done_before");
    intake->other_channel = result_metric(intake, "other_channel");
    return intake;
}

void intake_destroy(struct intake *intake)
{
    struct parcel *parcel, *next;

    if (!intake) {
        return;
    }
    DL_FOREACH_SAFE(intake->waiting, parcel, next)
    {
        parcel_destroy(parcel);
    }
    DL_FOREACH_SAFE(intake->unread, parcel, next)
    {
        parcel_destroy(parcel);
    }
    loop_timer_destroy(intake->pause_timer);
    free(intake);
}

void intake_set_consumer(struct intake *intake, struct kafka_consumer *consumer)
{
    intake->consumer = consumer;
}

/* --- the window --------------------------------------------------------------------------------------------------- */

static void update_window(struct intake *intake)
{
    int64_t count = (int64_t)(pipeline_parcel_count(intake->parts.pipeline) +
                              careful_waiting(intake->parts.careful, intake->parts.channel));
    bool is_full = intake->is_stopped || count >= intake->parts.window;

    if (!intake->consumer) {
        return;
    }
    if (is_full && !intake->is_held) {
        intake->is_held = true;
        kafka_consumer_hold(intake->consumer, true);
        loop_timer_start(intake->pause_timer, PAUSE_AFTER_MS);
    } else if (!is_full && intake->is_held) {
        intake->is_held = false;
        kafka_consumer_hold(intake->consumer, false);
        loop_timer_stop(intake->pause_timer);
    }
    if (!intake->is_stopped && count <= intake->parts.window / 2) {
        partitions_pause_all(intake->parts.partitions, false);
    }
}

void intake_stop(struct intake *intake)
{
    intake->is_stopped = true;
    update_window(intake);
    partitions_pause_all(intake->parts.partitions, true);
}

void intake_parcel_done(struct intake *intake, struct parcel *parcel, bool is_complete)
{
    if (is_complete && parcel->partition) {
        partition_close(parcel->partition, parcel->record.offset);
    }
    update_window(intake);
}

static void submit(struct intake *intake, struct parcel *parcel)
{
    parcel->catalog = parcel->catalog ? parcel->catalog : catalog_ref(templates_current(intake->parts.templates));
    parcel->is_suspect = parcel->partition && partition_is_suspect(parcel->partition, parcel->record.offset);
    pipeline_submit(intake->parts.pipeline, parcel);
    update_window(intake);
}

/* What the note of a retry topic tells of its delivery, and, `seen`, of its claim. */
static void take_note(const struct park_note *note, const struct claim_record *seen, struct task *task)
{
    task->attempts = note->attempts;
    task->first_attempt_at = note->first_at;
    task->copy = note->copy;
    task->seen = *seen;
}

/* --- what is no event --------------------------------------------------------------------------------------------- */

/* To the DLQ, once over all channels: its identity is the record's place. With a note, whose claim is `seen`, it is that of its
 * delivery. */
static void reject(struct intake *intake, struct parcel *parcel, const struct claim_record *seen, const char *reason,
                   const struct err *err)
{
    struct task *task;

    parcel_add_tasks(parcel, 1);
    task = &parcel->tasks[0];
    if (parcel->note) {
        task->mid = parcel->note->mid;
        take_note(parcel->note, seen, task);
    } else {
        mid_of_record(&parcel->record, &task->mid);
    }
    task->outcome = OUTCOME_DEAD;
    task_set_reason(task, reason);
    snprintf(task->detail, sizeof(task->detail), "%s", err->text);
    metric_add(intake->rejected, 1);
    log_event(LOG_WARN, "record_rejected", "topic", parcel->record.topic, "partition", log_int(parcel->record.partition),
              "offset", log_int(parcel->record.offset), "reason", reason, "detail", err->text, NULL);
    submit(intake, parcel);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void note_event(const struct intake *intake, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        expected_flows_note(intake->parts.metrics, plan->deliveries[i].flow);
    }
}

/* `seen`: what the note of a parked one says of its claim. */
static void add_task(struct parcel *parcel, size_t index, const struct delivery *delivery, const struct claim_record *seen)
{
    struct task *task = &parcel->tasks[index];

    task->mid = delivery->mid;
    task->flow = delivery->flow;
    if (parcel->note) {
        take_note(parcel->note, seen, task);
    }
}

static void finish_unplanned(struct intake *intake, struct parcel *parcel, const struct plan *plan)
{
    metric_add(plan->is_known_type ? intake->unplanned : intake->unknown_type, 1);
    if (!plan->is_known_type) {
        log_event(LOG_DEBUG, "unknown_type", "type", parcel->event.type, NULL);
    }
    partition_close(parcel->partition, parcel->record.offset);
    parcel_destroy(parcel);
}

static void take_event(struct intake *intake, struct parcel *parcel)
{
    struct plan plan;
    struct err err = {0};
    const char *reason = "";

    if (!event_decode(&parcel->record, &parcel->event, &reason, &err)) {
        reject(intake, parcel, NULL, reason, &err);
        return;
    }
    parcel->is_event = true;
    parcel->catalog = catalog_ref(templates_current(intake->parts.templates));
    if (!plan_make(parcel->catalog, &parcel->event, intake->parts.channel, &plan, &reason, &err)) {
        reject(intake, parcel, NULL, reason, &err);
        return;
    }
    if (plan.count == 0) {
        finish_unplanned(intake, parcel, &plan);
        return;
    }
    metric_add(intake->planned, 1);
    note_event(intake, &plan);
    parcel_add_tasks(parcel, plan.count);
    for (size_t i = 0; i < plan.count; i++) {
        add_task(parcel, i, &plan.deliveries[i], NULL);
    }
    submit(intake, parcel);
}

/* --- retry topics ------------------------------------------------------------------------------------------------- */

static void take_parked(struct intake *intake, struct parcel *parcel);

/* It was never tried, so it is planned as flows and templates are now. */
static bool must_plan_anew(const struct intake *intake, const struct parcel *parcel)
{
    return strcmp(parcel->note->reason, PARK_REASON_PAUSED) == 0 && !parcel->note->template_version[0] &&
           parcel->catalog != templates_current(intake->parts.templates);
}

static void on_due(void *arg)
{
    struct task *task = arg;
    struct parcel *parcel = task->parcel;
    struct intake *intake = parcel->intake;

    DL_DELETE(intake->waiting, parcel);
    if (parcel->partition) {
        partition_add_waiting(parcel->partition, -1);
    }
    if (must_plan_anew(intake, parcel)) {
        parcel_forget_plan(parcel);
        take_parked(intake, parcel);
        return;
    }
    submit(intake, parcel);
}

/* It waits for its flow to be resumed, and that was done: its time does not matter. */
static bool is_resumed(const struct intake *intake, const struct parcel *parcel)
{
    return strcmp(parcel->note->reason, PARK_REASON_PAUSED) == 0 && pauses_is_known(intake->parts.pauses) &&
           pauses_flow_age_ms(intake->parts.pauses, parcel->tasks[0].flow->name) < 0;
}

void intake_look_at_pauses(struct intake *intake)
{
    struct parcel *parcel, *next;

    DL_FOREACH_SAFE(intake->waiting, parcel, next)
    {
        if (is_resumed(intake, parcel)) {
            loop_timer_stop(parcel->tasks[0].timer);
            on_due(&parcel->tasks[0]);
        }
    }
}

/* The delivery of the note among those planned now; false when the flow does not ask for it any more. */
static bool plan_parked(struct intake *intake, struct parcel *parcel, const struct claim_record *seen, const char **reason,
                        struct err *err)
{
    struct plan plan;

    if (!event_decode(&parcel->record, &parcel->event, reason, err)) {
        return false;
    }
    parcel->is_event = true;
    parcel->catalog = catalog_ref(templates_current(intake->parts.templates));
    if (!plan_make(parcel->catalog, &parcel->event, intake->parts.channel, &plan, reason, err)) {
        return false;
    }
    for (size_t i = 0; i < plan.count; i++) {
        if (memcmp(&plan.deliveries[i].mid, &parcel->note->mid, sizeof(struct mid)) == 0) {
            parcel_add_tasks(parcel, 1);
            add_task(parcel, 0, &plan.deliveries[i], seen);
            return true;
        }
    }
    *reason = "no_longer_planned";
    return err_set(err, "no flow asks for this delivery any more");
}

/* A note without a claim knows nothing. */
static bool parse_note(const struct parcel *parcel, struct park_note *note, struct claim_record *seen, struct err *err)
{
    *seen = (struct claim_record){0};
    return park_parse(&parcel->record, note, err) &&
           (!note->claim[0] || claim_record_parse_parked(slice_of(note->claim), seen) ||
            err_set(err, "header perkline-claim is not understood: \"%.60s\"", note->claim));
}

static void take_parked(struct intake *intake, struct parcel *parcel)
{
    struct park_note note;
    struct claim_record seen;
    struct err err = {0};
    const char *reason = "";
    int64_t wait_ms;

    if (!parse_note(parcel, &note, &seen, &err)) {
        reject(intake, parcel, NULL, "bad_retry_record", &err);
        return;
    }
    if (note.channel != intake->parts.channel) {
        metric_add(intake->other_channel, 1);
        partition_close(parcel->partition, parcel->record.offset);
        parcel_destroy(parcel);
        return;
    }
    parcel->note = xmalloc(sizeof(note));
    *parcel->note = note;
    if (!plan_parked(intake, parcel, &seen, &reason, &err)) {
        reject(intake, parcel, &seen, reason, &err);
        return;
    }
    wait_ms = note.due_at - clock_wall_ms();
    if (wait_ms <= 0 || is_resumed(intake, parcel)) {
        submit(intake, parcel);
        return;
    }
    DL_APPEND(intake->waiting, parcel);
    task_call_later(&parcel->tasks[0], intake->parts.loop,
                    wait_ms < park_tier_delay_ms(PARK_6H) ? wait_ms : park_tier_delay_ms(PARK_6H), on_due);
    partition_add_waiting(parcel->partition, 1);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Its bytes are looked at for the first time. */
static void look_into(void *arg, bool is_killer)
{
    struct parcel *parcel = arg;
    struct intake *intake = parcel->intake;
    struct err err = {0};
    enum park_tier tier;

    DL_DELETE(intake->unread, parcel);
    if (!parcel->partition) { /* revoked meanwhile */
        parcel_destroy(parcel);
    } else if (is_killer) {
        err_set(&err, "three workers in a row have died while they worked on it");
        reject(intake, parcel, NULL, "crash_suspect", &err);
    } else if (topics_find_tier(intake->parts.topics, parcel->record.topic, &tier)) {
        take_parked(intake, parcel);
    } else {
        take_event(intake, parcel);
    }
    update_window(intake);
}

void intake_take(struct intake *intake, const struct kafka_record *record)
{
    struct partition *partition = partitions_find(intake->parts.partitions, record->topic, record->partition);
    struct parcel *parcel;

    if (!partition) {
        return; /* revoked meanwhile: its next owner reads it */
    }
    if (!partition_open(partition, record->offset)) {
        metric_add(intake->done_before, 1);
        return;
    }
    parcel = parcel_create(record);
    parcel->partition = partition;
    parcel->intake = intake;
    CRASHPOINT("record_taken");
    DL_APPEND(intake->unread, parcel);
    careful_run(intake->parts.careful, intake->parts.channel, &parcel->record, CAREFUL_READ, look_into, parcel);
    update_window(intake);
}

void intake_forget_partition(struct intake *intake, const struct partition *partition, bool is_log_gone)
{
    struct parcel *parcel, *next;

    DL_FOREACH_SAFE(intake->waiting, parcel, next)
    {
        if (parcel->partition == partition && is_log_gone) {
            parcel->partition = NULL;
            parcel->is_only_here = true;
        } else if (parcel->partition == partition) {
            DL_DELETE(intake->waiting, parcel);
            parcel_destroy(parcel);
        }
    }
    DL_FOREACH(intake->unread, parcel)
    {
        parcel->partition = parcel->partition == partition ? NULL : parcel->partition;
    }
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

void intake_update_metrics(struct intake *intake)
{
    const char *channel = channel_name(intake->parts.channel);
    const char *const labels[] = {channel};

    metric_set(metrics_get(intake->parts.metrics, &window_family, labels), (double)intake->parts.window);
    metric_set(metrics_get(intake->parts.metrics, &in_flight_family, labels),
               (double)pipeline_parcel_count(intake->parts.pipeline));
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        const char *const tier_labels[] = {channel, park_tier_name((enum park_tier)tier)};

        metric_set(metrics_get(intake->parts.metrics, &retry_family, tier_labels),
                   (double)partitions_depth(intake->parts.partitions, intake->parts.topics->retry[tier]));
    }
}
