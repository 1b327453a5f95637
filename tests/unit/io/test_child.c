#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/child.h"
#include "tests/support/temp_dir.c"
#include "tests/support/wait.c"

struct end {
    struct child *child; /* destroyed by the callback when set */
    int count;
    int status;
    int signum;
};

static void on_end(void *arg, int exit_status, int term_signal)
{
    struct end *end = arg;

    end->count++;
    end->status = exit_status;
    end->signum = term_signal;
    child_destroy(end->child);
    end->child = NULL;
}

static struct child *start_shell(struct loop *loop, const char *script, const char *output, const char *const *env,
                                 struct end *end)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct child_options options = {argv, env, output};
    struct err err = {0};
    struct child *child = child_start(loop, &options, on_end, end, &err);

    if (!child) {
        fail_msg("%s", err.text);
    }
    return child;
}

static char *read_text(const char *path)
{
    static char text[1024];
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void the_exit_status_and_the_output_arrive(void **state)
{
    struct loop *loop = loop_create();
    char *dir = temp_dir_create();
    char *path = temp_dir_path(dir, "out");
    const char *const env[] = {"ADDED=new", "HOME=/nowhere", NULL};
    struct end end = {0};
    const char *script = "echo $ADDED $HOME; echo err >&2; [ -n \"$PATH\" ] && exit 7";
    struct child *child = start_shell(loop, script, path, env, &end);

    (void)state;
    assert_true(child_is_running(child));
    assert_true(child_pid(child) > 0);
    assert_true(wait_for_count(loop, &end.count, 1));
    assert_int_equal(end.status, 7);
    assert_int_equal(end.signum, 0);
    assert_false(child_is_running(child));
    assert_string_equal(read_text(path), "new /nowhere\nerr\n");
    child_signal(child, SIGTERM); /* goes nowhere */
    child_destroy(child);
    loop_destroy(loop);
    free(path);
    temp_dir_destroy(dir);
}

static void signals_reach_the_child_and_its_end_by_one_is_told(void **state)
{
    struct loop *loop = loop_create();
    struct end end = {0};
    struct child *child = start_shell(loop, "exec sleep 1000", NULL, NULL, &end);

    (void)state;
    child_signal(child, SIGTERM);
    assert_true(wait_for_count(loop, &end.count, 1));
    assert_int_equal(end.signum, SIGTERM);
    assert_int_equal(end.count, 1);
    child_destroy(child);
    loop_destroy(loop);
}

static void ignored_signals_and_open_files_are_not_handed_on(void **state)
{
    struct loop *loop = loop_create(); /* ignores SIGPIPE */
    char *dir = temp_dir_create();
    char *path = temp_dir_path(dir, "out");
    int leaky = dup2(1, 77); /* without close-on-exec */
    struct end end = {0};
    const char *script = "[ -e /proc/$$/fd/77 ] && echo leaked; grep SigIgn /proc/$$/status";
    const uint64_t libc_own = 3ULL << 31; /* signals 32 and 33: the C library's, which nobody may set */
    char *text;
    struct child *child = start_shell(loop, script, path, NULL, &end);

    (void)state;
    assert_true(wait_for_count(loop, &end.count, 1));
    text = read_text(path);
    assert_true(strncmp(text, "SigIgn:\t", 8) == 0);
    assert_int_equal(strtoull(text + 8, NULL, 16) & ~libc_own, 0);
    close(leaky);
    child_destroy(child);
    loop_destroy(loop);
    free(path);
    temp_dir_destroy(dir);
}

static void a_program_that_is_not_there_is_an_error_at_once(void **state)
{
    struct loop *loop = loop_create();
    const char *const argv[] = {"no-such-program-here", NULL};
    const struct child_options options = {argv, NULL, NULL};
    const struct child_options bad_output = {argv, NULL, "/no/such/folder/out"};
    struct err err = {0};

    (void)state;
    assert_null(child_start(loop, &options, NULL, NULL, &err));
    assert_string_equal(err.text, "no-such-program-here: No such file or directory");
    err_clear(&err);
    assert_null(child_start(loop, &bad_output, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "/no/such/folder/out"));
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD); /* nothing is left behind */
    loop_destroy(loop);
}

static void many_children_end_each_with_its_own_status(void **state)
{
    enum { COUNT = 12 };
    struct loop *loop = loop_create();
    struct end ends[COUNT] = {0};
    struct child *children[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char script[32];

        snprintf(script, sizeof(script), "exit %d", i);
        children[i] = start_shell(loop, script, NULL, NULL, &ends[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_true(wait_for_count(loop, &ends[i].count, 1));
        assert_int_equal(ends[i].status, i);
        child_destroy(children[i]);
    }
    loop_destroy(loop);
}

static void destroying_kills_and_tells_nobody(void **state)
{
    struct loop *loop = loop_create();
    struct end end = {0};
    struct child *child = start_shell(loop, "exec sleep 1000", NULL, NULL, &end);
    int pid = child_pid(child);

    (void)state;
    child_destroy(child);
    assert_int_equal(kill(pid, 0), -1); /* gone and waited for */
    assert_int_equal(errno, ESRCH);
    wait_turns_ms(loop, 10);
    assert_int_equal(end.count, 0);
    loop_destroy(loop);
}

static void the_callback_may_destroy_the_child(void **state)
{
    struct loop *loop = loop_create();
    struct end end = {0};

    (void)state;
    end.child = start_shell(loop, "exit 3", NULL, NULL, &end);
    assert_true(wait_for_count(loop, &end.count, 1));
    assert_null(end.child);
    wait_turns_ms(loop, 5);
    loop_destroy(loop);
}

static bool is_gone(void *arg)
{
    const int *pid = arg;
    char path[64];
    char state = 'X';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", *pid);
    file = fopen(path, "r");
    if (!file) {
        return true;
    }
    if (fscanf(file, "%*d %*s %c", &state) != 1) {
        state = 'X';
    }
    fclose(file);
    return state == 'Z' || state == 'X'; /* a zombie waits for whoever adopted it */
}

static void the_child_dies_with_a_parent_that_is_killed(void **state)
{
    struct loop *loop = loop_create();
    int fds[2];
    int pid = 0;
    pid_t parent;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct loop *own = loop_create();
        struct child *child = start_shell(own, "exec sleep 1000", NULL, NULL, NULL);

        pid = child_pid(child);
        if (write(fds[1], &pid, sizeof(pid)) < 0) {
            _exit(1);
        }
        pause();
        _exit(0);
    }
    assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
    assert_int_equal(kill(pid, 0), 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_true(wait_until(loop, is_gone, &pid));
    close(fds[0]);
    close(fds[1]);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_and_the_output_arrive),
        cmocka_unit_test(signals_reach_the_child_and_its_end_by_one_is_told),
        cmocka_unit_test(ignored_signals_and_open_files_are_not_handed_on),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_at_once),
        cmocka_unit_test(many_children_end_each_with_its_own_status),
        cmocka_unit_test(destroying_kills_and_tells_nobody),
        cmocka_unit_test(the_callback_may_destroy_the_child),
        cmocka_unit_test(the_child_dies_with_a_parent_that_is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
