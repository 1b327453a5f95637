/*
 * mask: the second look: a record as it may be kept, with made-up values in the place of personal ones.
 */
#ifndef WORKERS_CAPTURE_MASK_H
#define WORKERS_CAPTURE_MASK_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/pseudonym.h"
#include "core/record.h"
#include "workers/capture/personal.h"

/* Appends the line of a capture (record_json.h), without its end; returns how many values were replaced, or -1 when the
 * record cannot be captured: nothing was appended then. The set has learnt all of the record before. */
long mask_append(const struct personal_rules *rules, struct pseudonym_set *set, const struct record *record,
                 struct buf *out);

#endif
