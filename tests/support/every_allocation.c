#include "tests/support/every_allocation.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "tests/chaos/preload/fail_malloc.h"

enum { OUTPUT_MOST = 8000, WRONG_MOST = 3 };
/* How a child ends; a sanitizer ends it with 1. */
enum end { END_DIED = 70, END_WENT_ON, END_NONE_FAILED, END_WRONG };

/* Only under the address sanitizer. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* --- the child ---------------------------------------------------------------------------------------------------- */

static const struct every_allocation *of_child; /* until its work is done */

static void end_child(enum end end)
{
    for (;;) {
        syscall(SYS_exit_group, end);
    }
}

/* Where die_at_once() ends, in place of libc's. A sanitizer has its own way. */
void _exit(int status)
{
    const struct every_allocation *plan = of_child;

    of_child = NULL;
    fail_malloc_at(0);
    end_child(plan && status == 1 && plan->is_right(plan->arg, true) ? END_DIED : END_WRONG);
    __builtin_unreachable();
}

static void run_child(const struct every_allocation *plan, long number, int output)
{
    bool has_failed;

    dup2(output, STDERR_FILENO);
    of_child = plan;
    fail_malloc_at(number);
    plan->work(plan->arg);
    of_child = NULL;
    has_failed = fail_malloc_has_failed();
    fail_malloc_at(0);
    if (!plan->is_right(plan->arg, false) ||
        (has_failed && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)) {
        end_child(END_WRONG);
    }
    end_child(has_failed ? END_WENT_ON : END_NONE_FAILED);
}

/* --- the parent --------------------------------------------------------------------------------------------------- */

static bool has_said_why(const char *text)
{
    return strncmp(text, "perkline: ", 10) == 0 || strstr(text, "\nperkline: ");
}

static bool take_end(int status, const char *text, long number, struct every_allocation_figures *figures)
{
    int end = WIFEXITED(status) ? WEXITSTATUS(status) : END_WRONG;
    bool is_fine = end == END_WENT_ON || end == END_NONE_FAILED || (end == END_DIED && has_said_why(text));

    figures->counted += end != END_NONE_FAILED;
    figures->ended += is_fine && end == END_DIED;
    figures->went_on += end == END_WENT_ON;
    figures->wrong += !is_fine;
    if (!is_fine && figures->wrong <= WRONG_MOST) {
        fprintf(stderr, "allocation %ld: %s %d\n%s\n", number, WIFEXITED(status) ? "status" : "killed, signal",
                WIFEXITED(status) ? end : WTERMSIG(status), text);
    }
    return end != END_NONE_FAILED;
}

static bool fail_one(const struct every_allocation *plan, long number, struct every_allocation_figures *figures)
{
    static char text[OUTPUT_MOST];
    int output = memfd_create("output", 0), status;
    ssize_t len;
    pid_t pid;

    fflush(stdout);
    fflush(stderr);
    pid = fork();
    if (output < 0 || pid < 0) {
        die("no child to be had");
    }
    if (pid == 0) {
        run_child(plan, number, output);
    }
    if (waitpid(pid, &status, 0) != pid) {
        die("the child is lost");
    }
    len = pread(output, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    close(output);
    return take_end(status, text, number, figures);
}

struct every_allocation_figures every_allocation_fail(const struct every_allocation *plan)
{
    struct every_allocation_figures figures = {0};

    fail_malloc_in(plan->libraries);
    for (long number = 1; fail_one(plan, number, &figures);) {
        number += plan->step;
    }
    return figures;
}
