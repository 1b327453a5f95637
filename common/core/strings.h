/*
 * strings: the translated texts of one locale (`_strings/<locale>.yaml`), by dotted key.
 *
 * A text may name values in braces, "{count} points". A map whose keys are all CLDR plural categories is one text in
 * several forms, chosen by `count`. Checked and cut into pieces when loaded; immutable afterwards. A key that is not
 * here is looked for in the parent (the language's file behind the region's).
 */
#ifndef CORE_STRINGS_H
#define CORE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "core/diag.h"
#include "core/locale.h"

struct strings;

struct string_piece {
    struct slice text; /* what is printed, or the name of the value */
    bool is_placeholder;
};

struct string_pattern {
    struct string_piece *pieces;
    size_t count;
};

struct string_entry; /* one key */

/* NULL when an error was added. `locale` tells which plural forms the language needs. */
struct strings *strings_parse(const char *path, struct slice yaml, struct locale *locale, struct diag_list *diags);
void strings_destroy(struct strings *strings);
/* Borrowed; may be NULL. */
void strings_set_parent(struct strings *strings, const struct strings *parent);
/* Every key, for "did you mean": NULL-terminated, borrowed. */
const char *const *strings_keys(const struct strings *strings);

const struct string_entry *strings_find(const struct strings *strings, struct slice key);
bool string_entry_has_plurals(const struct string_entry *entry);
/* The text, or its form for that category (OTHER's when the category has none). */
const struct string_pattern *string_entry_get(const struct string_entry *entry, enum locale_plural plural);

#endif
