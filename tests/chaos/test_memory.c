/* T33: an allocation fails, the n-th for many n, while a worker starts and while it handles one event of each kind. Ours end
 * the process with one clear line (base/mem.h), those of libraries may also fail into our code. Whatever happens: no crash,
 * and a worker with enough memory afterwards finds nothing lost and nothing doubled. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"

/* The libraries whose allocations fail into our code. librdkafka is none of them: it aborts. */
static const char libraries[] = "FAIL_MALLOC_IN=libjansson,libcurl,libhiredis,libyaml,libuv,libicu,libmicrohttpd";

enum { START_CASES = 24, EVENT_CASES = 3, LONG_CASES = 150, CASE_MS = 30000, SANITIZER_STATUS = 99, ALL = 1000000000 };

static const char *const scene_env[] = {"HTTP_CONNECTIONS=2", "WINDOW=8", "REQUEST_TIMEOUT=1s", "CLAIM_LEASE=3s",
                                        "BREVO_VISIBILITY_LAG=1s", "BREVO_QUESTIONS_PER_HOUR=360000", "CHAOS_HURRY=60",
                                        "LOG_LEVEL=info", NULL};

struct tally {
    int cases, ended, in_hiredis, went_on, wrong;
    long counted;
};

/* --- workers whose allocations fail -------------------------------------------------------------------------------- */

/* at 0: none yet. */
static struct process *start_worker(struct scene *scene, long at)
{
    char *folder = xmemdup(system_binary(), strlen(system_binary()) - strlen("perkline"));
    char *preload = xasprintf("LD_PRELOAD=%stests/chaos/preload/fail_malloc.so", folder);
    char *number = xasprintf("FAIL_MALLOC_AT=%ld", at);
    const char *const env[] = {libraries, preload, number,
                               "ASAN_OPTIONS=verify_asan_link_order=0:exitcode=99:detect_leaks=0", NULL};
    struct process *worker = scene_start_worker(scene, 0, 1, env);

    free(folder);
    free(preload);
    free(number);
    return worker;
}

static void tell(struct process *worker, int value)
{
    sigqueue((pid_t)process_id(worker), SIGUSR2, (union sigval){.sival_int = value});
}

/* How many allocations were counted since the start, or since the last number was told. */
static long ask_count(struct process *worker)
{
    char *number;
    long count;

    tell(worker, 0);
    assert_true(process_wait_for_output(worker, "fail_malloc: counted "));
    number = process_find_output(worker, "fail_malloc: counted ", "\n");
    count = strtol(number, NULL, 10);
    free(number);
    return count;
}

static bool has_ended(const struct scene *scene)
{
    return process_status(scene->system->workers[0]) != PROCESS_RUNS;
}

static bool has_failed(const struct scene *scene)
{
    return process_has_printed(scene->system->workers[0], " fails, ");
}

/* hiredis 0.14 does not look whether it got what it asked for, or aborts: an assertion about callbacks, abort() in its
 * dictionary, a string that is none. A death as any other, but not one of ours. */
static bool is_death_in_hiredis(int status, const char *output)
{
    return status == PROCESS_WAS_KILLED && strstr(output, " fails, libhiredis");
}

/* A worker that has ended did so with a line that says why, and not by a signal or a sanitizer. */
static void take_end(struct scene *scene, struct tally *tally)
{
    struct process *worker = scene->system->workers[0];
    char *output = process_output(worker);
    int status = process_status(worker);
    bool is_fine = status > 0 && status != SANITIZER_STATUS &&
                   (strstr(output, "perkline: ") || strstr(output, "perkline worker: "));

    if (is_death_in_hiredis(status, output)) {
        tally->in_hiredis++;
    } else if (is_fine) {
        tally->ended++;
    } else {
        size_t len = strlen(output);

        tally->wrong++;
        print_error("ended with %d:\n%s\n", status, output + (len > 4000 ? len - 4000 : 0));
    }
    free(output);
}

