/*
 * words: what stands in Redis and in topics, said for people.
 */
#ifndef WORKERS_OPERATOR_WORDS_H
#define WORKERS_OPERATOR_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "run/claims.h"

/* For people to look at: no text among the members of the object, and of those below, holds a control character. */
void words_clean_members(json_t *object);
/* An outcome from its topic, cleaned so. New reference; NULL: it is no object. */
json_t *words_load_outcome(struct slice value);

/* A sentence about the record as it stands. `has_epoch` false: Redis is new, or has forgotten. */
void words_about_claim(const struct claim_record *record, bool has_epoch, int64_t now_ms, struct buf *out);
/* The reason of an attempt at a provider: the word, and behind it in brackets what it means, where it does not say so itself. */
void words_append_reason(const char *reason, struct buf *out);

enum { WORDS_TIME_SIZE = 24 };

/* "2026-11-21 10:00:00Z"; "-" for a time before 1970. */
void words_format_time(int64_t wall_ms, char text[WORDS_TIME_SIZE]);
/* "3 s", "12 min", "5 h", "9 d" */
void words_append_age(int64_t ms, struct buf *out);

#endif
