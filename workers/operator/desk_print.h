/*
 * desk_print: entries for people and for programs.
 */
#ifndef WORKERS_OPERATOR_DESK_PRINT_H
#define WORKERS_OPERATOR_DESK_PRINT_H

#include <stdbool.h>

#include <jansson.h>

#include "workers/operator/entries.h"

void desk_print_list(const struct entries *entries, bool has_closed);
/* Everything about one entry. `has_event`: the original event too, which holds a member's data. */
void desk_print_entry(const struct entry *entry, bool has_epoch, bool has_event);

/* New reference. */
json_t *desk_entry_json(const struct entry *entry, bool has_event);

#endif
