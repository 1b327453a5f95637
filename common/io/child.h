/*
 * child: a process of our own making (redis-server and workers of the demo), never left behind: it is killed when
 * this process dies (PR_SET_PDEATHSIG is set for it) and when the object is destroyed.
 */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include <stdbool.h>

#include "base/err.h"
#include "io/loop.h"

struct child;

typedef void (*child_exit_fn)(void *arg, int exit_status, int term_signal);

struct child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH when it has no '/' */
    const char *const *env;  /* NULL-terminated "NAME=value" to set on top of ours, or NULL */
    const char *output_file; /* stdout and stderr go there (appended); NULL: /dev/null */
};

/* `fn` is called once when the process ended. */
struct child *child_start(struct loop *loop, const struct child_options *options, child_exit_fn fn, void *arg,
                          struct err *err);
void child_signal(struct child *child, int signum);
bool child_is_running(const struct child *child);
int child_pid(const struct child *child);
/* SIGKILL when it still runs. `fn` is not called any more. */
void child_destroy(struct child *child);

#endif
