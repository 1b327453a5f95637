/* T05: death at every named place of the path, at the first, the second and the tenth time that it is reached, for every kind
 * of provider. One message at a time is in flight, so that it is known what each crash may have done. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "tests/chaos/crash_points.h"
#include "tests/chaos/scene.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"

enum { NOTES = 12, MANY_NOTES = 120, HITS = 3, CASE_MS = 60000, RECONNECT_MS = 10000, LINE = 400, LANES_MOST = 12 };

static const int hits[HITS] = {1, 2, 10};

static const struct personality {
    const char *name;
    const char *channels;
    const char *sms_policy;
    int lanes;
    const char *const *sandbox_args;
} personalities[] = {
    {"P1", "email", NULL, 3, NULL},
    {"P2", "sms", "query", 3, (const char *const[]){"--visibility-lag-ms", "300", NULL}},
    {"P3 hold", "sms", "hold", 3, NULL},
    {"P3 resend", "sms", "resend", 2, NULL},
};
enum { PERSONALITIES = sizeof(personalities) / sizeof(personalities[0]) };

struct lane {
    const struct personality *personality;
    int index; /* of the personality's lanes */
    struct scene *scene;
    int seq;  /* of the notes published last */
    int notes;
    FILE *results;
};

/* --- one case ----------------------------------------------------------------------------------------------------- */

static bool is_done(void *arg)
{
    struct lane *lane = arg;

    return system_lag(lane->scene->system, "events") == 0 && system_lag(lane->scene->system, "retry.1m") == 0;
}

static bool is_dead_or_done(void *arg)
{
    struct lane *lane = arg;

    return process_status(lane->scene->system->workers[0]) != PROCESS_RUNS || is_done(arg);
}

static bool is_dead(void *arg)
{
    struct lane *lane = arg;

    return process_status(lane->scene->system->workers[0]) != PROCESS_RUNS;
}

static enum channel channel_of(const struct lane *lane)
{
    return lane->scene->rules.is_channel_used[CHANNEL_EMAIL] ? CHANNEL_EMAIL : CHANNEL_SMS;
}

static void set_faults(struct lane *lane, const struct crash_point *point)
{
    static const char *const faults[] = {
        [CRASH_PARKING] = "{\"latency_ms\":0,\"faults\":[{\"kind\":\"http_425\",\"probability\":0.3}]}",
        [CRASH_DEAD] = "{\"latency_ms\":0,\"faults\":[{\"kind\":\"http_400\",\"probability\":0.3}]}",
        [CRASH_HOLDING] = "{\"latency_ms\":0,\"faults\":[{\"kind\":\"reset_after\",\"probability\":0.3}]}",
        [CRASH_COMMITTING] = "{\"latency_ms\":5,\"faults\":[]}",
        [CRASH_DRAIN] = "{\"latency_ms\":30,\"faults\":[]}",
        [CRASH_RECONNECT] = "{\"latency_ms\":30,\"faults\":[]}",
        [CRASH_ASKING] = "{\"latency_ms\":0,\"faults\":[]}",
        [CRASH_TAKEOVER] = "{\"latency_ms\":0,\"faults\":[]}",
    };
    const char *json = point->scenario < sizeof(faults) / sizeof(faults[0]) ? faults[point->scenario] : NULL;

    json = point->after_ms ? "{\"latency_ms\":100,\"faults\":[]}" : json;
    system_set_faults(lane->scene->system, json ? json : "{\"latency_ms\":0,\"faults\":[]}");
}

static void start_worker(struct lane *lane, const char *name, int hit, int after_ms)
{
    char *crash = name ? xasprintf("CRASH_AT=%s:%d+%d", name, hit, after_ms) : xstrdup("CRASH_AT");
    const char *const env[] = {crash, NULL};

    scene_start_worker(lane->scene, 0, 1, env);
    free(crash);
}

static void publish(struct lane *lane, const struct crash_point *point)
{
    bool needs_many = point->scenario == CRASH_PARKING || point->scenario == CRASH_DEAD ||
                      point->scenario == CRASH_HOLDING || point->scenario == CRASH_COMMITTING;

    lane->notes = needs_many ? MANY_NOTES : NOTES;
    lane->seq++;
    scene_publish(lane->scene, lane->notes, lane->seq, lane->seq);
}

