/*
 * pseudonym_find: where personal values stand in a text: what a table knows, and what looks like an e-mail address or
 * an international phone number. Pure; borrows everything. Private to core/pseudonym*.c.
 */
#ifndef CORE_PSEUDONYM_FIND_H
#define CORE_PSEUDONYM_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "core/pseudonym.h"

struct pseudonym_table {
    /* *known: as it was learnt; lives as long as the table. */
    bool (*find)(const void *arg, struct slice value, enum pseudonym_kind *kind, struct slice *known);
    const void *arg;
    size_t most_words; /* no value has more */
};

struct pseudonym_hit {
    size_t at;
    struct slice value; /* in the text */
    struct slice known; /* the same, or what it is a form of */
    enum pseudonym_kind kind;
    bool is_learnt; /* false: only looks like one */
};

/* The first hit at or behind `from`, the longest there. A text that is a value as a whole is one hit. */
bool pseudonym_find_next(const struct pseudonym_table *table, struct slice text, size_t from,
                         struct pseudonym_hit *hit);

/* Is it long enough to be looked for inside of texts? */
bool pseudonym_is_telling(enum pseudonym_kind kind, struct slice value);
/* Words of text_words.h in a value. */
size_t pseudonym_count_words(struct slice value);
bool pseudonym_next_word(struct slice value, size_t *at, struct slice *word);

#endif
