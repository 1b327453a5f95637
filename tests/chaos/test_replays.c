/* T22 to T24, T26: bad input, topics that are read again, with and without what Redis knew, and a long lag. */
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
#include "base/number.h"
#include "base/settings.h"
#include "tests/chaos/scene.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"

static const char *const worker_env[] = {"HTTP_CONNECTIONS=64", "LOG_LEVEL=warn", NULL};

/* --- T23, T24 ----------------------------------------------------------------------------------------------------- */

struct again {
    struct scene *scene;
    char group[160];
    int64_t began_ms;
    int64_t before_ms; /* the last look at which nothing was skipped yet */
    int64_t all_ms;    /* the first at which all was; 0: not yet */
    double whole_rate, rate; /* events a second: from the start of the process, and at least this from the first on */
};

static bool has_read_all(void *arg)
{
    struct again *again = arg;

    return kafka_tool_lag(again->scene->system->kafka, again->group, system_topic(again->scene->system, "events"),
                          again->scene->system->options.partitions) == 0;
}

/* Of what the worker counts, since the commits come once a second. */
static bool has_skipped_all(void *arg)
{
    struct again *again = arg;
    int64_t looked_ms = clock_mono_ms();
    double count = system_metric(again->scene->system, 0, "perkline_duplicates_prevented_total", "");

    if (count <= 0) {
        again->before_ms = looked_ms;
    }
    again->all_ms = clock_mono_ms();
    return count >= again->scene->published;
}

/* The whole topic once more, by a group that nobody knows. */
static bool read_again(struct scene *scene, int number, struct again *again)
{
    char group_env[180];
    const char *const env[] = {group_env, "LOG_LEVEL=info", NULL};
    int64_t now_ms = clock_mono_ms();

    *again = (struct again){.scene = scene, .began_ms = now_ms, .before_ms = now_ms};
    snprintf(group_env, sizeof(group_env), "KAFKA_GROUP=%s-again%d", scene->system->prefix, number);
    snprintf(again->group, sizeof(again->group), "%s-again%d-email", scene->system->prefix, number);
    scene_start_worker(scene, 0, 1, env);
    if (!poll_until(has_skipped_all, again) || !poll_until(has_read_all, again)) {
        return false;
    }
    again->whole_rate = (double)scene->published * 1000 / (double)(clock_mono_ms() - again->began_ms);
    again->rate = (double)scene->published * 1000 / (double)(again->all_ms - again->before_ms);
    return true;
}

/* Seconds since midnight of the line of the log that tells of `event`; -1 when there is none. */
static double time_of(const struct process *process, const char *event)
{
    char *output = process_output(process);
    char *at = strstr(output, event);
    int hours, minutes;
    double seconds = -1;

    while (at && at > output && at[-1] != '\n') {
        at--;
    }
    if (!at || sscanf(at, "{\"time\":\"%*d-%*d-%*dT%d:%d:%lf", &hours, &minutes, &seconds) != 3) {
        free(output);
        return -1;
    }
    free(output);
    return hours * 3600 + minutes * 60 + seconds;
}

