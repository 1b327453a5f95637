/*
 * tally: counts of what was asked, accepted and answered, and which mids were accepted how often: the judge of "never
 * twice". Mids are kept for as long as the sandbox runs, whatever the inbox has dropped (about 100 bytes each).
 */
#ifndef SANDBOX_TALLY_H
#define SANDBOX_TALLY_H

#include <stdint.h>

#include "base/json_text.h"
#include "core/channel.h"

struct tally;

struct tally *tally_create(void);
void tally_destroy(struct tally *tally);
/* Starts again from nothing. */
void tally_clear(struct tally *tally);

void tally_request(struct tally *tally, enum channel channel);
/* `word` says how: "201", "400 duplicate_parameter", "reset_after". */
void tally_answer(struct tally *tally, const char *word);
/* Valid, but asked to be dropped. */
void tally_drop(struct tally *tally, enum channel channel);
/* How often this mid was accepted now: 1, 2, ...; 0 for an empty mid. */
uint32_t tally_accept(struct tally *tally, enum channel channel, const char *mid);
uint32_t tally_count(const struct tally *tally, enum channel channel, const char *mid);

/* {"requests", "accepted", "distinct_mids", "duplicates", "surplus", "without_mid", "dropped", "channels": {...},
 * "answers": {word: count}} */
void tally_format(const struct tally *tally, struct json_text *j);

#endif
