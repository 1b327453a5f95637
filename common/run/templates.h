/*
 * templates: which catalog is in use now, and the ones that messages under way began with.
 *
 * Loads TEMPLATES_DIR at start (a broken set stops the start), watches it, and swaps the whole set when a changed one
 * is fit; a broken change is refused with its diagnostics and the old set stays.
 */
#ifndef RUN_TEMPLATES_H
#define RUN_TEMPLATES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "core/catalog.h"
#include "core/diag.h"
#include "io/loop.h"

struct templates;

enum { TEMPLATES_KEPT_VERSIONS = 8 };

/* NULL: `err` says so and `diags` has the places. */
struct templates *templates_open(const char *dir, const char *default_locale, struct metrics *metrics,
                                 struct diag_list *diags, struct err *err);
void templates_close(struct templates *templates);
/* Begins to watch for changes. A folder that cannot be watched is a warning. */
void templates_watch(struct templates *templates, struct loop *loop);
/* Reads the folder again now. False when the new set was refused. */
bool templates_reload(struct templates *templates);

/* Borrowed; take a reference with catalog_ref() to keep it. */
struct catalog *templates_current(const struct templates *templates);
/* Among those kept; NULL when it is not. Borrowed. */
struct catalog *templates_find_version(const struct templates *templates, const char *version);
/* The last reload was refused, and nothing has been accepted since. */
bool templates_is_last_refused(const struct templates *templates);

#endif
