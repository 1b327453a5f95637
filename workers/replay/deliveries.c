#include "workers/replay/deliveries.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { MOST_OPEN = 1024, SILENCE_MS = 15000, LOOK_MS = 50, MOST_NOTES = 8 };

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool open_templates(struct deliveries *deliveries, struct err *err)
{
    const struct worker_settings *settings = deliveries->parts->settings;
    struct diag_list diags;
    struct buf text;

    diag_list_init(&diags);
    buf_init(&text, 0);
    deliveries->templates =
        templates_open(settings->templates_dir, settings->default_locale, deliveries->metrics, &diags, err);
    for (size_t i = 0; !deliveries->templates && i < diags.count; i++) {
        buf_clear(&text);
        diag_format(&diags.items[i], &text);
        fprintf(stderr, "%s\n", buf_text(&text));
    }
    buf_finish(&text);
    diag_list_finish(&diags);
    return deliveries->templates || err_prefix(err, "TEMPLATES_DIR");
}

bool deliveries_init(struct deliveries *deliveries, const struct replay_parts *parts, struct err *err)
{
    const char *costs = parts->settings->sms_costs;

    deliveries->parts = parts;
    deliveries->metrics = metrics_create();
    report_init(&deliveries->report, costs ? &deliveries->costs : NULL);
    if (costs && !sms_costs_parse(costs, &deliveries->costs, err)) {
        return err_prefix(err, "SMS_COSTS");
    }
    if (parts->options->out && !(deliveries->files = message_files_open(parts->options->out, err))) {
        return err_prefix(err, "--out");
    }
    return open_templates(deliveries, err);
}

void deliveries_close_io(struct deliveries *deliveries)
{
    claims_close(deliveries->claims);
    deliveries->claims = NULL;
}

void deliveries_finish(struct deliveries *deliveries)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        pipeline_destroy(deliveries->pipelines[channel]);
    }
    templates_close(deliveries->templates);
    metrics_destroy(deliveries->metrics);
    message_files_close(deliveries->files);
    report_finish(&deliveries->report);
    mid_set_finish(&deliveries->seen);
}

static void on_time(void *arg)
{
    (void)arg; /* a turn that waits ends */
}

bool deliveries_wait_ready(struct deliveries *deliveries, int64_t wait_ms, struct err *err)
{
    int64_t until = clock_mono_ms() + wait_ms;
    struct loop_timer *timer = loop_timer_create(deliveries->parts->loop, on_time, NULL);

    while (!claims_is_ready(deliveries->claims) && clock_mono_ms() < until) {
        loop_timer_start(timer, LOOK_MS);
        loop_turn(deliveries->parts->loop, true);
    }
    loop_timer_destroy(timer);
    return claims_is_ready(deliveries->claims) || err_set(err, "%s", claims_state_reason(deliveries->claims));
}

/* --- what became of them ------------------------------------------------------------------------------------------ */

static const char *locale_of(const struct task *task, enum channel channel)
{
    const struct parcel *parcel = task->parcel;

    return task->is_rendered ? task->message.locale
                             : catalog_choose_locale(parcel->catalog, task->flow, channel, &parcel->event);
}

static enum report_kind kind_of(const struct task *task)
{
    if (task->is_repeated) {
        return REPORT_DONE;
    }
    if (task->settle_as == 'P' || task->settle_as == 'U') {
        return REPORT_LATER;
    }
    if (task->settle_as == 'H') {
        return REPORT_HELD;
    }
    if (task->settle_as == 'X') {
        return task->outcome == OUTCOME_EXPIRED ? REPORT_EXPIRED : REPORT_SUPPRESSED;
    }
    return task->outcome == OUTCOME_DEAD ? REPORT_BROKEN : REPORT_SEND;
}

