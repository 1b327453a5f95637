/*
 * string_uses: which translated texts a template asks for by a constant key (`{{ 'expiring.title' | t }}`), with their
 * places, so that a missing one is found when templates are checked and not when a message is made.
 */
#ifndef CORE_STRING_USES_H
#define CORE_STRING_USES_H

#include <stddef.h>

#include "base/slice.h"

struct string_use {
    char *key;
    char *file;
    int line, column; /* from 1; column in code points */
};

struct string_uses {
    struct string_use *items;
    size_t count;
};

void string_uses_init(struct string_uses *uses);
void string_uses_finish(struct string_uses *uses);
/* Adds those of one source file. */
void string_uses_scan(struct string_uses *uses, const char *file, struct slice source, int first_line);

#endif
