/*
 * pseudonym: stable made-up values in the place of personal ones, and where personal ones stand in any text.
 *
 * Two steps: learn() every personal value of all that will be written, then get() and replace(). What is made up
 * depends on the key, the kind and the value alone (HMAC-SHA-256), so the same name is replaced in the same way in
 * every capture with that key; and it never equals a value that was learnt, so that a search for originals in the
 * result finds leaks and nothing else. Kept: script, language of names, number of letters, hyphens and blanks; country
 * code and length of phones, in a range that belongs to nobody (see pseudonym_phone.c). Addresses are under
 * example.com, .net and .org (RFC 2606). Not kept one to one: names and phones, of which there are only so many.
 *
 * The set owns all texts; memory grows with the number of different values.
 */
#ifndef CORE_PSEUDONYM_H
#define CORE_PSEUDONYM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* How a value is made up, and where it is looked for, with names also under an ending ("Ilonának"): ids, e-mail
 * addresses, phones and names of at least three letters in all texts, `other` when it has several words; anything
 * shorter, and dates, only where it is the whole text. */
#define PSEUDONYM_KINDS(X)                                                                                             \
    X(ID, "id") /* digits stay digits, a UUID a UUID; one to one */                                                    \
    X(GIVEN_NAME, "given name")                                                                                        \
    X(FAMILY_NAME, "family name")                                                                                      \
    X(FULL_NAME, "name") /* part by part, as the parts are replaced alone */                                           \
    X(EMAIL, "e-mail address")                                                                                         \
    X(PHONE, "phone")                                                                                                  \
    X(DATE, "date")   /* another day of the same ten years */                                                          \
    X(OTHER, "other") /* words of as many letters, other digits */

enum pseudonym_kind {
#define X(name, text) PSEUDONYM_##name,
    PSEUDONYM_KINDS(X)
#undef X
        PSEUDONYM_KIND_COUNT
};

const char *pseudonym_kind_name(enum pseudonym_kind kind);

struct pseudonym_set;

/* The key is copied. */
struct pseudonym_set *pseudonym_set_create(struct slice key);
void pseudonym_set_destroy(struct pseudonym_set *set);

/* `language` of the member ("hu"; NULL: unknown) chooses among names in the same script. Texts without a letter or
 * digit are no values. All that is learnt is learnt before the first get(). */
void pseudonym_set_learn(struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value, const char *language);
/* Every e-mail address and international phone number in the text. Returns how many there are. */
size_t pseudonym_set_learn_addresses(struct pseudonym_set *set, struct slice text);
/* How many different values of that kind were learnt. */
size_t pseudonym_set_count(const struct pseudonym_set *set, enum pseudonym_kind kind);

/* What stands for a value; it need not have been learnt. Borrowed, lives as long as the set. */
struct slice pseudonym_set_get(struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value,
                               const char *language);

/* Appends the text with everything learnt, and every e-mail address and international phone number, replaced. Returns
 * how many were. */
size_t pseudonym_set_replace(struct pseudonym_set *set, struct slice text, struct buf *out);
/* The first learnt value that stands in the text; false when there is none. Its kind in *kind. */
bool pseudonym_set_find(const struct pseudonym_set *set, struct slice text, struct slice *found,
                        enum pseudonym_kind *kind);

/* Is all of the text one e-mail address, or one phone number as E.164 writes it ('+', 8 to 15 digits)? */
bool pseudonym_is_email(struct slice text);
bool pseudonym_is_phone(struct slice text);

#endif