static void a_topic_is_read_again_and_again(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = worker_env});
    int64_t requests, after_replay, after_loss, outcomes, outcomes_after;
    struct again again[3];
    double rebuild_s;
    bool is_fine;

    (void)state;
    scene_publish(scene, 500, 1, scene_is_long() ? 60 : 12);
    scene_start_worker(scene, 0, 1, NULL);
    scene_wait_idle(scene);
    requests = scene_count(scene, "requests");
    outcomes = kafka_tool_count(scene->system->kafka, system_topic(scene->system, "outcomes"));
    process_kill(scene->system->workers[0]);
    is_fine = read_again(scene, 1, &again[0]);
    process_kill(scene->system->workers[0]);
    is_fine &= read_again(scene, 2, &again[1]);
    process_kill(scene->system->workers[0]);
    after_replay = scene_count(scene, "requests") - requests;
    scene_begin_redis_loss(scene);
    redis_server_command(scene->system->redis, "FLUSHALL");
    scene_end_redis_loss(scene);
    is_fine &= read_again(scene, 3, &again[2]);
    rebuild_s = time_of(scene->system->workers[0], "\"recovery_done\"") - time_of(scene->system->workers[0], "\"recovery_begun\"");
    after_loss = scene_count(scene, "requests") - requests - after_replay;
    outcomes_after = kafka_tool_count(scene->system->kafka, system_topic(scene->system, "outcomes"));
    is_fine &= scene_judge(scene);
    scene_report("T23", "the whole topic read twice more, by new groups", is_fine && after_replay == 0,
                 "%d events, %lld requests, at least %.0f and %.0f events/s (goal 20000); %.0f and %.0f with the start of the "
                 "process and the last commit", scene->published, (long long)after_replay, again[0].rate, again[1].rate,
                 again[0].whole_rate, again[1].whole_rate);
    scene_report("T24", "and once more after Redis was emptied", is_fine && after_loss == 0,
                 "%d events, %lld requests, %lld further outcomes, rebuilt %.0f outcomes/s", scene->published,
                 (long long)after_loss, (long long)(outcomes_after - outcomes), (double)outcomes_after / rebuild_s);
    assert_true(is_fine);
    assert_int_equal(after_replay, 0);
    assert_int_equal(after_loss, 0);
    scene_destroy(scene);
}

/* --- T22 ---------------------------------------------------------------------------------------------------------- */

static const char *const poison[] = {
    "",
    "not json at all",
    "{\"specversion\":\"1.0\"",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]",
    "{\"specversion\":\"1.0\",\"id\":\"x\",\"id\":\"y\",\"source\":\"/t\",\"type\":\"test.note\",\"data\":{}}",
    "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/t\",\"type\":\"test.other\",\"data\":[1,2]}",
    "\xff\xfe\x00\x01",
    "{\"specversion\":\"1.0\",\"id\":7,\"source\":\"/t\",\"type\":\"test.note\",\"data\":{\"member\":{}}}",
};
enum { POISONS = sizeof(poison) / sizeof(poison[0]) };

