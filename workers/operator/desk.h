/*
 * desk: the commands `perkline dlq` and `perkline held`: list, show, and what may be done with an entry. They differ in
 * a table of words only.
 */
#ifndef WORKERS_OPERATOR_DESK_H
#define WORKERS_OPERATOR_DESK_H

#include "workers/operator/actions.h"

struct desk {
    const char *command; /* "perkline dlq" */
    const char *summary;
    char state;          /* 'D', 'H': of the records that are open */
    const char *const *verbs; /* list, show, and then one for each of `actions`; NULL-terminated */
    const enum action *actions;
};

int desk_run(const struct desk *desk, int argc, char **argv);

#endif
