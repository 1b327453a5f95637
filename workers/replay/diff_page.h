/*
 * diff_page: the changes side by side, as a page that a browser opens from disk without a network: index.html, and a
 * file for each e-mail before and after. Everything is escaped; e-mails stand in frames that may do nothing.
 */
#ifndef WORKERS_REPLAY_DIFF_PAGE_H
#define WORKERS_REPLAY_DIFF_PAGE_H

#include <stdbool.h>

#include "base/err.h"
#include "workers/replay/diff_print.h"

/* Of each group the page shows so many; the text on standard output has them all. */
enum { DIFF_PAGE_MOST_A_GROUP = 25 };

struct diff_page;

/* Makes the folder when it is not there. NULL + err. */
struct diff_page *diff_page_open(const char *dir, struct err *err);
void diff_page_close(struct diff_page *page);
bool diff_page_add(struct diff_page *page, const struct diff_change *change, const struct diff_facts *facts,
                   struct err *err);
/* Writes index.html. `list` has all counts, and is sorted. */
bool diff_page_finish(struct diff_page *page, const struct diff_list *list, const char *before, const char *after,
                      struct err *err);

#endif
