/*
 * yaml: a YAML document as jansson values (libyaml behind it), with the place of every key and value for diagnostics.
 *
 * Plain scalars follow the YAML 1.2 core schema: null, true/false, integers, floats; everything else is text. Anchors,
 * aliases, tags and several documents are refused, as are duplicate keys, depth over 32, invalid UTF-8, NUL, and
 * numbers that JSON cannot hold (.inf, .nan, out of range). The document is keys and values: a list or a lone text at
 * the top is refused. Keys are always text, as written.
 */
#ifndef CORE_YAML_H
#define CORE_YAML_H

#include <jansson.h>

#include "base/slice.h"
#include "core/diag.h"

struct yaml;

/* NULL when an error was added. `path` names the file in diagnostics; `first_line` is the file's line where the text
 * starts (front matter). */
struct yaml *yaml_parse(const char *path, struct slice text, int first_line, struct diag_list *diags);
void yaml_destroy(struct yaml *yaml);
/* Borrowed; an empty document is an empty object. */
json_t *yaml_root(const struct yaml *yaml);
/* Line and column of the value at a dotted path ("channels.sms.segments_max"); of the nearest parent that has one
 * otherwise. */
void yaml_find_place(const struct yaml *yaml, const char *path, int *line, int *column);
/* The same of the key in front of the value; of the value itself for items of lists. */
void yaml_find_key_place(const struct yaml *yaml, const char *path, int *line, int *column);

#endif
