/*
 * events: what the tests publish to the input topic of a system.
 */
#ifndef SUPPORT_EVENTS_H
#define SUPPORT_EVENTS_H

#include "tests/support/system.h"

/* The `seq`-th note to member `member`, who can be reached on both channels. The same numbers make the same bytes but
 * for the time. The caller frees it. */
char *events_note(int member, int seq);
void events_publish_note(struct system *system, int member, int seq);
/* Notes `first_seq` .. `last_seq` to each of members 1 .. `members`, round by round, and flushed. */
void events_publish_notes(struct system *system, int members, int first_seq, int last_seq);

/* The four events of the product. `locale`: "hu-HU". `member` makes identity and addresses. Every flow sends on both
 * channels for it. The caller frees it. */
enum { LOYALTY_TYPES = 4, LOYALTY_LOCALES = 6 };
extern const char *const loyalty_types[LOYALTY_TYPES];     /* "loyalty.signup", ... */
extern const char *const loyalty_locales[LOYALTY_LOCALES]; /* "en-GB", ... */
char *events_loyalty(const char *type, const char *locale, int member);

/* Any text as a record, keyed by `key`. */
void events_publish(struct system *system, const char *key, const char *text);

#endif
