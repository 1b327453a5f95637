/*
 * template_check: one reading of templates, and all that came of it: of the folder through the gate (core/lint.h), or of
 * the files of a version that has passed it at another worker. It touches nothing but itself, so it may run on a thread
 * of its own (io/background.h) while messages are made of other versions.
 */
#ifndef RUN_TEMPLATE_CHECK_H
#define RUN_TEMPLATE_CHECK_H

#include "base/err.h"
#include "base/slice.h"
#include "core/catalog.h"
#include "core/diag.h"
#include "core/message.h"

struct template_check {
    char *dir;                       /* NULL: `pack` is read */
    char version[VERSION_TEXT_SIZE]; /* what `pack` must turn out to be */
    char *default_locale;
    struct catalog *catalog; /* one reference; NULL: refused, then `err` says so and `diags` has the places */
    struct slice pack;       /* the files, owned; of a folder when there is a catalog */
    struct diag_list diags;
    struct err err;
};

void template_check_init(struct template_check *check, const char *dir, const char *default_locale);
/* Copies the pack (run/template_pack.h). */
void template_check_init_pack(struct template_check *check, const char *version, struct slice pack,
                              const char *default_locale);
/* Once after each init. */
void template_check_run(struct template_check *check);
/* What the caller has taken of it, it has set to nothing. */
void template_check_finish(struct template_check *check);

#endif
