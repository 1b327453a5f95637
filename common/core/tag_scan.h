/*
 * tag_scan: where Liquid tags begin and end in template source. For what looks at source without compiling it.
 */
#ifndef CORE_TAG_SCAN_H
#define CORE_TAG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Length of the tag `{% %}` or output `{{ }}` that starts at `at`, 0 when none does. One that never ends goes to the
 * end of the text: the template's compiler reports it. */
size_t tag_scan_len(struct slice text, size_t at);
/* Is it the tag `{% name ... %}`? */
bool tag_scan_is(struct slice tag, const char *name);
/* `at` is behind the opening tag of a block that holds no other tags than its own kind; returns the place behind the
 * closing tag that belongs to it. */
size_t tag_scan_skip_block(struct slice text, size_t at, const char *open, const char *close);

/* The next tag or output at or behind `*at` that Liquid reads, moving `*at` behind it: comments and raw blocks are passed
 * over. False when there is none; `tag->data` points into `text`. */
bool tag_scan_next(struct slice text, size_t *at, struct slice *tag);

/* Inside a tag: the first place at or behind `at` that is no white space. */
size_t tag_scan_skip_blanks(struct slice text, size_t at);
/* Of a name: a letter, a digit or _. */
bool tag_scan_is_word(char c);

#endif
