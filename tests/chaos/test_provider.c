/* T18 to T21, T29: a provider that fails in every way there is, that drops connections, that says "done already" and "too
 * many", and that forgets its keys. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"

enum { CONNECTIONS = 16 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=16", NULL};

/* --- T18 ---------------------------------------------------------------------------------------------------------- */

/* The twelve, each struck with 5 %, and what an attempt comes to that meets one: the table of classes. */
static const struct {
    const char *kind;
    const char *verdict;
} storm[] = {
    {"http_400", "not_sent_permanent"}, {"http_408", "ambiguous"},      {"http_409", "ambiguous"},
    {"http_425", "not_sent_transient"}, {"http_429", "not_sent_transient"}, {"http_500", "ambiguous"},
    {"http_503_after", "ambiguous"},    {"hang_after_accept", "ambiguous"}, {"reset_after", "ambiguous"},
    {"close_before", "ambiguous"},      {"garbage", "ambiguous"},       {"empty_201", "sent"},
};
enum { KINDS = sizeof(storm) / sizeof(storm[0]) };

/* What the sandbox answered, and what the worker took it for, summed by verdict. */
struct tally {
    const char *verdict;
    int64_t answered;
    double counted;
};

static const char *verdict_of(const char *answer)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t len = strlen(storm[i].kind);

        if (strncmp(answer, storm[i].kind, len) == 0 && (answer[len] == '\0' || answer[len] == ' ')) {
            return storm[i].verdict;
        }
    }
    return strcmp(answer, "201") == 0 || strcmp(answer, "400 duplicate_parameter") == 0 ? "sent" : "?";
}

static int64_t compare_verdicts(struct scene *scene)
{
    struct tally tallies[] = {{"sent", 0, 0}, {"not_sent_permanent", 0, 0}, {"not_sent_transient", 0, 0}, {"ambiguous", 0, 0}};
    json_t *stats = system_ask_sandbox(scene->system, "stats");
    int64_t different = 0;
    const char *answer;
    json_t *count;

    for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++) {
        char label[48];

        json_object_foreach(json_object_get(stats, "answers"), answer, count) {
            tallies[i].answered += strcmp(verdict_of(answer), tallies[i].verdict) == 0 ? json_integer_value(count) : 0;
            different += i == 0 && strcmp(verdict_of(answer), "?") == 0 ? json_integer_value(count) : 0;
        }
        snprintf(label, sizeof(label), "verdict=\"%s\"", tallies[i].verdict);
        tallies[i].counted = system_metric(scene->system, 0, "perkline_provider_requests_total", label);
        different += llabs(tallies[i].answered - (int64_t)tallies[i].counted);
        if (tallies[i].answered != (int64_t)tallies[i].counted) {
            print_error("%s: %lld answers, %.0f attempts counted\n", tallies[i].verdict, (long long)tallies[i].answered,
                        tallies[i].counted);
        }
    }
    json_decref(stats);
    return different;
}

static void set_storm(struct scene *scene, double probability)
{
    struct buf json;

    buf_init(&json, 0);
    buf_appendf(&json, "{\"seed\":%lld,\"faults\":[", (long long)scene->seed);
    for (size_t i = 0; i < KINDS; i++) {
        buf_appendf(&json, "%s{\"kind\":\"%s\",\"probability\":%.3f}", i ? "," : "", storm[i].kind, probability);
    }
    buf_append_text(&json, "]}");
    system_set_faults(scene->system, buf_text(&json));
    buf_finish(&json);
}

