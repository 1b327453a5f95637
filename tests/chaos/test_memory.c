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
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"

/* The libraries whose allocations fail into our code. librdkafka is none of them: it aborts. */
static const char libraries[] =
    "FAIL_MALLOC_IN=libjansson,libcurl,libhiredis,libyaml,libuv,libicu,libmicrohttpd,libcrypto,libssl";

enum { START_CASES = 24, EVENT_CASES = 3, SHARES_MOST = 8, CASE_MS = 30000, SANITIZER_STATUS = 99, ALL = 1000000000 };

static const char *const scene_env[] = {"HTTP_CONNECTIONS=2", "WINDOW=8", "REQUEST_TIMEOUT=1s", "CLAIM_LEASE=3s",
                                        "BREVO_VISIBILITY_LAG=1s", "BREVO_QUESTIONS_PER_HOUR=360000", "CHAOS_HURRY=60",
                                        "LOG_LEVEL=info", NULL};

struct tally {
    int cases, ended, in_hiredis, went_on, wrong, events;
    long counted;
    size_t missing, duplicates, held;
};

/* The long form takes every one, in shares that run side by side (CHAOS_SHARES, two), each with a system of its own. */
struct share {
    int index, count;
};

/* --- workers whose allocations fail -------------------------------------------------------------------------------- */

/* at 0: none yet. */
static struct process *start_worker(struct scene *scene, long at)
{
    char *folder = xmemdup(system_binary(), strlen(system_binary()) - strlen("perkline"));
    char *preload = xasprintf("LD_PRELOAD=%stests/chaos/preload/fail_malloc.so", folder);
    char *number = xasprintf("FAIL_MALLOC_AT=%ld", at);
    const char *const env[] = {libraries, preload, number,
                               "ASAN_OPTIONS=verify_asan_link_order=0:exitcode=99", NULL};
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

/* In a process of its own an assertion would go on with the next test. */
static void expect_line(struct process *worker, const char *text)
{
    if (!process_wait_for_output(worker, text)) {
        die("the worker does not say \"%s\"", text);
    }
}

/* How many allocations were counted since the start, or since the last number was told. */
static long ask_count(struct process *worker)
{
    char *number;
    long count;

    tell(worker, 0);
    expect_line(worker, "fail_malloc: counted ");
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
 * dictionary, a string that is none. A death as any other, but not one of ours; the address sanitizer tells the signal. */
static bool is_death_in_hiredis(int status, const char *output)
{
    bool is_signal = status == PROCESS_WAS_KILLED || (status == SANITIZER_STATUS && strstr(output, "AddressSanitizer: SEGV"));

    return is_signal && strstr(output, " fails, libhiredis");
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
        fprintf(stderr, "ended with %d:\n%s\n", status, output + (len > 4000 ? len - 4000 : 0));
    }
    free(output);
}

/* One that went on leaves nothing behind when it is asked to end: the leak sanitizer looks. Or it comes to it only now. */
static void take_end_in_good_order(struct scene *scene, struct tally *tally)
{
    if (system_stop_worker(scene->system, 0) == 0) {
        tally->went_on++;
    } else {
        take_end(scene, tally);
    }
}

/* Between two numbers of a share. */
static long stride_of(long count, long cases, struct share share)
{
    return scene_is_long() ? share.count : count > cases ? count / cases : 1;
}

static long first_of(struct scene *scene, long stride, struct share share)
{
    return scene_is_long() ? 1 + share.index : 1 + (long)random_below(&scene->random, (uint64_t)stride);
}

/* --- shares ------------------------------------------------------------------------------------------------------- */

typedef void (*share_fn)(struct share share, struct tally *tally);

static void add_tally(struct tally *sum, const struct tally *tally)
{
    sum->cases += tally->cases;
    sum->ended += tally->ended;
    sum->in_hiredis += tally->in_hiredis;
    sum->went_on += tally->went_on;
    sum->wrong += tally->wrong;
    sum->events += tally->events;
    sum->counted = tally->counted;
    sum->missing += tally->missing;
    sum->duplicates += tally->duplicates;
    sum->held += tally->held;
}

static int share_count(void)
{
    const char *text = getenv("CHAOS_SHARES");
    long count = text ? strtol(text, NULL, 10) : 2;

    return !scene_is_long() || count < 1 ? 1 : count > SHARES_MOST ? SHARES_MOST : (int)count;
}

/* Each share in a process; one that does not come to its end counts as wrong. */
static struct tally run_shares(share_fn fn)
{
    struct tally sum = {0}, tally;
    int fds[2], count = share_count();

    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            tally = (struct tally){0};
            fn((struct share){i, count}, &tally);
            _exit(write(fds[1], &tally, sizeof(tally)) == sizeof(tally) ? 0 : 1);
        }
    }
    close(fds[1]);
    for (int i = 0; i < count; i++) {
        bool is_there = read(fds[0], &tally, sizeof(tally)) == sizeof(tally);

        sum.wrong += !is_there;
        if (is_there) {
            add_tally(&sum, &tally);
        }
    }
    close(fds[0]);
    while (wait(NULL) > 0) {
    }
    return sum;
}

