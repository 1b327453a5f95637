/*
 * perkline render, by example: each folder of tests/golden/render/ with a file `args` (one argument a line; `stdin`
 * beside it when the command shall read something) is one call; `expected` is its exit status and what it printed on
 * both streams. The templates are tests/golden/render/templates. GOLDEN_UPDATE=1 rewrites what is expected.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file_tree.h"
#include "base/mem.h"
#include "workers/commands.h"

#define FOLDER "tests/golden/render"

enum { MOST_ARGS = 24 };

static int temp_file(void)
{
    char path[] = "/tmp/perkline-golden-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void read_back(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t got;

    lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_append(out, chunk, (size_t)got);
    }
    close(fd);
}

/* In a process of its own, since the command writes to the real streams. */
static int call(char *args, const char *stdin_path, int out, int err)
{
    char *argv[MOST_ARGS + 2] = {(char *)"render"};
    int argc = 1;
    int status;
    pid_t pid;
    char *rest = args;

    while (*rest && argc <= MOST_ARGS) {
        size_t len = strcspn(rest, "\n");

        argv[argc++] = rest;
        rest += len + (rest[len] == '\n');
        argv[argc - 1][len] = '\0';
    }
    fflush(stdout);
    fflush(stderr);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int in = open(stdin_path, O_RDONLY);

        if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
            _exit(99);
        }
        unsetenv("TEMPLATES_DIR");
        unsetenv("DEFAULT_LOCALE");
        status = render_command(argc, argv);
        fflush(stdout);
        exit(status); /* with the check for leaks */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Status and both streams. Caller frees. */
static char *describe(char *args, const char *stdin_path)
{
    int out = temp_file(), err = temp_file();
    struct buf text;

    buf_init(&text, 0);
    buf_appendf(&text, "status %d\n=== stdout ===\n", call(args, stdin_path, out, err));
    read_back(out, &text);
    buf_append_text(&text, "=== stderr ===\n");
    read_back(err, &text);
    return buf_take(&text);
}

static void write_expected(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        fail_msg("cannot write %s", path);
    }
}

static bool check(const struct file_tree *tree, const char *name, const char *args)
{
    char *stdin_name = xasprintf("%s/stdin", name);
    char *stdin_path = xasprintf("%s/%s/stdin", FOLDER, name);
    char *expected_name = xasprintf("%s/expected", name);
    char *expected_path = xasprintf("%s/%s/expected", FOLDER, name);
    const struct file_entry *expected = file_tree_find(tree, expected_name);
    char *own_args = xstrdup(args);
    char *text = describe(own_args, file_tree_find(tree, stdin_name) ? stdin_path : "/dev/null");
    bool is_fine = expected && strcmp(expected->data, text) == 0;

    if (!is_fine && getenv("GOLDEN_UPDATE")) {
        write_expected(expected_path, text);
        is_fine = true;
    } else if (!is_fine) {
        print_error("%s:\n--- expected ---\n%s\n--- got ---\n%s\n", name, expected ? expected->data : "(nothing)",
                    text);
    }
    free(text);
    free(own_args);
    free(stdin_name);
    free(stdin_path);
    free(expected_name);
    free(expected_path);
    return is_fine;
}

static void each_call_prints_what_is_expected(void **state)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(FOLDER, &err);
    size_t count = 0, failed = 0;

    (void)state;
    assert_non_null(tree);
    for (size_t i = 0; i < tree->count; i++) {
        struct slice path = slice_of(tree->entries[i].path);

        if (slice_ends_with(path, "/args")) {
            char *name = xmemdup(path.data, path.len - strlen("/args"));

            count++;
            failed += !check(tree, name, tree->entries[i].data);
            free(name);
        }
    }
    print_message("%zu calls, %zu failed\n", count, failed);
    assert_true(count > 0);
    assert_int_equal(failed, 0);
    file_tree_destroy(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_prints_what_is_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