static void bad_input_among_good_events(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = worker_env});
    const int rounds = 10, each = 2;
    bool is_fine;

    (void)state;
    for (int round = 1; round <= rounds; round++) {
        scene_publish(scene, 100, round, round);
        for (int i = 0; i < each; i++) {
            events_publish(scene->system, "bad", poison[random_below(&scene->random, POISONS)]);
        }
    }
    kafka_tool_flush(scene->system->kafka);
    for (int i = 0; i < 3; i++) { /* each kill may repeat a record of the DLQ, under the same mid */
        scene_start_worker(scene, 0, 1, NULL);
        scene_wait_accepted(scene, 200);
        scene_kill_worker(scene, 0);
    }
    scene_start_worker(scene, 0, 1, NULL);
    is_fine = scene_judge(scene);
    scene_report("T22", "malformed records among events, with kills", is_fine,
                 "%d events and %d that are none: each of those on the DLQ, %zu lost, %zu duplicates", scene->published,
                 rounds * each, scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* Events that kill whoever renders them: found out, and put aside. */
static void events_that_kill_workers(void **state)
{
    enum { KILLERS = 3, MOST_CRASHES = 6, DEADLINE_MS = 100000 };
    static const char *const env[] = {"CHAOS_POISON=m666", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = worker_env});
    int64_t end_ms = clock_mono_ms() + DEADLINE_MS;
    int crashes = 0;
    bool is_fine;

    (void)state;
    scene_publish(scene, 100, 1, 1);
    for (int i = 1; i <= KILLERS; i++) {
        events_publish_note(scene->system, 6660 + i, 1);
    }
    scene_publish(scene, 100, 2, 2);
    scene_start_worker(scene, 0, 1, env);
    while (!system_is_idle(scene->system) && clock_mono_ms() < end_ms) {
        if (process_status(scene->system->workers[0]) != PROCESS_RUNS) {
            scene_kill_worker(scene, 0); /* writes it down */
            crashes++;
            scene_start_worker(scene, 0, 1, env);
        }
        poll_pause_ms(20);
    }
    scene->rules.dead_most = KILLERS;
    is_fine = scene_judge(scene) && scene->figures.dead == KILLERS;
    scene_report("T22", "events that kill whoever renders them", is_fine && crashes <= KILLERS * MOST_CRASHES,
                 "%d killers among %d events: %d crashes (%.1f for each), %zu on the DLQ, %zu lost, %zu duplicates", KILLERS,
                 scene->published, crashes, (double)crashes / KILLERS, scene->figures.dead, scene->figures.missing,
                 scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* --- T26 ---------------------------------------------------------------------------------------------------------- */

/* KiB, from /proc. */
static int64_t memory_of(struct scene *scene, const char *what)
{
    struct err err = {0};
    char path[64];
    char *text, *at;
    int64_t kib = -1;

    snprintf(path, sizeof(path), "/proc/%d/status", process_id(scene->system->workers[0]));
    text = settings_read_file(path, 1 << 16, NULL, &err);
    at = text ? strstr(text, what) : NULL;
    kib = at ? strtoll(at + strlen(what) + 1, NULL, 10) : -1;
    free(text);
    return kib;
}

enum { LAG_MEMBERS = 1000, LAG_ROUNDS_MOST = 1000 };

struct lag_outcomes {
    bool is_sent[LAG_MEMBERS][LAG_ROUNDS_MOST];
    int64_t sent, others; /* deliveries; outcomes of another kind, or of nobody's note */
};

static void note_lag_outcome(void *arg, const struct kafka_record *record)
{
    struct lag_outcomes *outcomes = arg;
    json_t *json = json_loadb(record->value.data, record->value.len, 0, NULL);
    const char *state = json_string_value(json_object_get(json, "state"));
    const char *id = json_string_value(json_object_get(json_object_get(json, "event"), "id"));
    int member, round;

    if (!state || strcmp(state, "sent") != 0 || !id || sscanf(id, "note-%d-%d", &member, &round) != 2 || member < 1 ||
        member > LAG_MEMBERS || round < 1 || round > LAG_ROUNDS_MOST) {
        outcomes->others++;
    } else if (!outcomes->is_sent[member - 1][round - 1]) {
        outcomes->is_sent[member - 1][round - 1] = true;
        outcomes->sent++;
    }
    json_decref(json);
}

/* How often the worker said so. */
static int count_lines(const struct process *process, const char *event)
{
    char *output = process_output(process);
    int count = 0;

    for (const char *at = output; (at = strstr(at, event)); at++) {
        count++;
    }
    free(output);
    return count;
}

/* Nobody lost and nobody twice: each note has the outcome "sent", and the provider took as many as there are notes. */
static void a_long_lag_is_worked_off_in_bounded_memory(void **state)
{
    enum { PARTITIONS = 64, TOPICS = 5, RSS_MOST_KIB = 128 << 10 };
    static const char *const env[] = {"HTTP_CONNECTIONS=128", NULL};
    static const char *const args[] = {"--fast", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env, .sandbox_args = args,
        .partitions = PARTITIONS, .is_group = true, .is_unwatched = true});
    /* the embedded broker keeps 5 MiB of a partition */
    const int rounds = !scene_is_long() ? 100 : scene->system->broker ? 300 : LAG_ROUNDS_MOST;
    struct lag_outcomes *outcomes = xcalloc(1, sizeof(*outcomes));
    int64_t began_ms, rss, accepted;
    int assigned, revoked;
    double took_s;
    bool is_fine;

    (void)state;
    scene_publish(scene, LAG_MEMBERS, 1, rounds);
    began_ms = clock_mono_ms();
    scene_start_worker(scene, 0, 1, NULL);
    is_fine = scene_wait_idle_within(scene, scene_is_long() ? 1800000 : 240000);
    took_s = (double)(clock_mono_ms() - began_ms) / 1000;
    rss = memory_of(scene, "VmHWM:");
    accepted = scene_count(scene, "accepted");
    assigned = count_lines(scene->system->workers[0], "\"event\":\"assigned\"");
    revoked = count_lines(scene->system->workers[0], "\"event\":\"revoked\"");
    kafka_tool_read(scene->system->kafka, system_topic(scene->system, "outcomes"), note_lag_outcome, outcomes);
    is_fine = is_fine && outcomes->sent == scene->published && outcomes->others == 0 && accepted == scene->published &&
              assigned == PARTITIONS * TOPICS && revoked == 0;
    scene_report("T26", "a lag over 64 partitions", is_fine && rss <= RSS_MOST_KIB,
                 "%d events, %lld lost, %lld duplicates, %lld otherwise, %.0f events/s, RSS at most %lld MiB (limit 128), "
                 "partitions of 5 topics assigned %d times, revoked %d times",
                 scene->published, (long long)(scene->published - outcomes->sent), (long long)(accepted - outcomes->sent),
                 (long long)outcomes->others, (double)scene->published / took_s, (long long)(rss >> 10), assigned, revoked);
    assert_true(is_fine);
    assert_in_range(rss, 1, RSS_MOST_KIB);
    free(outcomes);
    scene_destroy(scene);
}

/* --- T26, turns --------------------------------------------------------------------------------------------------- */

enum { QUIET = 4, QUIET_FIRST = 500000 };

static void publish_to(struct scene *scene, int32_t partition, int member, int seq)
{
    char *text = events_note(member, seq);
    const struct kafka_tool_message message = {.partition = partition, .value = slice_of(text)};

    kafka_tool_publish(scene->system->kafka, system_topic(scene->system, "events"), &message);
    free(text);
}

static void note_quiet_outcome(void *arg, const struct kafka_record *record)
{
    json_t *json = json_loadb(record->value.data, record->value.len, 0, NULL);
    const char *id = json_string_value(json_object_get(json_object_get(json, "event"), "id"));
    int *sent = arg;
    int member, seq;

    *sent += id && sscanf(id, "note-%d-%d", &member, &seq) == 2 && member >= QUIET_FIRST;
    json_decref(json);
}

/* A provider that takes few, a lag that takes it minutes, and one note on each of some other partitions: counted in messages
 * that leave before, not in seconds. */
static void quiet_partitions_do_not_wait_for_those_with_a_lag(void **state)
{
    enum { PARTITIONS = 16, LAG_EACH = 600, BEFORE_MOST = 400 };
    static const char *const env[] = {"WINDOW=32", "EMAIL_RATE=100", NULL};
    static const char *const args[] = {"--fast", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env, .sandbox_args = args,
        .partitions = PARTITIONS, .is_unwatched = true});
    int sent = 0;

    (void)state;
    for (int seq = 1; seq <= LAG_EACH; seq++) {
        for (int32_t partition = 0; partition < PARTITIONS - QUIET; partition++) {
            publish_to(scene, partition, 16 * partition + seq % 16, seq);
        }
    }
    kafka_tool_flush(scene->system->kafka);
    scene_start_worker(scene, 0, 1, NULL);
    assert_true(scene_wait_accepted(scene, 50));
    for (int32_t i = 0; i < QUIET; i++) {
        publish_to(scene, PARTITIONS - QUIET + i, QUIET_FIRST + i, 1);
    }
    kafka_tool_flush(scene->system->kafka);
    assert_true(scene_wait_accepted(scene, BEFORE_MOST));
    kafka_tool_read(scene->system->kafka, system_topic(scene->system, "outcomes"), note_quiet_outcome, &sent);
    scene_report("T26", "one event each on quiet partitions, while others have a lag of 600", sent == QUIET,
                 "%d of %d left among the next %d of %d", sent, QUIET, BEFORE_MOST, (PARTITIONS - QUIET) * LAG_EACH);
    assert_int_equal(sent, QUIET);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_input_among_good_events),
        cmocka_unit_test(events_that_kill_workers),
        cmocka_unit_test(a_topic_is_read_again_and_again),
        cmocka_unit_test(a_long_lag_is_worked_off_in_bounded_memory),
        cmocka_unit_test(quiet_partitions_do_not_wait_for_those_with_a_lag),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
