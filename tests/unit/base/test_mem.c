#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

static void nothing_is_still_something_to_free(void **state)
{
    (void)state;
    free(xmalloc(0));
    free(xcalloc(0, 0));
    free(xreallocarray(NULL, 0, 0));
}

static void fresh_memory_of_calloc_is_zero(void **state)
{
    static const char zero[64];
    char *p = xcalloc(8, 8);

    (void)state;
    assert_memory_equal(p, zero, 64);
    free(p);
}

static void realloc_keeps_the_content(void **state)
{
    char *p = xmemdup("abc", 3);

    (void)state;
    p = xreallocarray(p, 1000, 4);
    assert_string_equal(p, "abc");
    free(p);
}

static void copies_end_in_nul(void **state)
{
    char *p = xmemdup("abcdef", 3);

    (void)state;
    assert_string_equal(p, "abc");
    free(p);
    p = xmemdup(NULL, 0);
    assert_string_equal(p, "");
    free(p);
    assert_null(xstrdup(NULL));
    p = xstrdup("text");
    assert_string_equal(p, "text");
    free(p);
}

static void formatted_text_is_as_long_as_it_must_be(void **state)
{
    char *p = xasprintf("%0*d", 3000, 7);

    (void)state;
    assert_int_equal(strlen(p), 3000);
    assert_int_equal(p[2999], '7');
    free(p);
}

/* What a child prints on stderr before it ends; its exit status in *status. */
static void run_child(void (*run)(void), char text[256], int *status)
{
    int fds[2];
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], 2);
        run();
        _exit(99);
    }
    close(fds[1]);
    while ((n = read(fds[0], text + len, 255 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
}

static void allocate_too_much(void)
{
    volatile size_t count = SIZE_MAX / 2;

    free(xreallocarray(NULL, count, 16));
}

static void refuse_to_start(void)
{
    die("no %s today", "Redis");
}

static void a_product_that_overflows_ends_the_process_with_one_line(void **state)
{
    char text[256];
    int status;

    (void)state;
    run_child(allocate_too_much, text, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_memory_equal(text, "perkline: out of memory", 23);
}

static void die_prints_one_line_and_exits_with_1(void **state)
{
    char text[256];
    int status;

    (void)state;
    run_child(refuse_to_start, text, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(text, "perkline: no Redis today\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_still_something_to_free),
        cmocka_unit_test(fresh_memory_of_calloc_is_zero),
        cmocka_unit_test(realloc_keeps_the_content),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(formatted_text_is_as_long_as_it_must_be),
        cmocka_unit_test(a_product_that_overflows_ends_the_process_with_one_line),
        cmocka_unit_test(die_prints_one_line_and_exits_with_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