static void every_kind_of_fault_at_five_percent(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=16", "CHAOS_HURRY=20", "BREVO_KEY_TTL=20s", "BREVO_VISIBILITY_LAG=2s",
                                      "BREVO_QUESTIONS_PER_HOUR=360000", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env});
    int64_t different;
    bool is_fine;

    (void)state;
    set_storm(scene, 0.05);
    scene_publish(scene, 100, 1, scene_is_long() ? 100 : 10);
    scene_start_worker(scene, 0, 1, NULL);
    scene_wait_idle(scene);
    different = compare_verdicts(scene);
    scene->rules.dead_most = (size_t)scene->published;
    is_fine = scene_judge(scene) && different == 0;
    scene_report("T18", "provider storm, 12 kinds of fault at 5 % each", is_fine,
                 "%d events, %zu requests, %zu lost, %zu duplicates, %zu dead (refused for good), %lld classified otherwise",
                 scene->published, scene->figures.requests, scene->figures.missing, scene->figures.duplicates,
                 scene->figures.dead, (long long)different);
    assert_true(is_fine);
    assert_in_range(scene->figures.dead, 1, scene->published / 4);
    scene_destroy(scene);
}

/* --- T19, T20 ----------------------------------------------------------------------------------------------------- */

/* libcurl repeats a request by itself when a connection that it used before dies without an answer: it must not. */
static void a_reused_connection_that_dies_is_one_request(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = worker_env});
    int64_t duplicate_answers, attempts;
    json_t *stats;
    bool is_fine;

    (void)state;
    system_set_faults(scene->system, "{\"seed\":3,\"faults\":[{\"kind\":\"close_after\",\"probability\":0.15},"
                                     "{\"kind\":\"close_before\",\"probability\":0.1}]}");
    scene_publish(scene, 100, 1, 6);
    scene_start_worker(scene, 0, 1, NULL);
    scene_wait_idle(scene);
    attempts = (int64_t)system_metric(scene->system, 0, "perkline_provider_requests_total", "");
    stats = system_ask_sandbox(scene->system, "stats");
    duplicate_answers =
        json_integer_value(json_object_get(json_object_get(stats, "answers"), "400 duplicate_parameter"));
    json_decref(stats);
    is_fine = scene_judge(scene);
    scene_report("T19", "connections that die after each request", is_fine && attempts == (int64_t)scene->figures.requests,
                 "%d events, %lld attempts, %zu requests at the provider, %zu lost, %zu duplicates", scene->published,
                 (long long)attempts, scene->figures.requests, scene->figures.missing, scene->figures.duplicates);
    scene_report("T20", "Brevo's duplicate_parameter counts as sent", is_fine && duplicate_answers > 0,
                 "%lld such answers, %zu of %d sent", (long long)duplicate_answers, scene->figures.sent, scene->published);
    assert_true(is_fine);
    assert_int_equal(attempts, scene->figures.requests);
    assert_true(duplicate_answers > 0);
    assert_int_equal(scene->figures.sent, scene->published);
    scene_destroy(scene);
}

/* --- T21 ---------------------------------------------------------------------------------------------------------- */

/* The provider remembers a key for two seconds, and the lease of the dead is over after three: the key is not to be trusted
 * any more, so the provider is asked. */
static void a_key_that_has_expired_is_not_used_again(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=16", "BREVO_KEY_TTL=2s", "BREVO_VISIBILITY_LAG=1s",
                                      "BREVO_QUESTIONS_PER_HOUR=360000", NULL};
    static const char *const args[] = {"--key-ttl-s", "2", "--latency-ms", "100", "--visibility-lag-ms", "300", NULL};
    struct scene *scene =
        scene_create(&(struct scene_options){.channels = "email", .worker_env = env, .sandbox_args = args});
    double questions;
    bool is_fine;

    (void)state;
    scene_publish(scene, 60, 1, 5);
    for (int i = 0; i < 4; i++) {
        scene_start_worker(scene, 0, 1, NULL);
        scene_wait_accepted(scene, 40);
        scene_kill_worker(scene, 0);
    }
    scene_start_worker(scene, 0, 1, NULL);
    scene_wait_idle(scene);
    questions = system_metric(scene->system, 0, "perkline_provider_questions_total", "");
    is_fine = scene_judge(scene);
    scene_report("T21", "takeover after the key's life", is_fine && questions > 0,
                 "%d events, 4 kills, %.0f questions, %zu lost, %zu duplicates, %zu held", scene->published, questions,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_EMAIL]);
    assert_true(is_fine);
    assert_true(questions > 0);
    scene_destroy(scene);
}

