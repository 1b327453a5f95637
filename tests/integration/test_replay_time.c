/*
 * An hour of a topic by its time stamps: what `perkline replay` and `perkline capture` read of it, what `--produce`
 * copies and at which pace, and that a topic which workers consume is safe from copies. On a real Kafka times are
 * looked up there, and no group is left behind.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { MINUTES = 60, MEMBERS = 7, MINUTE_MS = 60000, HALF_MS = MINUTE_MS / 2 };
enum { BEGINNING = -1, END = -2 }; /* instead of a time since the first record */

struct world {
    struct system *system;
    int64_t begin_ms; /* time stamp of the first record */
    char *groups;     /* that were there before */
};

/* --- the hour ----------------------------------------------------------------------------------------------------- */

/* A record a minute, of one member after the other, with its number as a header. */
static void publish_hour(const struct world *world)
{
    for (int i = 0; i < MINUTES; i++) {
        char *value = events_note(i % MEMBERS, i), key[16], number[16];
        struct kafka_header header = {"x-number", {number, 0}};
        struct kafka_tool_message message = {.partition = -1,
                                             .value = slice_of(value),
                                             .headers = &header,
                                             .header_count = 1,
                                             .timestamp_ms = world->begin_ms + (int64_t)i * MINUTE_MS};

        header.value.len = (size_t)snprintf(number, sizeof(number), "%d", i);
        snprintf(key, sizeof(key), "m%d", i % MEMBERS);
        message.key = slice_of(key);
        kafka_tool_publish(world->system->kafka, system_topic(world->system, "events"), &message);
        free(value);
    }
    kafka_tool_flush(world->system->kafka);
}

static char *groups_of(const struct world *world)
{
    return getenv("KAFKA_BOOTSTRAP") ? kafka_tool_list_groups(world->system->kafka, world->system->prefix) : xstrdup("");
}

static int set_up(void **state)
{
    const struct system_options options = {0};
    struct world *world = xcalloc(1, sizeof(*world));

    world->system = system_create(&options);
    world->begin_ms = clock_wall_ms() - INT64_C(2) * MINUTES * MINUTE_MS;
    world->groups = groups_of(world);
    publish_hour(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    system_destroy(world->system);
    free(world->groups);
    free(world);
    return 0;
}

static void assert_no_group_is_left(const struct world *world)
{
    char *groups = groups_of(world);

    assert_string_equal(groups, world->groups);
    free(groups);
}

/* --from or --to for a time since the first record. */
static const char *place_of(const struct world *world, int64_t since_ms, char text[CLOCK_ISO_SIZE])
{
    if (since_ms == BEGINNING || since_ms == END) {
        return since_ms == BEGINNING ? "beginning" : "end";
    }
    clock_format_iso(world->begin_ms + since_ms, text);
    return text;
}

/* --- ranges ------------------------------------------------------------------------------------------------------- */

static void exactly_the_records_of_a_time_are_read(void **state)
{
    static const struct {
        int64_t from, to;
        int records;
    } cases[] = {
        {BEGINNING, END, MINUTES},
        {0, 60 * MINUTE_MS, MINUTES},
        {15 * MINUTE_MS, 45 * MINUTE_MS, 30},
        {15 * MINUTE_MS + 1, 45 * MINUTE_MS + 1, 30},
        {30 * MINUTE_MS + HALF_MS, END, 29},
        {BEGINNING, HALF_MS, 1},
        {59 * MINUTE_MS, END, 1},
        {-30 * MINUTE_MS, 0, 0},
        {60 * MINUTE_MS, END, 0},
    };
    const struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char from_text[CLOCK_ISO_SIZE], to_text[CLOCK_ISO_SIZE], captured[40];
        const char *from = place_of(world, cases[i].from, from_text), *to = place_of(world, cases[i].to, to_text);
        json_t *report = command_run_json(
            world->system, (const char *const[]){"replay", "--offline", "--from", from, "--to", to, "--json", NULL});

        if (json_integer_value(json_object_get(report, "records")) != cases[i].records) {
            fail_msg("case %zu: %lld records instead of %d", i,
                     (long long)json_integer_value(json_object_get(report, "records")), cases[i].records);
        }
        json_decref(report);
        if (cases[i].records) {
            snprintf(captured, sizeof(captured), " %d events", cases[i].records);
            command_check(
                world->system,
                (const char *const[]){"capture", "--from", from, "--to", to, "--out", "/dev/null", "--yes", NULL}, 0,
                captured);
        }
    }
    assert_no_group_is_left(world);
}

