/*
 * process: a program under test as a child: started with an environment of its own and its output in a file, looked at
 * from outside, ended by a signal. It dies with the test program, whatever happens to that.
 */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

struct process;

enum { PROCESS_RUNS = -1, PROCESS_WAS_KILLED = -2 };

/* `argv` and `env` ("NAME=value", on top of ours; "NAME" alone unsets) end with NULL and are used before the return.
 * Output of both streams is appended to `log_path`. Ends the test program when there is no process to be had. */
struct process *process_start(const char *const argv[], const char *const env[], const char *log_path);
/* SIGKILL when it still runs. NULL is fine. */
void process_destroy(struct process *process);

/* 0: it has ended. */
int process_id(const struct process *process);
void process_signal(struct process *process, int signum);
/* SIGKILL, and gone when this returns. */
void process_kill(struct process *process);
/* Stands still (SIGSTOP) or goes on (SIGCONT). */
void process_freeze(struct process *process, bool is_frozen);

/* PROCESS_RUNS, PROCESS_WAS_KILLED, or its exit status. */
int process_status(struct process *process);
/* Waits for the end; PROCESS_RUNS when that takes too long. */
int process_wait(struct process *process);

/* What it printed so far; the caller frees it. */
char *process_output(const struct process *process);
bool process_has_printed(const struct process *process, const char *text);
/* How often it printed it. */
size_t process_count_output(const struct process *process, const char *text);
/* Waits until it has printed `text`. False: it ended without, or takes too long. */
bool process_wait_for_output(struct process *process, const char *text);
/* The rest of the line behind `text`, up to one of `ends`; the caller frees it. NULL when it was not printed. */
char *process_find_output(const struct process *process, const char *text, const char *ends);

#endif
