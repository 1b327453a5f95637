/*
 * diff_print: one change for people (a unified diff), and for programs.
 */
#ifndef WORKERS_REPLAY_DIFF_PRINT_H
#define WORKERS_REPLAY_DIFF_PRINT_H

#include "base/buf.h"
#include "workers/replay/diff_change.h"
#include "workers/replay/diff_list.h"

/* What a change is of. */
struct diff_facts {
    const char *before, *after; /* what the sets of templates are called */
    const struct diff_group *group;
    const char *place, *member_id;
};

void diff_print_text(const struct diff_change *change, const struct diff_facts *facts, struct buf *out);
/* One object. */
void diff_print_json(const struct diff_change *change, const struct diff_facts *facts, struct buf *out);

#endif
