/* Each in a child of its own, since there is no way back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"

enum { UNSUPPORTED = 77 };

static char dir[64], allowed[96], other[96];

/* 0, or the number of the first line that is not as it should be. */
static int run_in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(fn());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define EXPECT(what)                                                                                                   \
    if (!(what)) {                                                                                                     \
        fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, strerror(errno));                               \
        return 1;                                                                                                      \
    }

static bool can_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void *try_in_thread(void *arg)
{
    return can_read(arg) ? arg : NULL;
}

static int confine_and_try(void)
{
    const char *const paths[] = {allowed, "/no/such/file", "/usr/lib", NULL};
    struct err err = {0};
    enum confine_result result = confine_files(paths, &err);
    char inside[128];
    pthread_t thread;
    void *read_by_thread = &thread;

    if (result == CONFINE_UNSUPPORTED) {
        return UNSUPPORTED;
    }
    EXPECT(result == CONFINED);
    snprintf(inside, sizeof(inside), "%s/file", allowed);
    EXPECT(can_read(inside));
    EXPECT(can_read(allowed));
    EXPECT(!can_read(other) && errno == EACCES);
    EXPECT(!can_read("/etc/passwd") && errno == EACCES);
    EXPECT(open(inside, O_WRONLY) < 0 && errno == EACCES);
    EXPECT(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
    snprintf(inside, sizeof(inside), "%s/new", allowed);
    EXPECT(open(inside, O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
    EXPECT(mkdir(inside, 0700) < 0 && errno == EACCES);
    EXPECT(unlink(other) < 0 && errno == EACCES);
    EXPECT(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EACCES);
    EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    EXPECT(pthread_create(&thread, NULL, try_in_thread, other) == 0);
    EXPECT(pthread_join(thread, &read_by_thread) == 0 && !read_by_thread);
    return 0;
}

static void only_listed_paths_can_be_read_and_nothing_written_or_run(void **state)
{
    int status;

    (void)state;
    status = run_in_child(confine_and_try);
    if (status == UNSUPPORTED) {
        skip();
    }
    assert_int_equal(status, 0);
}

static int close_memory(void)
{
    struct rlimit core;

    confine_memory(false);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    return 0;
}

static int close_dumps_only(void)
{
    struct rlimit core;

    confine_memory(true);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
    EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0);
    return 0;
}

static void neither_core_dumps_nor_other_processes_see_the_memory(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(close_memory), 0);
    assert_int_equal(run_in_child(close_dumps_only), 0);
}

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs("x", file);
    fclose(file);
}

static int set_up(void **state)
{
    char inside[128];

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/perkline-confine-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(allowed, sizeof(allowed), "%s/allowed", dir);
    snprintf(inside, sizeof(inside), "%s/file", allowed);
    snprintf(other, sizeof(other), "%s/other", dir);
    mkdir(allowed, 0700);
    write_file(inside);
    write_file(other);
    return 0;
}

static int tear_down(void **state)
{
    char inside[128];

    (void)state;
    snprintf(inside, sizeof(inside), "%s/file", allowed);
    unlink(inside);
    unlink(other);
    rmdir(allowed);
    rmdir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_listed_paths_can_be_read_and_nothing_written_or_run),
        cmocka_unit_test(neither_core_dumps_nor_other_processes_see_the_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
