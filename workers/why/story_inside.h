/*
 * story_inside: what story.c (reading) and story_tell.c (sentences) share.
 */
#ifndef WORKERS_WHY_STORY_INSIDE_H
#define WORKERS_WHY_STORY_INSIDE_H

#include "core/park.h"
#include "core/side_note.h"
#include "workers/why/story.h"

/* Each appends to delivery's "timeline". */
void story_tell_outcome(json_t *delivery, const json_t *outcome);
void story_tell_parked(json_t *delivery, const struct park_note *note, const char *tier, int64_t at_ms);
void story_tell_side(json_t *delivery, const struct side_note *note, bool is_held);
/* Sets "now". */
void story_tell_claim(json_t *delivery, const struct claim_record *record, bool has_epoch, int64_t now_ms);
/* What nothing tells of this delivery: appended to `unknown`. */
void story_tell_unknown(json_t *unknown, const json_t *delivery, bool has_epoch);

#endif