/* --- T29 ---------------------------------------------------------------------------------------------------------- */

static void too_many_is_heard_by_all_workers(void **state)
{
    enum { WORKERS = 2, PER_SECOND = 50 };
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = worker_env});
    int64_t requests, accepted, seconds;
    bool is_fine;

    (void)state;
    system_set_faults(scene->system, "{\"rate\":50,\"faults\":[]}");
    scene_publish(scene, 100, 1, 5);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    is_fine = scene_judge(scene);
    requests = (int64_t)scene->figures.requests;
    accepted = (int64_t)scene->figures.accepted;
    seconds = accepted / PER_SECOND + 1;
    /* after a refusal each worker may have its connections on the wire once more */
    scene_report("T29", "a provider that takes 50 a second and answers 429 to the rest", is_fine,
                 "%lld accepted in about %lld s, %lld refused (%.1f a second and worker), %zu lost, %zu duplicates",
                 (long long)accepted, (long long)seconds, (long long)(requests - accepted),
                 (double)(requests - accepted) / (double)seconds / WORKERS, scene->figures.missing,
                 scene->figures.duplicates);
    assert_true(is_fine);
    assert_in_range(requests - accepted, 0, seconds * WORKERS * CONNECTIONS);
    scene_destroy(scene);
}

static bool has_refused(void *arg)
{
    return scene_count(arg, "requests") > scene_count(arg, "accepted");
}

/* When the provider first said "too many", and what it was asked afterwards. */
struct refusals {
    int64_t first_ms, resumed_ms; /* resumed: the first that it took after the reset */
    int late;                     /* refused more than LATE_MS after the first */
};
enum { RESET_MS = 3000, LATE_MS = 100 };

static struct refusals look_at_refusals(const struct history *history)
{
    struct refusals found = {.first_ms = -1, .resumed_ms = -1};

    for (size_t i = 0; i < history_count_requests(history); i++) {
        const struct history_request *request = history_get_request(history, i);

        if (!request->is_accepted && found.first_ms < 0) {
            found.first_ms = request->at_ms;
        } else if (!request->is_accepted && request->at_ms > found.first_ms + LATE_MS) {
            found.late++;
        } else if (request->is_accepted && found.first_ms >= 0 && found.resumed_ms < 0) {
            found.resumed_ms = request->at_ms;
        }
    }
    return found;
}

/* All are refused from some moment on, with a reset in 3 s, and none any more when that is over. */
static void a_reset_is_waited_for(void **state)
{
    enum { WORKERS = 2 };
    static const char *const env[] = {"HTTP_CONNECTIONS=16", "EMAIL_RATE=200", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env});
    struct refusals found;
    bool is_fine;

    (void)state;
    scene_publish(scene, 100, 1, 10);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene_wait_accepted(scene, 100);
    system_set_faults(scene->system, "{\"faults\":[{\"kind\":\"http_429\",\"ms\":3000}]}");
    is_fine = poll_until(has_refused, scene);
    poll_pause_ms(RESET_MS - 500);
    system_set_faults(scene->system, "{\"faults\":[]}");
    is_fine = scene_judge(scene) && is_fine;
    found = look_at_refusals(scene->history);
    scene_report(
        "T29", "429 with a reset in 3 s",
        is_fine && found.late <= WORKERS && found.resumed_ms - found.first_ms >= RESET_MS,
        "%d events, %d refused more than %d ms after the first, sends again %lld ms after the reset (goal 500), %zu "
        "lost, %zu duplicates",
        scene->published, found.late, LATE_MS, (long long)(found.resumed_ms - found.first_ms - RESET_MS),
        scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    assert_true(found.resumed_ms - found.first_ms >= RESET_MS); /* asked for no earlier than it was told to */
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_fault_at_five_percent),
        cmocka_unit_test(a_reused_connection_that_dies_is_one_request),
        cmocka_unit_test(a_key_that_has_expired_is_not_used_again),
        cmocka_unit_test(too_many_is_heard_by_all_workers),
        cmocka_unit_test(a_reset_is_waited_for),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
