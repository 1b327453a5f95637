/*
 * The records: from the source, through the filters, into the sink; and how far it has come.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "run/side_record.h"
#include "workers/replay/replay.h"

enum { WAIT_MS = 200, RECORDS_A_TURN = 64, TICK_MS = 200, STOP_LIMIT_MS = 10000 };

struct run {
    const struct replay_parts *parts;
    struct record_source *source;
    struct replay_sink *sink;
    const struct replay_sink_type *type;
    struct replay_tally tally;
    struct progress progress;
    struct loop_timer *ticker; /* so that a turn that waits ends */
    struct loop_signal *on_int, *on_term;
    struct side_record_original original;
    int64_t begun_at;
    int64_t open;
    bool is_full;
};

/* A line of a file that has no place of its own has the file's name for a topic. */
void replay_format_place(const struct replay_parts *parts, const struct record *record, char text[REPLAY_PLACE_SIZE])
{
    if (parts->options->range.input && strcmp(record->topic, parts->source_name) == 0) {
        snprintf(text, REPLAY_PLACE_SIZE, "%s:%" PRId64, record->topic, record->offset);
    } else {
        snprintf(text, REPLAY_PLACE_SIZE, "%s/%d@%" PRId64, record->topic, (int)record->partition, record->offset);
    }
}

/* --- progress ----------------------------------------------------------------------------------------------------- */

static void show_progress(struct run *run, bool is_last)
{
    int64_t spent_ms = clock_mono_ms() - run->begun_at;
    double share = record_source_share(run->source);
    char left[PROGRESS_TIME_SIZE];
    char percent[16] = "";

    if (!progress_is_due(&run->progress, is_last)) {
        return;
    }
    progress_format_left(spent_ms, share, left);
    if (share >= 0) {
        snprintf(percent, sizeof(percent), ", %d %%", (int)(share * 100));
    }
    progress_print(&run->progress, is_last, "%" PRId64 " records, %" PRId64 "/s%s%s%s", run->tally.records,
                   spent_ms > 0 ? run->tally.records * 1000 / spent_ms : 0, percent, left[0] ? ", left " : "", left);
}

static void on_tick(void *arg)
{
    struct run *run = arg;

    loop_timer_start(run->ticker, TICK_MS);
}

static void on_stop_signal(void *arg)
{
    struct run *run = arg;

    run->tally.is_interrupted = true;
}

/* --- one record --------------------------------------------------------------------------------------------------- */

static bool is_wanted(struct run *run, const struct replay_item *item)
{
    const struct replay_options *options = run->parts->options;

    if (!event_range_has_filter(&options->range)) {
        return true;
    }
    if (!item->is_event) {
        run->tally.unreadable++;
        return false;
    }
    if (!event_range_wants(&options->range, &item->event)) {
        run->tally.left_out++;
        return false;
    }
    return true;
}

static bool take(struct run *run, const struct record *record, struct err *err)
{
    const struct replay_options *options = run->parts->options;
    struct replay_item item = {.record = record};
    struct err problem = {0};
    bool is_fine = true;

    run->tally.records++;
    if (options->is_dlq) {
        item.record = side_record_unwrap(record, &run->original);
    }
    if (run->type->needs_events || event_range_has_filter(&options->range)) {
        item.is_event = event_decode(item.record, &item.event, &item.reason, &problem);
        item.problem = problem.text;
    }
    if (is_wanted(run, &item)) {
        run->tally.taken++;
        is_fine = run->type->take(run->sink, &item, err);
        run->tally.is_limited = options->range.limit > 0 && run->tally.taken >= options->range.limit;
    }
    if (item.is_event) {
        event_finish(&item.event);
    }
    return is_fine;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static bool count_open(struct run *run, struct err *err)
{
    run->open = 0;
    run->is_full = false;
    return !run->type->count_open || run->type->count_open(run->sink, &run->open, &run->is_full, err);
}

static bool is_stopped(const struct run *run)
{
    return run->tally.is_interrupted || run->tally.is_limited;
}

/* Some records, and a turn of the loop. */
static bool step(struct run *run, bool *is_end, struct err *err)
{
    const struct record *record = NULL;

    for (int i = 0; i < RECORDS_A_TURN && !run->is_full && !is_stopped(run); i++) {
        if (!record_source_next(run->source, run->open > 0 ? 0 : WAIT_MS, &record, is_end, err)) {
            return false;
        }
        if (!record) {
            break;
        }
        if (!take(run, record, err) || !count_open(run, err)) {
            return false;
        }
    }
    loop_turn(run->parts->loop, run->is_full || (!record && run->open > 0));
    show_progress(run, false);
    return count_open(run, err);
}

static bool drain(struct run *run, struct err *err)
{
    int64_t limit_at = clock_mono_ms() + STOP_LIMIT_MS;

    while (run->open > 0 && !(run->tally.is_interrupted && clock_mono_ms() >= limit_at)) {
        loop_turn(run->parts->loop, true);
        show_progress(run, false);
        if (!count_open(run, err)) {
            return false;
        }
    }
    return !run->type->finish || run->open > 0 || run->type->finish(run->sink, err);
}

static bool read_all(struct run *run, struct err *err)
{
    bool is_end = false;

    while (!is_end && !is_stopped(run)) {
        if (!step(run, &is_end, err)) {
            return false;
        }
    }
    return drain(run, err);
}

static int report(struct run *run, bool is_done, const struct err *err)
{
    bool is_fine;

    run->tally.spent_ms = clock_mono_ms() - run->begun_at;
    show_progress(run, true);
    if (run->tally.is_interrupted) {
        fputs("perkline replay: interrupted; the report is of what was read so far\n", stderr);
    }
    if (!is_done) {
        fprintf(stderr, "perkline replay: %s; the report is of what was read so far\n", err->text);
    }
    is_fine = run->type->report(run->sink, &run->tally, stdout);
    if (fflush(stdout) != 0) {
        perror("perkline replay: standard output");
        return 1;
    }
    return is_done && is_fine ? 0 : 1;
}

int replay_run(const struct replay_parts *parts, struct record_source *source, const struct replay_sink_type *type)
{
    struct run run = {.parts = parts, .source = source, .type = type};
    struct err err = {0};
    bool is_done;
    int status;

    run.tally.note = record_source_note(source);
    run.sink = type->open(parts, &err);
    if (!run.sink) {
        fprintf(stderr, "perkline replay: %s\n", err.text);
        return 1;
    }
    run.ticker = loop_timer_create(parts->loop, on_tick, &run);
    loop_timer_start(run.ticker, TICK_MS);
    run.on_int = loop_signal_create(parts->loop, SIGINT, on_stop_signal, &run);
    run.on_term = loop_signal_create(parts->loop, SIGTERM, on_stop_signal, &run);
    run.begun_at = clock_mono_ms();
    progress_init(&run.progress, stderr);
    is_done = read_all(&run, &err);
    status = report(&run, is_done, &err);
    type->close(run.sink);
    side_record_original_finish(&run.original);
    loop_signal_destroy(run.on_int);
    loop_signal_destroy(run.on_term);
    loop_timer_destroy(run.ticker);
    return status;
}
