/*
 * settings: what the environment says, checked once at start.
 *
 * Each module declares one table of rows; `--help` prints the same tables. Every setting NAME may come from a
 * file instead, named by NAME_FILE (one trailing newline is dropped); for secrets that is the intended way.
 * Empty counts as not set. A wrong value is one clear line that names the setting.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum setting_type {
    SETTING_TEXT,     /* const char **: caller's struct owns a heap copy, or NULL when unset without default */
    SETTING_SECRET,   /* as TEXT, never printed */
    SETTING_INT,      /* int64_t *, between `least` and `most` */
    SETTING_DURATION, /* int64_t * in milliseconds, between `least` and `most` */
    SETTING_BOOL,     /* bool *: true/false, yes/no, on/off, 1/0 */
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;             /* of the field in the module's settings struct */
    const char *default_value; /* NULL: none */
    const char *help;          /* one sentence */
    bool is_required;
    int64_t least, most; /* INT and DURATION; most 0 means no upper bound */
};

/* Fills the struct at `base` from the environment. Tables end in a row without a name. Texts must be UTF-8 without
 * control characters; a file of a secret must not be readable by everyone. After false nothing is left to free. */
bool settings_load(const struct setting *table, void *base, struct err *err);
/* Frees the texts; secrets are wiped first. */
void settings_finish(const struct setting *table, void *base);
/* The rows of `names` (which end with NULL, as `rows` will), for the help of a command that reads some of a table. Each must
 * be there. */
void settings_choose(const struct setting *table, const char *const names[], struct setting rows[]);
/* One line a row, as `--help` shows it. */
void settings_print_help(const struct setting *table, FILE *to);
/* Names the first environment variable that looks like a misspelt row of one of the tables (edit distance 1 or 2; 1
 * for names under 8 letters), for a warning. `tables` ends in NULL. The name is good until the next call; NULL when
 * there is none. */
const char *settings_find_misspelt(const struct setting *const tables[], char suggestion[64]);

/* Reads a whole file (or pipe) into heap memory, NUL-terminated; at most `max` bytes. `len` may be NULL. Caller frees.
 * NULL + err, which names the path. */
char *settings_read_file(const char *path, size_t max, size_t *len, struct err *err);

#endif
