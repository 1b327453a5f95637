/*
 * diff_templates: the other set of templates for `replay --diff`: a folder, a version that Redis keeps, or a revision
 * that git keeps.
 */
#ifndef WORKERS_REPLAY_DIFF_TEMPLATES_H
#define WORKERS_REPLAY_DIFF_TEMPLATES_H

#include <stdbool.h>

#include "base/err.h"
#include "core/catalog.h"
#include "workers/replay/replay.h"

/* "DIR", "version:3f9c", "git:HEAD~1". Errors in the templates are printed. The caller owns the reference; NULL + err.
 */
struct catalog *diff_templates_open(const struct replay_parts *parts, const char *spec, struct err *err);
/* Does the spec name what was before the settings' folder? A folder is what comes after it. */
bool diff_templates_is_past(const char *spec);

#endif