/* Brings about what the scenario asks for once the worker runs. */
static void stir(struct lane *lane, const struct crash_point *point)
{
    struct system *system = lane->scene->system;

    if (point->scenario == CRASH_RECONNECT) {
        scene_wait_accepted(lane->scene, NOTES - 1);
        redis_server_command(system->redis, "CLIENT KILL TYPE normal");
        poll_until_within(is_dead, lane, RECONNECT_MS); /* the work may be done before the connection is back */
    } else if (point->scenario == CRASH_DRAIN) {
        scene_wait_accepted(lane->scene, 3);
        process_signal(system->workers[0], SIGTERM);
    }
}

/* False: the place was not reached. */
static bool crash_once(struct lane *lane, const struct crash_point *point, int hit)
{
    int64_t from_ms = clock_wall_ms();
    struct system *system = lane->scene->system;

    set_faults(lane, point);
    if (point->scenario == CRASH_REBUILD) {
        scene_begin_redis_loss(lane->scene);
        redis_server_command(system->redis, "FLUSHALL");
        scene_end_redis_loss(lane->scene);
    }
    publish(lane, point);
    if (point->scenario == CRASH_TAKEOVER || point->scenario == CRASH_ASKING) {
        start_worker(lane, "request_allowed", 3, 0);
        poll_until_within(is_dead, lane, CASE_MS);
    }
    start_worker(lane, point->name, hit, point->after_ms);
    stir(lane, point);
    poll_until_within(is_dead_or_done, lane, CASE_MS);
    if (process_status(system->workers[0]) == PROCESS_RUNS) {
        return false;
    }
    scene_note_fault(lane->scene, point->name, from_ms);
    return process_status(system->workers[0]) == PROCESS_WAS_KILLED;
}

struct before {
    int64_t held, duplicates;
};

static struct before look(struct lane *lane)
{
    struct system *system = lane->scene->system;

    return (struct before){kafka_tool_count(system->kafka, system_topic(system, "held")),
                           system_sandbox_count(system, channel_of(lane), "duplicates")};
}

/* What the row of the matrix says, or NULL. */
static const char *find_fault(struct lane *lane, const struct crash_point *point, const struct before *before)
{
    struct before now = look(lane);
    int64_t held = now.held - before->held;
    int64_t duplicates = now.duplicates - before->duplicates;
    bool is_resend = lane->scene->rules.may_resend[CHANNEL_SMS];
    static char text[120];

    snprintf(text, sizeof(text), "%lld held, %lld duplicates", (long long)held, (long long)duplicates);
    if (duplicates > (is_resend && point->may_be_sent)) {
        /* resets leave more than one message without an answer */
        return is_resend && point->scenario == CRASH_HOLDING ? NULL : text;
    }
    if (strcmp(lane->personality->name, "P3 hold") != 0) {
        return held == 0 ? NULL : text;
    }
    if (point->scenario == CRASH_HOLDING) {
        return held >= 1 ? NULL : text;
    }
    return point->held < 0 ? (held <= 1 ? NULL : text) : held == point->held ? NULL : text;
}

static void run_case(struct lane *lane, const struct crash_point *point, int hit)
{
    struct before before = look(lane);
    const char *fault = NULL;

    if (!crash_once(lane, point, hit)) {
        fault = "the place was not reached";
    }
    if (point->scenario == CRASH_DEAD) {
        /* A repeat that is refused says nothing of the first attempt: it would wait until the provider can be asked. */
        system_set_faults(lane->scene->system, "{\"latency_ms\":0,\"faults\":[]}");
    }
    start_worker(lane, NULL, 0, 0);
    if (!poll_until_within(is_done, lane, CASE_MS)) {
        fault = "the work is not done after the restart";
    }
    fault = fault ? fault : find_fault(lane, point, &before);
    scene_kill_worker(lane->scene, 0);
    fprintf(lane->results, "%s\t%s %s:%d+%d on %s: %s\n", fault ? "FAIL" : "ok", point->row, point->name, hit,
            point->after_ms, lane->personality->name, fault ? fault : "as the matrix says");
    fflush(lane->results);
}

