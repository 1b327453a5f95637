/*
 * perkline replay: any range of events read again.
 */
#include "workers/replay/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/json_memory.h"
#include "workers/commands.h"
#include "workers/replay/pace.h"

static const struct args_usage usage = {
    .command = "perkline replay",
    .positional = "",
    .summary =
        "Reads a range of events again, from a topic, the DLQ, or a file. By default as a dry run: through the real\n"
        "stages up to render, with a report of what would be sent, per flow, channel and language. It sends nothing,\n"
        "writes nothing, and leaves no trace in Kafka: no group, no offsets. No credentials of a provider are needed.\n"
        "  perkline replay --from -7d                         all of the last seven days\n"
        "  perkline replay --from 2026-11-01 --to 2026-11-02 --type loyalty.signup --json\n"
        "  perkline replay --from -7d --diff new-templates    which messages of last week would be different, and how\n"
        "  perkline replay --from -1h --produce test.events   a copy in another topic\n"
        "  perkline replay --input events.ndjson --offline    a file: one event, or one captured record, in a line\n"
        "  perkline replay --from -1h --sandbox URL           sent for real to a sandbox, in a name space of its own\n"
        "PLACE is beginning, end, a time (2026-11-01T00:00Z), a time before now (-7d, -90m), or an offset. The end is\n"
        "what is there at the start. Redis needs no more than a user with GET, HGET, ROLE and INFO (not --sandbox).\n"
        "Status 1: something is broken, or it could not go on; 2: wrong usage.",
};

/* --- checks ------------------------------------------------------------------------------------------------------- */

static bool check_source(struct replay_options *options, struct err *err)
{
    if (options->is_dlq && (options->range.topic || options->range.input)) {
        return err_set(err, "--dlq, --topic and --input: choose one");
    }
    options->range.is_by_time = options->speed != NULL;
    return event_range_check(&options->range, clock_wall_ms(), err);
}

static bool check_sink(const struct replay_options *options, struct err *err)
{
    size_t id_len = options->id ? strlen(options->id) : 1;

    if (options->id && !options->sandbox) {
        return err_set(err, "--id goes with --sandbox");
    }
    if (options->sandbox && options->is_offline) {
        return err_set(err, "--sandbox needs Redis, so that nothing is sent twice; --offline is for the dry run");
    }
    if (id_len == 0 || id_len >= REPLAY_ID_SIZE ||
        (options->id && strspn(options->id, "abcdefghijklmnopqrstuvwxyz0123456789") != id_len)) {
        return err_set(err, "--id takes 1 to %d of a-z and 0-9", REPLAY_ID_SIZE - 1);
    }
    return true;
}

static bool check_mode(const struct replay_options *options, struct err *err)
{
    struct pace pace;

    if ((options->diff != NULL) + (options->produce != NULL) + (options->sandbox != NULL) > 1) {
        return err_set(err, "--diff, --produce and --sandbox: choose one");
    }
    if (!options->produce && (options->rate || options->speed || options->is_yes)) {
        return err_set(err, "--rate, --speed and --yes are for --produce");
    }
    return pace_init(&pace, options->rate, options->speed, err);
}