static void take_judgement(struct scene *scene, struct tally *tally)
{
    tally->wrong += !scene_judge(scene);
    tally->missing = scene->figures.missing;
    tally->duplicates = scene->figures.duplicates;
    tally->held = scene->figures.held[CHANNEL_SMS];
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
        take_end_in_good_order(scene, tally);
    }
}

static void fail_while_starting(struct share share, struct tally *tally)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = scene_env});
    long stride;

    start_worker(scene, 0);
    system_wait_ready(scene->system, 0);
    tally->counted = ask_count(scene->system->workers[0]);
    scene_kill_worker(scene, 0);
    stride = stride_of(tally->counted, START_CASES, share);
    for (long at = first_of(scene, stride, share); at <= tally->counted; at += stride) {
        fail_at_start(scene, at, tally);
    }
    scene_publish(scene, 10, 1, 1);
    scene_start_worker(scene, 0, 1, NULL);
    take_judgement(scene, tally);
    scene_destroy(scene);
}

static void an_allocation_fails_while_a_worker_starts(void **state)
{
    struct tally tally = run_shares(fail_while_starting);

    (void)state;
    scene_report("T33", "an allocation fails while a worker starts", tally.wrong == 0,
                 "%d of %ld, %d ended with a line that says why, %d died in hiredis, %d went on, %d otherwise; then "
                 "%zu lost, %zu duplicates",
                 tally.cases, tally.counted, tally.ended, tally.in_hiredis, tally.went_on, tally.wrong, tally.missing,
                 tally.duplicates);
    assert_int_equal(tally.wrong, 0);
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

    if (!scene->system->workers[0] || has_ended(scene)) {
        system_set_faults(scene->system, "{\"faults\":[]}"); /* a repeat that is refused says nothing of the first attempt */
        start_worker(scene, 0);
        system_wait_ready(scene->system, 0);
        scene_wait_idle(scene); /* what the one before left */
    }
    worker = scene->system->workers[0];
    system_set_faults(scene->system, faults);
    tell(worker, (int)at);
    snprintf(told, sizeof(told), "number %ld is to fail", at);
    expect_line(worker, told);
    publish_kind(scene, kind, seq);
    if (!poll_until_within(is_done_or_ended, scene, CASE_MS)) {
        print_error("%s, allocation %ld: the worker neither ends nor finishes\n", kind->name, at);
        tally->wrong++;
    }
    has_come = has_failed(scene);
    tally->cases += has_come;
    if (has_ended(scene)) {
        take_end(scene, tally);
    } else if (has_come) {
        take_end_in_good_order(scene, tally);
    }
    scene_note_fault(scene, "no memory", from_ms);
    free(faults);
    return has_come;
}

static void fail_in_kind(struct scene *scene, const struct kind *kind, struct share share, int *seq, struct tally *tally)
{
    long counted, stride, at;

    fail_in_event(scene, kind, ALL, ++*seq, tally);
    counted = ask_count(scene->system->workers[0]);
    scene_kill_worker(scene, 0);
    tally->counted += counted;
    stride = stride_of(counted, EVENT_CASES, share);
    at = first_of(scene, stride, share);
    while (at <= counted && fail_in_event(scene, kind, at, ++*seq, tally)) {
        at += stride;
    }
}

static void fail_in_events(struct share share, struct tally *tally)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = scene_env});
    int seq = 0;

    for (size_t i = 0; i < KINDS; i++) {
        fail_in_kind(scene, &kinds[i], share, &seq, tally);
    }
    if (!has_ended(scene)) {
        scene_kill_worker(scene, 0);
    }
    system_set_faults(scene->system, "{\"faults\":[]}");
    scene_start_worker(scene, 0, 1, NULL);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)(tally->cases + (int)KINDS);
    scene->rules.dead_most = 4 * (size_t)seq;
    scene->rules.suppressed_most = 2 * (size_t)seq;
    take_judgement(scene, tally);
    tally->events = seq;
    scene_destroy(scene);
}

static void an_allocation_fails_in_an_event_of_each_kind(void **state)
{
    struct tally tally = run_shares(fail_in_events);

    (void)state;
    scene_report("T33", "an allocation fails in an event of each kind", tally.wrong == 0,
                 "%d kinds, %d of %ld, %d ended with a line that says why, %d died in hiredis, %d went on, %d "
                 "otherwise; %d events, %zu lost, %zu duplicates, %zu SMS held",
                 (int)KINDS, tally.cases, tally.counted, tally.ended, tally.in_hiredis, tally.went_on, tally.wrong, tally.events,
                 tally.missing, tally.duplicates, tally.held);
    assert_int_equal(tally.wrong, 0);
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
