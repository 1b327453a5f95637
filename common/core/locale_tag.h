/*
 * locale_tag: names of locales as people and systems write them ("hu_HU", "HU-hu"), brought to one form: "hu-HU".
 */
#ifndef CORE_LOCALE_TAG_H
#define CORE_LOCALE_TAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { LOCALE_TAG_SIZE = 16 };

/* "hu_HU", "HU-hu" -> "hu-HU"; "zh_hant_tw" -> "zh-Hant-TW". False when it is not language[-Script][-REGION]. */
bool locale_tag_parse(struct slice text, char tag[LOCALE_TAG_SIZE]);
/* Length of the language in a tag: 2 for "hu-HU". */
size_t locale_tag_language_len(const char *tag);
bool locale_tag_has_same_language(const char *left, const char *right);

#endif
