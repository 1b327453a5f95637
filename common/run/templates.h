/*
 * templates: which catalog is in use now, and the ones that messages under way began with.
 *
 * Loads TEMPLATES_DIR at start (a broken set stops the start), watches it, and swaps the whole set when a changed one
 * is fit; a broken change is refused with its diagnostics and the old set stays. A change, and a version that comes from
 * another worker, is built on a thread of its own: no message waits for it. A pin (template_pin.h) may say that another
 * version is used in place of the folder's.
 */
#ifndef RUN_TEMPLATES_H
#define RUN_TEMPLATES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "core/catalog.h"
#include "core/diag.h"
#include "io/loop.h"
#include "run/template_pin.h"
#include "run/template_shelf.h"

struct templates;

/* NULL: `err` says so and `diags` has the places. */
struct templates *templates_open(const char *dir, const char *default_locale, struct metrics *metrics,
                                 struct diag_list *diags, struct err *err);
void templates_close(struct templates *templates);
/* Begins to watch for changes. A folder that cannot be watched is a warning. */
void templates_watch(struct templates *templates, struct loop *loop);
/* Reads the folder again now, on this thread. False when the new set was refused. */
bool templates_reload(struct templates *templates);
/* Reads it in the background, and once more when it is asked for meanwhile. Only a folder that is watched. */
void templates_begin_reload(struct templates *templates);
/* Told after each reload and whenever another version is in use. NULL: nobody. */
void templates_set_listener(struct templates *templates, loop_fn fn, void *arg);

/* Borrowed; take a reference with catalog_ref() to keep it. */
struct catalog *templates_current(const struct templates *templates);
/* Among those kept; NULL when it is not. Borrowed. */
struct catalog *templates_find_version(const struct templates *templates, const char *version);
/* The last reload was refused, and nothing has been accepted since. */
bool templates_is_last_refused(const struct templates *templates);
/* The first thing that was wrong with it; "" when it was accepted. */
const char *templates_refusal(const struct templates *templates);

/* --- versions that people choose -------------------------------------------------------------------------------- */

/* What the folder held when it was last fit. */
const char *templates_folder_version(const struct templates *templates);
/* The index-th version that is kept, the latest first; NULL behind the last. Borrowed. */
const char *templates_kept_version(const struct templates *templates, size_t index);
/* Uses what the pin says from now on, as soon as it is here. */
void templates_pin(struct templates *templates, const struct template_pin *pin);
/* The version that the pin wants and that is not here; "" when there is none such. The folder's is used meanwhile. */
const char *templates_missing(const struct templates *templates);

/* A kept version as template_pack_format() made it; data NULL when it is not kept. Borrowed until the next change. */
struct slice templates_packed(const struct templates *templates, const char *version);
/* Keeps a version that came from elsewhere, and uses it when the pin wants it; built in the background, one at a time.
 * `fn` is told once, also when the templates were closed meanwhile: `problem` says that it is not what it says or has
 * errors, "" otherwise. Nothing is kept when there are TEMPLATES_KEPT_VERSIONS and the pin does not want it. */
typedef void (*templates_added_fn)(void *arg, const char *problem);
void templates_begin_add(struct templates *templates, struct loop *loop, const char *version, struct slice pack,
                         templates_added_fn fn, void *arg);

#endif
