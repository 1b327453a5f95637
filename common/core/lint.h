/*
 * lint: the gate in front of everything that marketing writes.
 *
 * On top of what catalog_build() finds (syntax, names, keys, texts that are missing in a language) it holds the
 * templates against the samples of their flow: which variables there are and which may be missing, what the messages
 * look like when they are rendered, whether their HTML is whole, their links lead somewhere, their size and their
 * segments stay within bounds, and marketing mail can be unsubscribed from. Errors mean that some customer would get
 * something broken, or nothing; warnings that something is odd. Pure: the same folder gives the same diagnostics.
 */
#ifndef CORE_LINT_H
#define CORE_LINT_H

#include "core/catalog.h"

/* catalog_build() with all checks. NULL when there is an error in `diags`, which is sorted, holds nothing twice, and
 * where every entry has a line and a column. */
struct catalog *lint_build(const struct file_tree *tree, const struct catalog_options *options,
                           struct diag_list *diags);

#endif
