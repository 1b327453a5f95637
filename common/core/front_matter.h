/*
 * front_matter: the YAML that stands between two lines `---` at the head of a template file, apart from the text
 * below.
 */
#ifndef CORE_FRONT_MATTER_H
#define CORE_FRONT_MATTER_H

#include <stdbool.h>

#include "base/slice.h"
#include "core/diag.h"

struct front_matter {
    struct slice yaml; /* data NULL when the file has no front matter */
    int yaml_line;     /* where it starts in the file, from 1 */
    struct slice body;
    int body_line;
};

/* All slices are borrowed from `text`. A byte order mark is dropped. False, with an error in `diags`, when front
 * matter begins and never ends. */
bool front_matter_split(const char *path, struct slice text, struct front_matter *parts, struct diag_list *diags);

#endif
