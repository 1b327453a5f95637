/*
 * pseudonym_inside: how one value is made up. Pure: the same generator state gives the same text.
 * Private to core/pseudonym*.c.
 */
#ifndef CORE_PSEUDONYM_INSIDE_H
#define CORE_PSEUDONYM_INSIDE_H

#include "base/buf.h"
#include "base/random.h"
#include "base/slice.h"
#include "core/pseudonym.h"

enum { PSEUDONYM_LIST_ATTEMPTS = 4 }; /* then names are made of syllables, of which there are enough */

/* Any kind but FULL_NAME; `attempt` counts from 0. */
void pseudonym_make(enum pseudonym_kind kind, struct slice value, const char *language, struct random *random,
                    int attempt, struct buf *out);
void pseudonym_make_phone(struct slice value, struct random *random, struct buf *out);

/* Names in the script of the letter, of the language when there are some; NULL: none. Both lists end in NULL. */
struct pseudonym_names {
    const char *language;
    uint32_t first, last; /* of the script */
    const char *const *given, *const *family;
};
const struct pseudonym_names *pseudonym_find_names(uint32_t letter, const char *language);

#endif