/* The embedded broker cannot look up times; a real one is asked, and no record is read in vain. */
static void times_are_looked_up_where_the_broker_can(void **state)
{
    const struct world *world = *state;
    int status;
    char *output =
        command_run(world->system, (const char *const[]){"replay", "--offline", "--from", "-1h", NULL}, &status);

    assert_int_equal(status, 0);
    assert_int_equal(strstr(output, "cannot look up times") == NULL, getenv("KAFKA_BOOTSTRAP") != NULL);
    free(output);
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

struct copies {
    const struct world *world;
    int first, last; /* numbers of the records that are there to be copied */
    bool is_there[MINUTES];
    int last_of_member[MEMBERS]; /* order holds for each */
    int count;
};

static struct slice header_of(const struct kafka_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return record->headers[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

static void look_at_copy(void *arg, const struct kafka_record *record)
{
    struct copies *copies = arg;
    struct slice text = header_of(record, "x-number");
    char number_text[16], key[16], stamp[32], id[32];
    int number;

    assert_non_null(text.data);
    snprintf(number_text, sizeof(number_text), "%.*s", (int)text.len, text.data);
    number = (int)strtol(number_text, NULL, 10);
    assert_in_range(number, copies->first, copies->last);
    assert_false(copies->is_there[number]);
    copies->is_there[number] = true;
    copies->count++;
    snprintf(key, sizeof(key), "m%d", number % MEMBERS);
    assert_true(slice_is(record->key, key));
    assert_int_equal(record->timestamp_ms, copies->world->begin_ms + (int64_t)number * MINUTE_MS);
    snprintf(stamp, sizeof(stamp), "%lld", (long long)record->timestamp_ms);
    assert_true(slice_is(header_of(record, "perkline-original-timestamp"), stamp));
    snprintf(id, sizeof(id), "\"note-%d-%d\"", number % MEMBERS, number);
    assert_non_null(memmem(record->value.data, record->value.len, id, strlen(id)));
    assert_true(number >= copies->last_of_member[number % MEMBERS]);
    copies->last_of_member[number % MEMBERS] = number;
}

/* The last half hour, at each pace into a topic of its own. */
static void copies_keep_key_headers_time_and_order_at_any_pace(void **state)
{
    static const struct {
        const char *topic, *option, *pace;
    } cases[] = {{"copy.full", NULL, NULL}, {"copy.rate", "--rate", "100/s"}, {"copy.speed", "--speed", "7200x"}};
    const struct world *world = *state;
    char from[CLOCK_ISO_SIZE];

    clock_format_iso(world->begin_ms + INT64_C(30) * MINUTE_MS, from);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *topic = system_topic(world->system, cases[i].topic);
        struct copies copies = {.world = world, .first = 30, .last = MINUTES - 1};

        system_make_topic(world->system, cases[i].topic);
        command_check(
            world->system,
            (const char *const[]){"replay", "--from", from, "--produce", topic, cases[i].option, cases[i].pace, NULL},
            0, "30 produced, 0 failed");
        kafka_tool_read(world->system->kafka, topic, look_at_copy, &copies);
        assert_int_equal(copies.count, 30);
    }
    assert_no_group_is_left(world);
}

struct oddities {
    int count, tombstones;
};

static void look_at_oddity(void *arg, const struct kafka_record *record)
{
    struct oddities *oddities = arg;
    struct slice header = header_of(record, "x-trace");

    oddities->count++;
    if (!record->value.data) {
        oddities->tombstones++;
        assert_true(slice_is(record->key, "k"));
        assert_true(slice_is(header, "\x01\x02"));
    } else {
        assert_null(record->key.data);
        assert_true(slice_is(record->value, "no event \xff"));
    }
}

static void what_is_no_event_is_copied_too(void **state)
{
    const struct world *world = *state;
    const struct kafka_header header = {"x-trace", SLICE("\x01\x02")};
    char *source = xstrdup(system_topic(world->system, "odd"));
    char *target = xstrdup(system_topic(world->system, "odd.copy"));
    const struct kafka_tool_message tombstone = {
        .partition = 1, .key = SLICE("k"), .headers = &header, .header_count = 1};
    const struct kafka_tool_message plain = {.partition = -1, .value = SLICE("no event \xff")};
    struct oddities oddities = {0};

    system_make_topic(world->system, "odd");
    system_make_topic(world->system, "odd.copy");
    kafka_tool_publish(world->system->kafka, source, &tombstone);
    kafka_tool_publish(world->system->kafka, source, &plain);
    kafka_tool_flush(world->system->kafka);
    command_check(world->system, (const char *const[]){"replay", "--topic", source, "--produce", target, NULL}, 0,
                  "2 produced, 0 failed");
    kafka_tool_read(world->system->kafka, target, look_at_oddity, &oddities);
    assert_int_equal(oddities.count, 2);
    assert_int_equal(oddities.tombstones, 1);
    free(source);
    free(target);
}

/* A capture of the topic says where each record came from, and when: its copies say so, too. */
static void a_captured_file_is_copied_with_its_times(void **state)
{
    const struct world *world = *state;
    char *file = temp_dir_path(world->system->dir, "hour.ndjson");
    const char *topic = system_topic(world->system, "copy.file");
    struct copies copies = {.world = world, .first = 0, .last = MINUTES - 1};

    system_make_topic(world->system, "copy.file");
    command_check(world->system,
                  (const char *const[]){"capture", "--out", file, "--yes", "--keep", "key,data.member.id", NULL}, 0,
                  " 60 events");
    command_check(world->system,
                  (const char *const[]){"replay", "--input", file, "--produce", topic, "--rate", "2000/s", NULL}, 0,
                  "60 produced, 0 failed");
    kafka_tool_read(world->system->kafka, topic, look_at_copy, &copies);
    assert_int_equal(copies.count, MINUTES);
    free(file);
}

/* --- the guard ---------------------------------------------------------------------------------------------------- */

static void a_topic_that_workers_consume_is_refused(void **state)
{
    const struct world *world = *state;
    char *events = xstrdup(system_topic(world->system, "events"));
    char *retry = xstrdup(system_topic(world->system, "retry.1m"));
    int64_t before = kafka_tool_count(world->system->kafka, events);

    command_check(world->system, (const char *const[]){"replay", "--produce", events, NULL}, 1,
                  "say --yes when that is meant");
    command_check(world->system, (const char *const[]){"replay", "--produce", retry, NULL}, 1,
                  "say --yes when that is meant");
    assert_int_equal(kafka_tool_count(world->system->kafka, events), before);
    command_check(
        world->system,
        (const char *const[]){"replay", "--produce", events, "--yes", "--limit", "3", "--speed", "1000000x", NULL}, 0,
        "3 produced, 0 failed");
    assert_int_equal(kafka_tool_count(world->system->kafka, events), before + 3);
    free(events);
    free(retry);
}

static bool is_other_refused(void *arg)
{
    const struct world *world = arg;
    const char *const words[] = {"replay", "--produce", system_topic(world->system, "other"), "--limit", "1", NULL};
    int status;
    char *output = command_run(world->system, words, &status);
    bool is_refused = status == 1 && strstr(output, "worker ") && strstr(output, " consumes ");

    free(output);
    return is_refused;
}

/* The settings of the command do not name it, but the workers do. */
static void a_topic_that_some_worker_says_it_consumes_is_refused(void **state)
{
    const struct world *world = *state;
    char *topics = xasprintf("KAFKA_TOPICS=%s", system_topic(world->system, "other"));

    system_make_topic(world->system, "other");
    system_start_ready_worker(world->system, 0, (const char *const[]){topics, NULL});
    assert_true(poll_until(is_other_refused, *state));
    assert_int_equal(system_stop_worker(world->system, 0), 0);
    free(topics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_records_of_a_time_are_read),
        cmocka_unit_test(times_are_looked_up_where_the_broker_can),
        cmocka_unit_test(copies_keep_key_headers_time_and_order_at_any_pace),
        cmocka_unit_test(what_is_no_event_is_copied_too),
        cmocka_unit_test(a_captured_file_is_copied_with_its_times),
        cmocka_unit_test(a_topic_that_workers_consume_is_refused),
        cmocka_unit_test(a_topic_that_some_worker_says_it_consumes_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
