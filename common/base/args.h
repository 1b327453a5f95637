/*
 * args: command-line options as a table, so that parsing and `--help` never disagree.
 *
 * `--name value`, `--name=value`, `--flag`, `-h`/`--help`, and `--` before positional arguments. An unknown option
 * is refused with the nearest known one ("did you mean --limit?").
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/settings.h"

enum arg_type {
    ARG_FLAG, /* bool * */
    ARG_TEXT, /* const char **, borrowed from argv */
    ARG_INT,  /* int64_t * */
};

struct arg {
    const char *name; /* without the dashes */
    enum arg_type type;
    void *to;
    const char *value_name; /* "FILE", "N"; NULL for flags */
    const char *help;
};

struct args_usage {
    const char *command;    /* "perkline worker" */
    const char *positional; /* "[DIR]" or "" */
    const char *summary;    /* one paragraph */
    int most_positional;    /* how many positional arguments are taken at most */
};

enum args_result { ARGS_OK, ARGS_HELP, ARGS_WRONG };
enum { ARGS_GO_ON = -1 };

/* Parses argv[1..]. Positional arguments are moved to the front of argv[1..] and counted in *positional.
 * ARGS_WRONG: err names the option. ARGS_HELP: --help was asked for (nothing was printed). `table` ends in a row
 * without a name. */
enum args_result args_parse(const struct arg *table, const struct args_usage *usage, int argc, char **argv,
                            int *positional, struct err *err);
/* What every command does with its options: parses them, and prints the help (with the settings that the command reads;
 * NULL: none) or the error. Returns ARGS_GO_ON, or the exit status to end with. */
int args_read(const struct arg *table, const struct args_usage *usage, const struct setting *settings, int argc,
              char **argv, int *positional);
void args_print_help(const struct arg *table, const struct args_usage *usage, FILE *to);

/* Of the NULL-terminated names, the one nearest to `name` by edit distance (at most 2), or NULL. */
const char *args_nearest(const char *name, const char *const names[]);

#endif
