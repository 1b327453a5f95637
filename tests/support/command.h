/*
 * command: a command of the program under test, run to its end against the parts of a system.
 */
#ifndef SUPPORT_COMMAND_H
#define SUPPORT_COMMAND_H

#include <jansson.h>

#include "tests/support/system.h"

/* Begins a command. `words`: it and its options, NULL-terminated. With the system's Kafka, Redis, topics and templates, and
 * no credentials; `env`: settings besides or instead ("NAME=value"), NULL-terminated, or NULL. */
struct process *command_start(const struct system *system, const char *const words[], const char *const env[]);
/* The same to its end. The caller frees what it printed (both streams). */
char *command_run_with(const struct system *system, const char *const words[], const char *const env[], int *status);
char *command_run(const struct system *system, const char *const words[], int *status);
/* Fails the test unless it ends with `status` and prints `expected`. */
void command_check(const struct system *system, const char *const words[], int status, const char *expected);
/* The JSON object that it printed, which ended well. New reference. */
json_t *command_run_json(const struct system *system, const char *const words[]);

#endif