static void count(struct deliveries *deliveries, const struct task *task, enum channel channel)
{
    struct report_delivery delivery = {
        .flow = task->flow->name,
        .channel = channel,
        .locale = locale_of(task, channel),
        .kind = kind_of(task),
        .reason = task->reason,
        .segments = task->message.segments,
        .number = task->message.to,
    };
    char place[REPLAY_PLACE_SIZE];

    if (delivery.kind == REPORT_DONE) {
        delivery.reason = outcome_state_name(task->outcome);
    }
    report_count(&deliveries->report, &delivery);
    replay_format_place(deliveries->parts, &task->parcel->record, place);
    if (delivery.kind == REPORT_BROKEN && report_wants_example(&deliveries->report, task->reason)) {
        report_add_example(&deliveries->report, place, delivery.flow, channel, task->reason, task->detail);
    }
    if (delivery.kind == REPORT_SEND && task->is_rendered && deliveries->files) {
        message_files_add(deliveries->files, place, task, &deliveries->problem);
    }
}

static enum channel channel_of(const struct deliveries *deliveries, const struct parcel *parcel)
{
    return parcel->pipeline == deliveries->pipelines[CHANNEL_EMAIL] ? CHANNEL_EMAIL : CHANNEL_SMS;
}

static void on_done(void *arg, struct parcel *parcel, bool is_complete)
{
    struct deliveries *deliveries = arg;

    (void)is_complete;
    for (size_t i = 0; i < parcel->task_count; i++) {
        count(deliveries, &parcel->tasks[i], channel_of(deliveries, parcel));
    }
}

void deliveries_add_pipeline(struct deliveries *deliveries, const struct pipeline_parts *parts)
{
    struct pipeline_parts all = *parts;

    all.is_as_of_event = deliveries->parts->options->is_as_of_event;
    all.loop = deliveries->parts->loop;
    all.claims = deliveries->claims;
    all.templates = deliveries->templates;
    all.topics = deliveries->parts->topics;
    all.metrics = deliveries->metrics;
    deliveries->pipelines[parts->channel] = pipeline_create(&all, on_done, deliveries);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void count_bad(struct deliveries *deliveries, const struct replay_item *item, const char *reason,
                      const char *problem)
{
    char place[REPLAY_PLACE_SIZE];

    report_count_bad(&deliveries->report, reason);
    if (report_wants_example(&deliveries->report, reason)) {
        replay_format_place(deliveries->parts, item->record, place);
        report_add_example(&deliveries->report, place, "", CHANNEL_EMAIL, reason, problem);
    }
}

static void count_again(struct deliveries *deliveries, const struct delivery *delivery, enum channel channel,
                        const struct catalog *catalog, const struct event *event)
{
    report_count(&deliveries->report, &(struct report_delivery){
                                          .flow = delivery->flow->name,
                                          .channel = channel,
                                          .locale = catalog_choose_locale(catalog, delivery->flow, channel, event),
                                          .kind = REPORT_DONE,
                                          .reason = "repeated_in_range",
                                      });
}

static void submit(struct deliveries *deliveries, const struct replay_item *item, const struct plan *plan,
                   enum channel channel, struct catalog *catalog)
{
    const struct kafka_record place = {.topic = item->record->topic,
                                       .partition = item->record->partition,
                                       .offset = item->record->offset,
                                       .timestamp_ms = item->record->timestamp_ms};
    const struct delivery *fresh[PLAN_MOST_DELIVERIES];
    struct parcel *parcel;
    size_t fresh_count = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (mid_set_add(&deliveries->seen, &plan->deliveries[i].mid)) {
            fresh[fresh_count++] = &plan->deliveries[i];
        } else {
            count_again(deliveries, &plan->deliveries[i], channel, catalog, &item->event);
        }
    }
    if (fresh_count == 0) {
        return;
    }
    parcel = parcel_create(&place);
    parcel->is_only_here = true;
    parcel->is_event = true;
    parcel->catalog = catalog_ref(catalog);
    event_share(&item->event, &parcel->event);
    parcel_add_tasks(parcel, fresh_count);
    for (size_t i = 0; i < fresh_count; i++) {
        parcel->tasks[i].mid = fresh[i]->mid;
        parcel->tasks[i].flow = fresh[i]->flow;
    }
    pipeline_submit(deliveries->pipelines[channel], parcel);
}