static bool check_options(struct replay_options *options, struct err *err)
{
    if (!check_source(options, err) || !check_mode(options, err) || !check_sink(options, err)) {
        return false;
    }
    options->is_as_of_event = options->as_of && strcmp(options->as_of, "event") == 0;
    if (options->as_of && !options->is_as_of_event && strcmp(options->as_of, "now") != 0) {
        return err_set(err, "--as-of takes now or event, not \"%.40s\"", options->as_of);
    }
    return true;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static const struct replay_sink_type *choose_sink(const struct replay_options *options)
{
    return options->sandbox   ? &replay_trial
           : options->diff    ? &replay_diff
           : options->produce ? &replay_produce
                              : &replay_dry_run;
}

static int run(const struct replay_options *options, struct worker_settings *settings)
{
    struct topics topics;
    struct replay_parts parts = {.options = options, .settings = settings, .topics = &topics};
    struct record_source *source = NULL;
    struct err err = {0};
    int status = 1;

    if (topics_init(&topics, settings->kafka_topic_prefix, &err)) {
        source = event_range_open(&options->range, settings, "perkline-replay", options->is_dlq ? topics.dlq : NULL,
                                  &parts.source_name, &err);
    }
    if (source) {
        parts.loop = loop_create();
        status = replay_run(&parts, source, choose_sink(options));
        loop_destroy(parts.loop);
    } else {
        fprintf(stderr, "perkline replay: %s\n", err.text);
    }
    record_source_close(source);
    return status;
}

/* Of a worker's: what a replay reads. The last ones are for --sandbox. */
static const char *const setting_names[] = {
    EVENT_RANGE_SETTINGS, "REDIS_URL", "ENVIRONMENT",    "TEMPLATES_DIR", "DEFAULT_LOCALE",  "CHANNELS",
    "SMS_COSTS",          "EMAIL_FROM", "EMAIL_REPLY_TO", "SMS_FROM",      "REQUEST_TIMEOUT", "CLAIM_LEASE",
    NULL};

int replay_command(int argc, char **argv)
{
    struct replay_options options = {.range = EVENT_RANGE_DEFAULTS};
    const struct arg table[] = {
        EVENT_RANGE_ARGS(&options.range),
        {"dlq", ARG_FLAG, &options.is_dlq, NULL, "What went to the DLQ, as it was when it came in."},
        {"as-of", ARG_TEXT, &options.as_of, "now|event",
         "When max_age is judged: now (default), so that old events count as expired, or each at its own time."},
        {"offline", ARG_FLAG, &options.is_offline, NULL, "Do not ask Redis what was sent already; with --produce: who consumes the topic."},
        {"sandbox", ARG_TEXT, &options.sandbox, "URL",
         "Send for real, to a perkline sandbox; any other address is refused."},
        {"id", ARG_TEXT, &options.id, "ID",
         "With --sandbox: an earlier replay, to go on with it; it is known for a day."},
        {"out", ARG_TEXT, &options.out, "DIR",
         "Write the messages: all in DIR/messages.ndjson, some to look at in DIR/index.html; with --diff: "
          "the changes, side by side."},
        {"diff", ARG_TEXT, &options.diff, "TEMPLATES",
         "List the messages that other templates change: a folder that would come after TEMPLATES_DIR, or what was before it: "
         "git:REVISION, version:DIGITS."},
        {"produce", ARG_TEXT, &options.produce, "TOPIC",
         "Copy to another topic: keys, headers, time stamps (also in the header perkline-original-timestamp, ms)."},
        {"rate", ARG_TEXT, &options.rate, "N/s", "With --produce: at most so many records a second."},
        {"speed", ARG_TEXT, &options.speed, "Nx", "With --produce: so many times as fast as the records came."},
        {"yes", ARG_FLAG, &options.is_yes, NULL, "With --produce: even to a topic that workers consume."},
        {"json", ARG_FLAG, &options.is_json, NULL, "Print the report as one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct worker_settings settings;
    struct err err = {0};
    struct setting shown[sizeof(setting_names) / sizeof(setting_names[0])];
    int positional = 0, status;

    settings_choose(worker_settings_table, setting_names, shown);
    status = args_read(table, &usage, shown, argc, argv, &positional);
    if (status != ARGS_GO_ON) {
        return status;
    }
    if (!check_options(&options, &err)) {
        fprintf(stderr, "perkline replay: %s\n", err.text);
        return 2;
    }
    json_memory_keep();
    log_set_level(LOG_ERROR);
    if (!worker_settings_load(&settings, NULL, &err)) {
        fprintf(stderr, "perkline replay: %s\n", err.text);
        status = 1;
    } else {
        status = run(&options, &settings);
    }
    worker_settings_finish(&settings);
    return status;
}
