/*
 * side_note: what the headers of a record in the DLQ or the held topic say of it. The record's value and its other
 * headers are the original ones; ours have the prefix "perkline-":
 *
 *     perkline-reason     stable word                     perkline-topic      where it came from first
 *     perkline-detail     a sentence for people           perkline-partition
 *     perkline-mid        32 hex digits                   perkline-offset
 *     perkline-channel    email, sms                      perkline-time       RFC 3339, when it left
 *     perkline-flow       "" when it is no delivery       perkline-key       as its key was; absent when it had none
 *     perkline-whole-bytes   of a record larger than this topic takes: how long its value was; only its beginning is there
 *
 * Hostile until parsed: anybody may write to a topic.
 */
#ifndef CORE_SIDE_NOTE_H
#define CORE_SIDE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/channel.h"
#include "core/mid.h"
#include "core/record.h"

#define SIDE_NOTE_KEY "perkline-key"
#define SIDE_NOTE_WHOLE_BYTES "perkline-whole-bytes"

struct side_note {
    struct mid mid;
    enum channel channel;
    char reason[64];
    char detail[512];
    char flow[64];
    char topic[250];
    int32_t partition;
    int64_t offset;
    int64_t left_at; /* wall ms */
};

/* False + err: the headers were not made by us, or are damaged. Texts that are too long are cut. */
bool side_note_parse(const struct record *record, struct side_note *note, struct err *err);
/* A record that could not be made into deliveries (no event, no plan): its mid stands for its place. */
bool side_note_is_of_record(const struct side_note *note);

#endif