bool deliveries_take(struct replay_sink *sink, const struct replay_item *item, struct err *err)
{
    struct deliveries *deliveries = (struct deliveries *)sink;
    struct catalog *catalog = templates_current(deliveries->templates);
    bool is_known = false, is_planned = false, is_bad = false;

    if (!item->is_event) {
        count_bad(deliveries, item, item->reason, item->problem);
        return true;
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct err problem = {0};
        const char *reason = "";
        struct plan plan;

        if (!deliveries->pipelines[channel]) {
            continue;
        }
        if (!plan_make(catalog, &item->event, (enum channel)channel, &plan, &reason, &problem)) {
            if (!is_bad) { /* the DLQ gets a record once, whatever the channels */
                count_bad(deliveries, item, reason, problem.text);
            }
            is_bad = true;
            continue;
        }
        is_known |= plan.is_known_type;
        is_planned |= plan.count > 0;
        submit(deliveries, item, &plan, (enum channel)channel, catalog);
    }
    deliveries->report.unknown_type += !is_known && !is_bad;
    deliveries->report.unplanned += is_known && !is_planned && !is_bad;
    return !err_is_set(&deliveries->problem) || err_set(err, "%s", deliveries->problem.text);
}

/* Calls to claims that cannot be used wait inside: for a person that must end. */
static bool check_claims(struct deliveries *deliveries, struct err *err)
{
    int64_t now = clock_mono_ms();

    if (!deliveries->claims || claims_is_ready(deliveries->claims)) {
        deliveries->not_ready_since = 0;
        return true;
    }
    if (!deliveries->not_ready_since) {
        deliveries->not_ready_since = now;
    }
    return now - deliveries->not_ready_since < SILENCE_MS ||
           err_set(err, "%s", claims_state_reason(deliveries->claims));
}

bool deliveries_count_open(struct replay_sink *sink, int64_t *open, bool *is_full, struct err *err)
{
    struct deliveries *deliveries = (struct deliveries *)sink;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (deliveries->pipelines[channel]) {
            *open += (int64_t)pipeline_parcel_count(deliveries->pipelines[channel]);
        }
    }
    *is_full = *open >= MOST_OPEN;
    if (err_is_set(&deliveries->problem)) {
        return err_set(err, "%s", deliveries->problem.text);
    }
    return *open == 0 || check_claims(deliveries, err);
}

bool deliveries_complete(struct replay_sink *sink, struct err *err)
{
    struct deliveries *deliveries = (struct deliveries *)sink;

    return !deliveries->files || message_files_write(deliveries->files, err);
}

/* --- report ------------------------------------------------------------------------------------------------------- */

bool deliveries_report(struct deliveries *deliveries, const struct replay_tally *tally, struct report_facts *facts,
                       FILE *to)
{
    const char *notes[MOST_NOTES + 1] = {NULL};
    char out_note[400];
    const struct report *report = &deliveries->report;
    int64_t expired = report_total(report, REPORT_EXPIRED);
    size_t note_count = 0;

    for (; facts->notes[note_count] && note_count < MOST_NOTES - 3; note_count++) {
        notes[note_count] = facts->notes[note_count];
    }
    if (expired > report_total(report, REPORT_SEND) && !deliveries->parts->options->is_as_of_event) {
        notes[note_count++] = "most is too old by now; --as-of event judges each event at its own time";
    }
    if (mid_set_is_full(&deliveries->seen)) {
        notes[note_count++] = "too many deliveries to recognise all that were asked for twice in this range";
    }
    if (deliveries->files) {
        snprintf(out_note, sizeof(out_note),
                 "all messages are in %.200s/messages.ndjson; open %.100s/index.html to look at some",
                 deliveries->parts->options->out, deliveries->parts->options->out);
        notes[note_count++] = out_note;
    }
    facts->notes = notes;
    facts->source = deliveries->parts->source_name;
    facts->version = catalog_version(templates_current(deliveries->templates));
    if (deliveries->parts->options->is_json) {
        report_print_json(&deliveries->report, tally, facts, to);
    } else {
        report_print_text(&deliveries->report, tally, facts, to);
    }
    return report_total(report, REPORT_BROKEN) == 0;
}
