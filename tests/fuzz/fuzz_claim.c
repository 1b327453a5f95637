/*
 * Fuzzing of a claim's record as it stands in Redis. What is taken is in bounds and of a state that the scripts write, and
 * reads back as it was written; "there is none" is never read out of bytes.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void format(const struct claim_record *record, struct buf *text)
{
    if (claim_record_is_terminal(record)) {
        claim_record_format_end(record->state, record->fence, record->info, text);
    } else {
        claim_record_format_open(record->state, record->fence, record->deadline_ms, record->attempts, record->first_ms,
                                 "boot.1", record->fingerprint, text);
    }
}

static void check_taken(const struct claim_record *record)
{
    struct claim_record again;
    struct buf text;

    assert(record->state && strchr("WUPSXDH?", record->state));
    if (record->state == '?') {
        assert(!claim_record_is_terminal(record));
        return;
    }
    assert(record->fence <= INT64_MAX && record->attempts >= 0 && record->deadline_ms >= 0 && record->first_ms >= 0);
    format(record, &text);
    assert(claim_record_parse(buf_slice(&text), &again));
    assert(again.state == record->state && again.fence == record->fence && again.deadline_ms == record->deadline_ms);
    assert(again.attempts == record->attempts && again.first_ms == record->first_ms);
    assert(strcmp(again.fingerprint, record->fingerprint) == 0 && strcmp(again.info, record->info) == 0);
    assert(claim_fingerprint_copy(again.fingerprint) == claim_fingerprint_copy(record->fingerprint));
    buf_finish(&text);
}

/* What a note on a retry topic tells: of nothing done, and it never passes for more than it was. */
static void check_parked(const struct claim_record *record)
{
    struct claim_record again;
    struct buf text;

    assert((record->state == 'U' || record->state == 'P') && claim_record_is_open(record));
    assert(!claim_record_is_outdated(record, record));
    claim_record_format_parked(record, &text);
    assert(claim_record_parse_parked(buf_slice(&text), &again));
    assert(again.state == record->state && again.fence == record->fence && again.attempts == record->attempts);
    assert(again.first_ms == record->first_ms && strcmp(again.fingerprint, record->fingerprint) == 0);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct claim_record record;

    if (claim_record_parse_parked(slice_make((const char *)data, size), &record)) {
        check_parked(&record);
    }
    if (claim_record_parse(slice_make((const char *)data, size), &record)) {
        check_taken(&record);
    }
    return 0;
}