/* The long form takes every one while a worker starts, in an event so many of each kind. */
static long stride_of(long count, long cases)
{
    return count > cases ? count / cases : 1;
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static bool is_ready_or_ended(void *arg)
{
    const struct scene *scene = arg;

    return has_ended(scene) || system_ask_worker(scene->system, 0, "/readyz", NULL) == 200;
}

static void fail_at_start(struct scene *scene, long at, struct tally *tally)
{
    tally->cases++;
    start_worker(scene, at);
    if (!poll_until_within(is_ready_or_ended, scene, CASE_MS)) {
        print_error("allocation %ld: the worker neither ends nor becomes ready\n", at);
        tally->wrong++;
        scene_kill_worker(scene, 0);
    } else if (has_ended(scene)) {
        take_end(scene, tally);
    } else {
        tally->went_on++;
        scene_kill_worker(scene, 0);
    }
}

static void an_allocation_fails_while_a_worker_starts(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = scene_env});
    struct tally tally = {0};
    long stride;
    bool is_fine;

    (void)state;
    start_worker(scene, 0);
    system_wait_ready(scene->system, 0);
    tally.counted = ask_count(scene->system->workers[0]);
    scene_kill_worker(scene, 0);
    stride = stride_of(tally.counted, scene_is_long() ? tally.counted : START_CASES);
    for (long at = 1 + (long)random_below(&scene->random, (uint64_t)stride); at <= tally.counted; at += stride) {
        fail_at_start(scene, at, &tally);
    }
    scene_publish(scene, 10, 1, 1);
    scene_start_worker(scene, 0, 1, NULL);
    is_fine = scene_judge(scene) && tally.wrong == 0;
    scene_report("T33", "an allocation fails while a worker starts", is_fine,
                 "%d of %ld, %d ended with a line that says why, %d died in hiredis, %d went on, %d otherwise; then "
                 "%zu lost, %zu duplicates",
                 tally.cases, tally.counted, tally.ended, tally.in_hiredis, tally.went_on, tally.wrong, scene->figures.missing,
                 scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* --- one event of each kind --------------------------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    const char *faults; /* of the provider: both channels meet each once */
    bool is_refused, is_none;
} kinds[] = {
    {"sent", "", false, false},
    {"unknown", "{\"kind\":\"reset_after\",\"times\":2}", false, false},
    {"refused for now", "{\"kind\":\"http_425\",\"times\":4}", false, false},
    {"dead", "{\"kind\":\"http_400\",\"times\":2}", false, false},
    {"without consent", "", true, false},
    {"no event", "", false, true},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void publish_kind(struct scene *scene, const struct kind *kind, int seq)
{
    static const char consent[] = "\"email\":true,\"sms\":true";
    char key[16];

    if (kind->is_none) {
        events_publish(scene->system, "bad", "{\"specversion\":");
    } else if (kind->is_refused) {
        char *text = events_note(1, seq);
        char *at = strstr(text, consent);
        char *refused = xasprintf("%.*s\"email\":false,\"sms\":false%s", (int)(at - text), text, at + sizeof(consent) - 1);

        snprintf(key, sizeof(key), "m%d", 1);
        events_publish(scene->system, key, refused);
        scene->published++;
        free(text);
        free(refused);
    } else {
        scene_publish(scene, 1, seq, seq);
    }
    kafka_tool_flush(scene->system->kafka);
}

static bool is_done_or_ended(void *arg)
{
    const struct scene *scene = arg;

    return has_ended(scene) || system_is_idle(scene->system);
}

/* False: there are not so many allocations. */
static bool fail_in_event(struct scene *scene, const struct kind *kind, long at, int seq, struct tally *tally)
{
    char *faults = xasprintf("{\"faults\":[%s]}", kind->faults);
    int64_t from_ms = clock_wall_ms();
    struct process *worker;
    char told[64];
    bool has_come;

    if (!scene->system->workers[0] || has_ended(scene) || has_failed(scene)) {
        if (scene->system->workers[0] && !has_ended(scene)) {
            scene_kill_worker(scene, 0);
        }
        system_set_faults(scene->system, "{\"faults\":[]}"); /* a repeat that is refused says nothing of the first attempt */
        start_worker(scene, 0);
        system_wait_ready(scene->system, 0);
        scene_wait_idle(scene); /* what the one before left */
    }
    worker = scene->system->workers[0];
    system_set_faults(scene->system, faults);
    tell(worker, (int)at);
    snprintf(told, sizeof(told), "number %ld is to fail", at);
    assert_true(process_wait_for_output(worker, told));
    publish_kind(scene, kind, seq);
    if (!poll_until_within(is_done_or_ended, scene, CASE_MS)) {
        print_error("%s, allocation %ld: the worker neither ends nor finishes\n", kind->name, at);
        tally->wrong++;
    }
    has_come = has_failed(scene);
    tally->cases += has_come;
    if (has_ended(scene)) {
        take_end(scene, tally);
    } else {
        tally->went_on += has_come;
    }
    scene_note_fault(scene, "no memory", from_ms);
    free(faults);
    return has_come;
}

static void an_allocation_fails_in_an_event_of_each_kind(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = scene_env});
    struct tally tally = {0};
    int seq = 0;
    bool is_fine;

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        long counted, stride, at;

        fail_in_event(scene, &kinds[i], ALL, ++seq, &tally);
        counted = ask_count(scene->system->workers[0]);
        scene_kill_worker(scene, 0);
        tally.counted += counted;
        stride = stride_of(counted, scene_is_long() ? LONG_CASES : EVENT_CASES);
        at = 1 + (long)random_below(&scene->random, (uint64_t)stride);
        while (at <= counted && fail_in_event(scene, &kinds[i], at, ++seq, &tally)) {
            at += stride;
        }
    }
    if (!has_ended(scene)) {
        scene_kill_worker(scene, 0);
    }
    system_set_faults(scene->system, "{\"faults\":[]}");
    scene_start_worker(scene, 0, 1, NULL);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)(tally.cases + (int)KINDS);
    scene->rules.dead_most = 4 * (size_t)seq;
    scene->rules.suppressed_most = 2 * (size_t)seq;
    is_fine = scene_judge(scene) && tally.wrong == 0;
    scene_report("T33", "an allocation fails in an event of each kind", is_fine,
                 "%d kinds, %d of %ld, %d ended with a line that says why, %d died in hiredis, %d went on, %d "
                 "otherwise; %d events, %zu lost, %zu duplicates, %zu SMS held",
                 (int)KINDS, tally.cases, tally.counted, tally.ended, tally.in_hiredis, tally.went_on, tally.wrong, seq,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS]);
    assert_true(is_fine);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_fails_while_a_worker_starts),
        cmocka_unit_test(an_allocation_fails_in_an_event_of_each_kind),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
