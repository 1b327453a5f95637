/*
 * The dry run: what would be sent, through the real stages up to render. Nothing is sent and nothing is written: Redis
 * is only asked, with a user that may GET and HGET.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "workers/replay/deliveries.h"

enum { REDIS_WAIT_MS = 3000 };

struct dry_run {
    struct deliveries deliveries;
    char redis_note[600]; /* why it is not known what was sent already; "" when it is */
};

static void close_sink(struct replay_sink *sink)
{
    struct dry_run *run = (struct dry_run *)sink;

    deliveries_close_io(&run->deliveries);
    deliveries_finish(&run->deliveries);
    free(run);
}

/* Without Redis it goes on, and says so. */
static bool open_claims(struct dry_run *run, struct err *err)
{
    const struct worker_settings *settings = run->deliveries.parts->settings;
    const struct redis_settings redis = {
        .url = settings->redis_url, .command_timeout_ms = 5000, .connect_timeout_ms = 2000, .reconnect_delay_ms = 200};
    const struct claims_settings claims = {.environment = settings->environment, .only_looks_up = true};
    struct err problem = {0};

    if (run->deliveries.parts->options->is_offline) {
        snprintf(run->redis_note, sizeof(run->redis_note), "what was sent already is not known: --offline");
        return true;
    }
    run->deliveries.claims = claims_open(run->deliveries.parts->loop, &redis, &claims, run->deliveries.metrics, err);
    if (!run->deliveries.claims) {
        return err_prefix(err, "REDIS_URL");
    }
    if (!deliveries_wait_ready(&run->deliveries, REDIS_WAIT_MS, &problem)) {
        snprintf(run->redis_note, sizeof(run->redis_note), "what was sent already is not known: %s", problem.text);
        deliveries_close_io(&run->deliveries);
    } else if (claims_know_nothing(run->deliveries.claims)) {
        snprintf(run->redis_note, sizeof(run->redis_note),
                 "Redis knows no outcome of the environment \"%s\": all of this looks new", settings->environment);
    }
    return true;
}

static struct replay_sink *open_sink(const struct replay_parts *parts, struct err *err)
{
    struct dry_run *run = xcalloc(1, sizeof(*run));
    struct replay_sink *sink = &run->deliveries.sink;

    if (!deliveries_init(&run->deliveries, parts, err) || !open_claims(run, err)) {
        close_sink(sink);
        return NULL;
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (parts->settings->has_channel[channel]) {
            deliveries_add_pipeline(&run->deliveries, &(struct pipeline_parts){
                                                          .is_rehearsal = true,
                                                          .channel = (enum channel)channel,
                                                      });
        }
    }
    if (run->redis_note[0]) {
        fprintf(stderr, "perkline replay: %s\n", run->redis_note);
    }
    return sink;
}

static bool report(struct replay_sink *sink, const struct replay_tally *tally, FILE *to)
{
    struct dry_run *run = (struct dry_run *)sink;
    const char *const notes[] = {run->redis_note[0] ? run->redis_note : NULL, NULL};
    struct report_facts facts = {
        .title = "dry run: nothing was sent, nothing was written",
        .send_name = "would send",
        .mode = "dry_run",
        .notes = notes,
    };

    return deliveries_report(&run->deliveries, tally, &facts, to);
}

const struct replay_sink_type replay_dry_run = {
    .open = open_sink,
    .close = close_sink,
    .take = deliveries_take,
    .count_open = deliveries_count_open,
    .finish = deliveries_complete,
    .report = report,
    .needs_events = true,
};
