/*
 * lint_print: diagnostics for people, each with its line and a caret, and for programs, as JSON.
 */
#ifndef WORKERS_LINT_LINT_PRINT_H
#define WORKERS_LINT_LINT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/file_tree.h"
#include "core/diag.h"

struct lint_print {
    const char *dir; /* put in front of the files' names */
    const struct file_tree *tree;
    bool has_notes; /* print them too */
};

/* "dir/file:line:column: error: message", the line of the file, a caret below the place, how to mend it. */
void lint_print_text(const struct lint_print *print, const struct diag_list *diags, FILE *to);
/* One array of {file, line, column, severity, message, hint}. */
void lint_print_json(const struct lint_print *print, const struct diag_list *diags, FILE *to);

#endif
