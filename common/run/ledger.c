#include "run/ledger.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"

static const struct metric_family consumed_family = {
    "perkline_deliveries_consumed_total", METRIC_COUNTER, "Deliveries that records asked for.", {"channel", NULL}};
static const struct metric_family terminal_family = {
    "perkline_deliveries_terminal_total", METRIC_COUNTER,
    "Deliveries that left this process, by their end: outcome, duplicate, parked, rejected (no event), dropped (not ours "
    "any more).", {"channel", "end", NULL}};
static const struct metric_family open_family = {"perkline_deliveries_open", METRIC_GAUGE,
                                                 "Deliveries in flight in this process.", {"channel", NULL}};
static const struct metric_family age_family = {
    "perkline_oldest_open_record_age_seconds", METRIC_GAUGE,
    "Age of the oldest record in flight, since Kafka took it (parked: since its first attempt); 0 when there is none.",
    {"channel", NULL}};
static const struct metric_family stage_family = {"perkline_stage_seconds", METRIC_HISTOGRAM_FINE,
                                                  "Time that a delivery spent in a stage.", {"channel", "stage", NULL}};

static const struct metric_family duplicates_family = {
    "perkline_duplicates_prevented_total", METRIC_COUNTER,
    "Deliveries asked for again that had their outcome already.", {"channel", NULL}};

enum end { END_OUTCOME, END_DUPLICATE, END_PARKED, END_REJECTED, END_DROPPED, END_COUNT };

static const char *const end_names[END_COUNT] = {"outcome", "duplicate", "parked", "rejected", "dropped"};

struct ledger {
    struct metric *consumed, *duplicates, *terminal[END_COUNT], *open, *age, *stage_seconds[STAGE_COUNT];
};

struct ledger *ledger_create(struct metrics *metrics, enum channel channel, const char *const names[])
{
    struct ledger *ledger = xcalloc(1, sizeof(*ledger));
    const char *const labels[] = {channel_name(channel)};

    ledger->consumed = metrics_get(metrics, &consumed_family, labels);
    ledger->duplicates = metrics_get(metrics, &duplicates_family, labels);
    ledger->open = metrics_get(metrics, &open_family, labels);
    ledger->age = metrics_get(metrics, &age_family, labels);
    for (int end = 0; end < END_COUNT; end++) {
        ledger->terminal[end] = metrics_get(metrics, &terminal_family, (const char *const[]){labels[0], end_names[end]});
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        ledger->stage_seconds[stage] =
            metrics_get(metrics, &stage_family, (const char *const[]){labels[0], names[stage]});
    }
    return ledger;
}

void ledger_destroy(struct ledger *ledger)
{
    free(ledger);
}

void ledger_open(struct ledger *ledger, size_t count)
{
    metric_add(ledger->consumed, (double)count);
}

void ledger_add_stage(struct ledger *ledger, const struct task *task, int64_t now_us)
{
    metric_observe(ledger->stage_seconds[task->stage], (double)(now_us - task->entered_us) / 1e6);
    if (task->is_repeated && (task->stage == STAGE_LOOK_UP || task->stage == STAGE_BEGIN)) {
        metric_add(ledger->duplicates, 1);
    }
}

/* END_COUNT: a way out that the books do not know, so that they will not balance. */
static enum end end_of(const struct task *task, enum stage_exit way)
{
    if (way == EXIT_DROPPED) {
        return END_DROPPED;
    }
    switch (task->stage) {
    case STAGE_LOOK_UP:
    case STAGE_BEGIN:
        return END_DUPLICATE;
    case STAGE_PUBLISH:
        return task->is_repeated ? END_DUPLICATE : END_OUTCOME;
    case STAGE_PARK:
        return END_PARKED;
    case STAGE_SETTLE:
        return task->flow ? END_COUNT : END_REJECTED;
    default:
        return END_COUNT;
    }
}

void ledger_close(struct ledger *ledger, const struct task *task, enum stage_exit way)
{
    enum end end = end_of(task, way);

    if (end < END_COUNT) {
        metric_add(ledger->terminal[end], 1);
    }
}

/* The age since Kafka took it, or, for one that was parked, since its first attempt. */
static int64_t age_ms(const struct parcel *parcel, int64_t now_ms)
{
    int64_t since = parcel->note ? parcel->note->first_at : parcel->record.timestamp_ms;

    return since > 0 && since < now_ms ? now_ms - since : 0;
}

void ledger_show(struct ledger *ledger, const struct parcel *parcels)
{
    const struct parcel *parcel;
    int64_t now_ms = clock_wall_ms();
    int64_t oldest_ms = 0;
    size_t open = 0;

    DL_FOREACH(parcels, parcel)
    {
        int64_t age = age_ms(parcel, now_ms);

        open += parcel->open_tasks;
        oldest_ms = age > oldest_ms ? age : oldest_ms;
    }
    metric_set(ledger->open, (double)open);
    metric_set(ledger->age, (double)oldest_ms / 1000);
}
