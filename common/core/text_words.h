/*
 * text_words: where words begin and end in any of our scripts, well enough for comparing and for finding names.
 */
#ifndef CORE_TEXT_WORDS_H
#define CORE_TEXT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum text_class { TEXT_WORD, TEXT_BLANK, TEXT_OTHER };

/* Letters and digits of all scripts, and '_', are WORD; what is neither that nor blank is OTHER. */
enum text_class text_class_of(uint32_t code_point);
/* The end of what begins at `at` (< text.len): a run of WORD, a run of BLANK, or one other character. */
size_t text_word_end(struct slice text, size_t at);

#endif
