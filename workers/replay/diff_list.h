/*
 * diff_list: the changes of a run, counted by flow, channel and locale, their descriptions kept in a file of no name
 * until they are printed group by group. Memory grows by 24 bytes a change.
 */
#ifndef WORKERS_REPLAY_DIFF_LIST_H
#define WORKERS_REPLAY_DIFF_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/slice.h"
#include "core/channel.h"
#include "workers/replay/diff_change.h"

struct diff_group {
    char *flow;
    enum channel channel;
    char *locale;
    int64_t messages; /* of which a side sends or should */
    int64_t counts[DIFF_CHANGE_KIND_COUNT];
};

struct diff_list;

/* NULL + err: no temporary file. */
struct diff_list *diff_list_create(struct err *err);
void diff_list_destroy(struct diff_list *list);

/* Made when it is not there. Good until the next call. */
struct diff_group *diff_list_get_group(struct diff_list *list, const char *flow, enum channel channel,
                                       const char *locale);
/* Keeps a description. False + err: the disk is full. */
bool diff_list_add(struct diff_list *list, const struct diff_group *group, struct slice description, struct err *err);

/* Sorted by flow, channel and locale; what was returned before is of no use after that. */
void diff_list_sort(struct diff_list *list);
size_t diff_list_group_count(const struct diff_list *list);
const struct diff_group *diff_list_group(const struct diff_list *list, size_t index);
int64_t diff_group_changed(const struct diff_group *group);

/* The first `most` descriptions of a group in order, `between` between them. Returns how many there were. */
size_t diff_list_print(struct diff_list *list, size_t index, size_t most, const char *between, FILE *to);

#endif
