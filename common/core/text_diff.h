/*
 * text_diff: what changed between two texts, by lines or by words.
 *
 * Shortest edit script of Myers (1986, "An O(ND) Difference Algorithm and Its Variations") in linear space. Where more
 * than TEXT_DIFF_MOST_COST edits would be needed the text is cut at the best place found so far: the result is always
 * right and then perhaps longer than needed. Texts are borrowed and must outlive the diff; the caller owns the struct.
 */
#ifndef CORE_TEXT_DIFF_H
#define CORE_TEXT_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum { TEXT_DIFF_MOST_COST = 512, TEXT_DIFF_CONTEXT = 3 };

/* A line has its newline, which the last one may lack; words are those of text_words.h. All pieces in order are the
 * text. */
enum text_diff_unit { TEXT_DIFF_LINES, TEXT_DIFF_WORDS };

struct text_pieces {
    struct slice *items;
    size_t count;
};

/* These old pieces became those new ones; one of the counts may be 0. Between two changes lies at least one equal
 * piece. */
struct text_change {
    size_t old_at, old_count;
    size_t new_at, new_count;
};

struct text_diff {
    struct text_pieces old_pieces, new_pieces;
    struct text_change *changes; /* in order; none: the texts are equal */
    size_t change_count;
};

void text_diff_init(struct text_diff *diff, enum text_diff_unit unit, struct slice old_text, struct slice new_text);
void text_diff_finish(struct text_diff *diff);

/* `count` pieces from `at` on, as one text. */
struct slice text_pieces_join(const struct text_pieces *pieces, size_t at, size_t count);

/* Of lines, as diff -u prints it, without the two lines of names at the top; nothing when the texts are equal. */
void text_diff_append_unified(const struct text_diff *diff, struct buf *out);

#endif
