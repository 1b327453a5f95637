/* T39: too few file descriptors, a full disk for the log, and nobody who reads it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/http_call.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

static int count_descriptors(const struct process *process)
{
    char path[64];
    int count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", process_id(process));
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static void set_descriptors(int pid, rlim_t count)
{
    struct rlimit limit;

    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

enum { LEAST = 64, FEW = 256 };

/* Said at once, rather than found out one after the other. */
static void a_worker_does_not_start_with_64_file_descriptors(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){0});
    struct rlimit usual;
    struct process *worker;
    bool is_fine;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &usual);
    set_descriptors(getpid(), LEAST);
    worker = scene_start_worker(scene, 0, 1, NULL);
    set_descriptors(getpid(), usual.rlim_cur);
    is_fine = process_wait(worker) == 1 &&
              process_has_printed(worker, "perkline worker: 64 files may be open at once, 256 are needed at least");
    scene_report("T39", "64 file descriptors at the start", is_fine, "refused with a line that says how many are needed");
    assert_true(is_fine);
    scene_destroy(scene);
}

/* First as a worker finds them when it starts, and shares them out; then there are 64 while it runs, which has more open. */
static void too_few_file_descriptors(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=128", NULL};
    static const char *const args[] = {"--latency-ms", "50", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env, .sandbox_args = args});
    struct rlimit usual;
    int64_t from_ms, meanwhile, refused;
    int open_before;
    bool is_fine;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &usual);
    set_descriptors(getpid(), FEW);
    scene_start_worker(scene, 0, 1, NULL);
    set_descriptors(getpid(), usual.rlim_cur);
    system_wait_ready(scene->system, 0);
    assert_true(process_has_printed(scene->system->workers[0], "\"connections\":\"64\""));
    scene_publish(scene, 100, 1, 3);
    scene_wait_idle(scene);
    meanwhile = scene_count(scene, "accepted");
    refused = (int64_t)system_metric(scene->system, 0, "perkline_provider_requests_total", "connect");
    from_ms = clock_wall_ms();
    open_before = count_descriptors(scene->system->workers[0]);
    set_descriptors(process_id(scene->system->workers[0]), LEAST);
    scene_publish(scene, 100, 4, 6);
    poll_pause_ms(4000);
    set_descriptors(process_id(scene->system->workers[0]), usual.rlim_cur);
    scene_wait_idle(scene);
    scene_note_fault(scene, "no descriptors", from_ms);
    is_fine = scene_judge(scene) && process_status(scene->system->workers[0]) == PROCESS_RUNS;
    scene_report("T39", "256 file descriptors for 256 connections, then 64", is_fine && refused == 0,
                 "%d events: %lld sent with 256, %lld refused a connection; then 64 of the %d in use for 4 s: %zu lost, %zu "
                 "duplicates, %zu held",
                 scene->published, (long long)meanwhile, (long long)refused, open_before, scene->figures.missing,
                 scene->figures.duplicates, scene->figures.held[CHANNEL_SMS]);
    assert_true(is_fine);
    assert_int_equal(refused, 0);
    assert_int_equal(meanwhile, 600);
    scene_destroy(scene);
}

/* --- the log -------------------------------------------------------------------------------------------------------- */

/* The disk of the log is full in the middle of a line, and has room again later. */
static void the_disk_of_the_log_is_full(void **state)
{
    enum { ROOM = 5000 };
    static const char *const env[] = {"HTTP_CONNECTIONS=8", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env});
    struct rlimit little, usual;
    double dropped, dropped_later;
    char *output;
    bool is_fine;

    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* inherited: a write beyond the limit fails, as on a full disk */
    scene_start_worker(scene, 0, 1, NULL);
    system_wait_ready(scene->system, 0);
    getrlimit(RLIMIT_FSIZE, &usual);
    little = usual;
    output = process_output(scene->system->workers[0]);
    little.rlim_cur = (rlim_t)strlen(output) + ROOM;
    free(output);
    assert_int_equal(prlimit(process_id(scene->system->workers[0]), RLIMIT_FSIZE, &little, NULL), 0);
    scene_publish(scene, 100, 1, 3);
    is_fine = scene_wait_idle(scene);
    dropped = system_metric(scene->system, 0, "perkline_log_lines_dropped_total", "");
    assert_int_equal(prlimit(process_id(scene->system->workers[0]), RLIMIT_FSIZE, &usual, NULL), 0);
    scene_publish(scene, 10, 4, 4);
    is_fine = scene_judge(scene) && is_fine && dropped > 400 && process_status(scene->system->workers[0]) == PROCESS_RUNS;
    dropped_later = system_metric(scene->system, 0, "perkline_log_lines_dropped_total", "") - dropped;
    is_fine = is_fine && dropped_later == 0 && process_has_printed(scene->system->workers[0], "\"id\":\"note-10-4\"");
    scene_report("T39", "the disk of the log is full for a while", is_fine,
                 "%d events, %.0f lines dropped and counted, %.0f when there was room again, %zu lost, %zu duplicates",
                 scene->published, dropped, dropped_later, scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
}

struct drained {
    int fd;
    char text[1 << 16];
};

static bool has_read_latest_note(void *arg)
{
    struct drained *drained = arg;
    ssize_t n = read(drained->fd, drained->text, sizeof(drained->text) - 1);

    drained->text[n > 0 ? n : 0] = '\0';
    return strstr(drained->text, "-3\"") != NULL;
}

/* Whoever reads the log stops reading, goes on, and goes away. */
static void the_reader_of_the_log_stands_still(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=8", "LOG_LEVEL=debug", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env});
    char *path = temp_dir_path(scene->system->dir, "worker0.log");
    char *http = system_free_address();
    char *listen = xasprintf("HTTP_LISTEN=%s", http), *url = xasprintf("http://%s/metrics", http);
    const char *const own[] = {listen, NULL};
    struct drained *drained = xcalloc(1, sizeof(*drained));
    struct buf metrics;
    const char *count;
    bool is_fine, is_read;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    drained->fd = open(path, O_RDONLY | O_NONBLOCK);
    scene_start_worker(scene, 0, 1, own);
    scene_publish(scene, 100, 1, 2);
    is_fine = scene_wait_idle(scene);
    buf_init(&metrics, 0);
    is_fine = http_call("GET", url, NULL, &metrics) == 200 && is_fine;
    count = strstr(buf_text(&metrics), "\nperkline_log_lines_dropped_total ");
    is_fine = is_fine && count && strtol(strchr(count + 1, ' '), NULL, 10) > 100;
    while (read(drained->fd, drained->text, sizeof(drained->text)) > 0) {
    }
    scene_publish(scene, 10, 3, 3);
    is_read = poll_until(has_read_latest_note, drained);
    close(drained->fd);
    scene_publish(scene, 100, 4, 4);
    is_fine = scene_judge(scene) && is_fine && is_read && process_status(scene->system->workers[0]) == PROCESS_RUNS;
    scene_report("T39", "the reader of the log stands still, reads on, goes away", is_fine,
                 "%d events, %ld lines dropped and counted, %s, %zu lost, %zu duplicates", scene->published,
                 count ? strtol(strchr(count + 1, ' '), NULL, 10) : -1, is_read ? "later ones read" : "no later one read",
                 scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    buf_finish(&metrics);
    free(drained);
    free(listen);
    free(url);
    free(http);
    free(path);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_does_not_start_with_64_file_descriptors),
        cmocka_unit_test(too_few_file_descriptors),
        cmocka_unit_test(the_disk_of_the_log_is_full),
        cmocka_unit_test(the_reader_of_the_log_stands_still),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
