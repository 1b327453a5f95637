/*
 * record_source: records to read again, from where a person says: a range of a topic, or a file of events.
 *
 * For replay, capture and the tools that explain and redrive. It leaves no trace: no group, no committed offset. A
 * broker that cannot look up offsets by time is scanned instead, which note() tells. Blocking; a signal handler may
 * stop the reading between two calls.
 */
#ifndef RUN_RECORD_SOURCE_H
#define RUN_RECORD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/record.h"
#include "io/kafka_settings.h"

struct record_source;

/* One end of a range. Its text form: "beginning", "end", an RFC 3339 time stamp of which the seconds may be missing, or
 * just a day (2026-11-01T00:00Z, 2026-11-01), a time before now (-7d, -90m), or an offset (a plain number). */
enum record_place_kind { RECORD_PLACE_BEGINNING, RECORD_PLACE_END, RECORD_PLACE_TIME, RECORD_PLACE_OFFSET };

struct record_place {
    enum record_place_kind kind;
    int64_t value; /* wall ms, or offset */
};

bool record_place_parse(const char *text, int64_t now_ms, struct record_place *place, struct err *err);

struct record_range {
    const char *topic;
    int32_t partition;            /* -1: all */
    struct record_place from, to; /* `to` is not part of it */
    bool is_by_time; /* of several partitions always the oldest record next; otherwise as they come, which is faster */
};

/* The end is what is there at open: what arrives later is not read. */
struct record_source *record_source_open_topic(const struct kafka_settings *kafka, const struct record_range *range,
                                               struct err *err);
/* A file of events, one JSON event in a line ("-" for stdin), or lines as `perkline capture` writes them, with key,
 * headers, time stamp and place. Lines without a place get partition 0 and their number as offset. */
struct record_source *record_source_open_file(const char *path, struct err *err);
void record_source_close(struct record_source *source);

/* The next record (borrowed until the next call), or NULL: nothing within `wait_ms`, or *is_end. False + err: it
 * cannot go on; the error names topic, partition and offset, or file and line. */
bool record_source_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                        struct err *err);
/* How many records there are to read, as far as known; -1 when not. */
int64_t record_source_total(const struct record_source *source);
/* How much of what there is to read was read, 0 to 1; -1 when that is not known. */
double record_source_share(const struct record_source *source);
/* A sentence for people on how it is read ("the broker cannot look up times: reading from the beginning"), or "". */
const char *record_source_note(const struct record_source *source);

#endif
