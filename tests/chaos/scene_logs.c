#include "tests/chaos/scene_logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/die.h"

enum { SANDBOX_MOST = 100000, MOST_PARTITIONS = 256 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

/* The embedded broker drops the oldest records of a partition that grows over 5 MiB: no history could be told then. */
static void check_whole(bool is_seen[MOST_PARTITIONS], const struct kafka_record *record)
{
    int32_t partition = record->partition;

    if (partition < MOST_PARTITIONS && !is_seen[partition] && record->offset != 0) {
        die("%s %d begins at %lld: the broker has dropped records; use more partitions", record->topic, (int)partition,
            (long long)record->offset);
    }
    is_seen[partition % MOST_PARTITIONS] = true;
}

/* What is no note is no event: the tests publish nothing else. */
static void note_event(void *arg, const struct kafka_record *record)
{
    json_t *json = record->value.data ? json_loadb(record->value.data, record->value.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct history_event event = {
        .partition = record->partition, .offset = record->offset, .at_ms = record->timestamp_ms};

    if (strcmp(text_of(json, "type"), "test.note") == 0) {
        snprintf(event.name, sizeof(event.name), "%s", text_of(json, "id"));
    }
    json_decref(json);
    history_add_event(arg, &event);
}

struct reading {
    struct history *history;
    enum history_side side;
    bool is_seen[MOST_PARTITIONS];
};

static void note_outcome(void *arg, const struct kafka_record *record)
{
    struct reading *reading = arg;
    json_t *json = json_loadb(record->value.data, record->value.len, JSON_REJECT_DUPLICATES, NULL);
    struct history_outcome outcome = {.at_ms = record->timestamp_ms};

    check_whole(reading->is_seen, record);
    if (!json || !channel_parse(slice_of(text_of(json, "channel")), &outcome.channel)) {
        die("an outcome that is no JSON, or has no channel");
    }
    snprintf(outcome.name, sizeof(outcome.name), "%s", text_of(json_object_get(json, "event"), "id"));
    snprintf(outcome.mid, sizeof(outcome.mid), "%s", text_of(json, "mid"));
    snprintf(outcome.state, sizeof(outcome.state), "%s", text_of(json, "state"));
    snprintf(outcome.reason, sizeof(outcome.reason), "%s", text_of(json, "reason"));
    json_decref(json);
    history_add_outcome(reading->history, &outcome);
}

static const struct kafka_header *find_header(const struct kafka_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return &record->headers[i];
        }
    }
    return NULL;
}

static void copy_header(const struct kafka_record *record, const char *name, char *to, size_t size)
{
    const struct kafka_header *header = find_header(record, name);

    snprintf(to, size, "%.*s", header ? (int)header->value.len : 0, header ? header->value.data : "");
}

static void note_aside(void *arg, const struct kafka_record *record)
{
    const struct reading *reading = arg;
    struct history_aside aside = {.side = reading->side, .at_ms = record->timestamp_ms};
    char number[24];

    copy_header(record, "perkline-mid", aside.mid, sizeof(aside.mid));
    copy_header(record, "perkline-partition", number, sizeof(number));
    aside.partition = (int32_t)strtol(number, NULL, 10);
    copy_header(record, "perkline-offset", number, sizeof(number));
    aside.offset = strtoll(number, NULL, 10);
    history_add_aside(reading->history, &aside);
}

/* --- provider ----------------------------------------------------------------------------------------------------- */

/* "2026-11-21T10:00:00.123Z" */
static int64_t parse_time(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!rest) {
        die("the sandbox's time \"%s\" cannot be read", text);
    }
    return (int64_t)timegm(&tm) * 1000 + (*rest == '.' ? strtol(rest + 1, NULL, 10) : 0);
}

/* From what the customer sees: "member7@example.com" or "36200000007", and the number of the note in subject or text. */
static void name_request(const json_t *message, struct history_request *request)
{
    static const char mailbox[] = "member";
    const char *to = text_of(message, "to");
    long member = -1;

    if (request->channel == CHANNEL_SMS) {
        member = strtol(to, NULL, 10) - 36200000000;
    } else if (strncmp(to, mailbox, strlen(mailbox)) == 0) {
        member = strtol(to + strlen(mailbox), NULL, 10);
    }
    snprintf(request->name, sizeof(request->name), "note-%ld-%ld", member, strtol(text_of(message, "subject"), NULL, 10));
}

static void note_request(struct history *history, const json_t *message)
{
    struct history_request request = {
        .is_accepted = json_is_true(json_object_get(message, "accepted")),
        .at_ms = parse_time(text_of(message, "time")),
        .number = json_integer_value(json_object_get(message, "id")),
    };

    if (!channel_parse(slice_of(text_of(message, "channel")), &request.channel)) {
        die("a request without a channel");
    }
    name_request(message, &request);
    snprintf(request.mid, sizeof(request.mid), "%s", text_of(message, "mid"));
    snprintf(request.body_hash, sizeof(request.body_hash), "%s", text_of(message, "body_hash"));
    snprintf(request.answer, sizeof(request.answer), "%s", text_of(message, "answer"));
    history_add_request(history, &request);
}

static void note_requests(struct system *system, struct history *history)
{
    json_t *all;
    json_t *message;
    char path[64];
    size_t i;

    snprintf(path, sizeof(path), "messages?accepted=all&limit=%d", SANDBOX_MOST);
    all = system_ask_sandbox(system, path);
    json_array_foreach(json_object_get(all, "messages"), i, message) {
        note_request(history, message);
    }
    json_decref(all);
}

void scene_logs_collect(struct system *system, struct history *history)
{
    static const struct {
        const char *topic;
        enum history_side side;
    } sides[] = {
        {"retry.1m", HISTORY_PARKED}, {"retry.10m", HISTORY_PARKED}, {"retry.1h", HISTORY_PARKED},
        {"retry.6h", HISTORY_PARKED}, {"dlq", HISTORY_DEAD},         {"held", HISTORY_HELD},
    };

    struct reading outcomes = {.history = history};

    kafka_tool_read(system->kafka, system_topic(system, "events"), note_event, history);
    kafka_tool_read(system->kafka, system_topic(system, "outcomes"), note_outcome, &outcomes);
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        struct reading reading = {.history = history, .side = sides[i].side};

        kafka_tool_read(system->kafka, system_topic(system, sides[i].topic), note_aside, &reading);
    }
    note_requests(system, history);
}