/* --- lanes: processes that take the cases of their provider in turn ----------------------------------------------- */

static bool is_case(const struct lane *lane, const struct crash_point *point, int hit)
{
    const char *only = getenv("CHAOS_POINT");

    if (only && strcmp(only, point->name) != 0) {
        return false;
    }
    if (point->is_once && hit > 1) {
        return false;
    }
    if (point->scenario == CRASH_ASKING) {
        return strcmp(lane->personality->name, "P2") == 0;
    }
    return point->scenario != CRASH_HOLDING || strcmp(lane->personality->name, "P3 hold") == 0;
}

static void run_lane(struct lane *lane)
{
    static const char *const env[] = {"WINDOW=1", "HTTP_CONNECTIONS=1", "REQUEST_TIMEOUT=1s", "CLAIM_LEASE=3s",
                                      "BREVO_VISIBILITY_LAG=1s", "BREVO_QUESTIONS_PER_HOUR=360000", "CHAOS_HURRY=60",
                                      "LOG_LEVEL=warn", NULL};
    bool is_fine;
    int number = 0;

    lane->scene = scene_create(&(struct scene_options){
        .channels = lane->personality->channels, .sms_policy = lane->personality->sms_policy, .worker_env = env,
        .sandbox_args = lane->personality->sandbox_args});
    for (size_t i = 0; i < crash_point_count; i++) {
        for (int h = 0; h < HITS; h++) {
            if (is_case(lane, &crash_points[i], hits[h]) && number++ % lane->personality->lanes == lane->index) {
                run_case(lane, &crash_points[i], hits[h]);
            }
        }
    }
    lane->scene->rules.held_most[CHANNEL_SMS] = 1000;
    lane->scene->rules.dead_most = 10000;
    lane->scene->rules.duplicates_most = 1000;
    is_fine = scene_judge_now(lane->scene, system_lag(lane->scene->system, "events"));
    fprintf(lane->results, "%s\tthe history of %s, lane %d (%zu requests)\n", is_fine ? "judged" : "FAIL",
            lane->personality->name, lane->index, lane->scene->figures.requests);
    fflush(lane->results);
    scene_destroy(lane->scene);
}

static FILE *start_lane(const struct personality *personality, int index, pid_t *pid)
{
    struct lane lane = {.personality = personality, .index = index};
    int ends[2];

    if (pipe(ends) != 0 || (*pid = fork()) < 0) {
        die("cannot fork");
    }
    if (*pid == 0) {
        close(ends[0]);
        lane.results = fdopen(ends[1], "w");
        run_lane(&lane);
        exit(0);
    }
    close(ends[1]);
    return fdopen(ends[0], "r");
}

static void every_crash_ends_as_the_matrix_says(void **state)
{
    FILE *lanes[LANES_MOST];
    pid_t pids[LANES_MOST];
    int count = 0, passed = 0, failed = 0, judged = 0;
    char line[LINE];

    (void)state;
    for (size_t p = 0; p < PERSONALITIES; p++) {
        for (int i = 0; i < personalities[p].lanes; i++, count++) {
            lanes[count] = start_lane(&personalities[p], i, &pids[count]);
        }
    }
    for (int i = 0; i < count; i++) {
        int status;

        while (fgets(line, sizeof(line), lanes[i])) {
            passed += strncmp(line, "ok", 2) == 0;
            judged += strncmp(line, "judged", 6) == 0;
            if (strncmp(line, "FAIL", 4) == 0) {
                failed++;
                print_error("%s", line);
            }
        }
        fclose(lanes[i]);
        waitpid(pids[i], &status, 0);
        if (status != 0) {
            print_error("lane %d ended early: %s %d\n", i, WIFSIGNALED(status) ? "signal" : "status",
                        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    scene_report("T05", "crash at every point, 1st, 2nd and 10th time, each kind of provider", failed == 0 && judged == count,
                 "%zu points, %d of %d combinations as the matrix says, %d of %d histories clean", crash_point_count, passed,
                 passed + failed, judged, count);
    assert_int_equal(failed, 0);
    assert_int_equal(judged, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_crash_ends_as_the_matrix_says)};

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
