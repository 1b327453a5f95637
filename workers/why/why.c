/*
 * perkline why: what happened to a member, a delivery or an event, and why. For people; `--json` for programs.
 */
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "workers/commands.h"
#include "workers/operator/words.h"
#include "workers/why/story.h"

static const struct args_usage usage = {
    .command = "perkline why",
    .positional = "",
    .summary = "Tells what happened to a delivery, step by step, from the topics and Redis, and says what it does not\n"
               "know. Prints no addresses, names or texts of messages.",
    .most_positional = 0,
};

struct options {
    const char *member, *mid, *event, *since;
    bool has_input, is_json;
    struct mid parsed_mid;
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* --- for people --------------------------------------------------------------------------------------------------- */

static void print_time(const json_t *item)
{
    char time[WORDS_TIME_SIZE];

    words_format_time(json_integer_value(json_object_get(item, "time_ms")), time);
    printf("  %-21s", time);
}

static void print_delivery(const json_t *delivery)
{
    const json_t *timeline = json_object_get(delivery, "timeline");
    const char *flow = text_of(delivery, "flow"), *member = text_of(delivery, "member_id");
    const json_t *item;
    size_t i;

    printf("%s  %s by %s%s%s\n", text_of(delivery, "mid"), flow[0] ? flow : "(flow not known)",
           text_of(delivery, "channel")[0] ? text_of(delivery, "channel") : "(channel not known)",
           member[0] ? " to member " : "", member);
    json_array_foreach((json_t *)(uintptr_t)timeline, i, item) {
        print_time(item);
        puts(text_of(item, "text"));
    }
    printf("  %-21s%s\n\n", "now, says Redis", text_of(json_object_get(delivery, "now"), "text"));
}

static void print_story(const json_t *story)
{
    const json_t *events = json_object_get(story, "events"), *deliveries = json_object_get(story, "deliveries");
    const json_t *unknown = json_object_get(story, "unknown");

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i), *from = json_object_get(event, "from");

        print_time(event);
        printf("event %s (%s) of member %s came into %s, partition %" JSON_INTEGER_FORMAT ", offset %" JSON_INTEGER_FORMAT
               "\n",
               text_of(event, "id"), text_of(event, "type"), text_of(event, "member_id"), text_of(from, "topic"),
               json_integer_value(json_object_get(from, "partition")),
               json_integer_value(json_object_get(from, "offset")));
    }
    if (json_array_size(events)) {
        puts("");
    }
    for (size_t i = 0; i < json_array_size(deliveries); i++) {
        print_delivery(json_array_get(deliveries, i));
    }
    puts(json_array_size(unknown) ? "not known:" : "nothing is missing from this story.");
    for (size_t i = 0; i < json_array_size(unknown); i++) {
        printf("  - %s\n", json_string_value(json_array_get(unknown, i)));
    }
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool make_question(struct options *options, struct story_question *question, struct err *err)
{
    int given = (options->member != NULL) + (options->mid != NULL) + (options->event != NULL);

    *question = (struct story_question){.member = options->member, .event = options->event, .has_input = options->has_input};
    if (given != 1) {
        return err_set(err, "give one of --member, --mid and --event");
    }
    if (options->mid) {
        if (!mid_parse(slice_of(options->mid), &options->parsed_mid)) {
            return err_set(err, "--mid: \"%.40s\" is no mid (32 hex digits)", options->mid);
        }
        question->mid = &options->parsed_mid;
    }
    return (record_place_parse(options->since, clock_wall_ms(), &question->since, err) &&
            (question->since.kind != RECORD_PLACE_OFFSET || err_set(err, "an offset is no time"))) ||
           err_prefix(err, "--since");
}

static bool run(const struct story_question *question, bool is_json, struct err *err)
{
    struct operator operator;
    json_t *story;

    if (!operator_open(&operator, err)) {
        return false;
    }
    story = story_read(&operator, question, err);
    if (story && is_json) {
        json_dumpf(story, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (story) {
        print_story(story);
    }
    operator_close(&operator);
    json_decref(story);
    return story != NULL;
}

int why_command(int argc, char **argv)
{
    struct options o = {.since = "-7d"};
    const struct arg table[] = {
        {"member", ARG_TEXT, &o.member, "ID", "Everything about this member."},
        {"mid", ARG_TEXT, &o.mid, "MID", "Everything about this delivery."},
        {"event", ARG_TEXT, &o.event, "ID", "Everything that came of this event."},
        {"since", ARG_TEXT, &o.since, "TIME", "How far back to look: -30d, 2026-11-01T00:00Z, beginning (-7d)."},
        {"input", ARG_FLAG, &o.has_input, NULL, "Read the input topics too (KAFKA_TOPICS), for the event itself."},
        {"json", ARG_FLAG, &o.is_json, NULL, "Print one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct story_question question;
    struct err err = {0};
    int positional = 0;
    int status = args_read(table, &usage, operator_settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    status = 0;
    if (!make_question(&o, &question, &err)) {
        status = 2;
    } else if (!run(&question, o.is_json, &err)) {
        status = 1;
    }
    if (status) {
        fprintf(stderr, "perkline why: %s\n", err.text);
    }
    return status;
}
