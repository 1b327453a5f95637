#include "run/claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/number.h"

bool claim_record_is_terminal(const struct claim_record *record)
{
    return record->state == 'S' || record->state == 'X' || record->state == 'D' || record->state == 'H';
}

bool claim_record_is_open(const struct claim_record *record)
{
    return record->state == 'W' || record->state == 'U' || record->state == 'P';
}

bool claim_record_is_strange(const struct claim_record *record)
{
    return record->state == '?' || record->state == '!';
}

uint64_t claim_fingerprint_copy(const char *fingerprint)
{
    const char *colon = strchr(fingerprint, ':');
    int64_t copy = 0;

    colon = colon ? strchr(colon + 1, ':') : NULL;
    return colon && number_parse(slice_of(colon + 1), &copy) && copy > 0 ? (uint64_t)copy : 0;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* "n:{dev.3f}:"; returns its length. Three keys a message, so not with printf. */
static size_t begin_key(const char *environment, uint8_t shard, char text[CLAIM_KEY_SIZE])
{
    size_t len = strlen(environment);

    memcpy(text, "n:{", 3);
    memcpy(text + 3, environment, len);
    text[3 + len] = '.';
    hex_format(&shard, 1, text + 4 + len);
    memcpy(text + 6 + len, "}:", 2);
    return 8 + len;
}

struct slice claim_record_key(const char *environment, const struct mid *mid, char text[CLAIM_KEY_SIZE])
{
    size_t len = begin_key(environment, mid->bytes[0], text);

    memcpy(text + len, mid->bytes, MID_SIZE);
    return slice_make(text, len + MID_SIZE);
}

void claim_record_key_text(const char *environment, const struct mid *mid, char text[CLAIM_KEY_TEXT_SIZE])
{
    size_t len = begin_key(environment, mid->bytes[0], text);

    for (int i = 0; i < MID_SIZE; i++) {
        memcpy(text + len, "\\x", 2);
        hex_format(&mid->bytes[i], 1, text + len + 2);
        len += 4;
    }
    text[len] = '\0';
}

struct slice claim_guard_key(const char *environment, unsigned shard, char text[CLAIM_KEY_SIZE])
{
    size_t len = begin_key(environment, (uint8_t)shard, text);

    memcpy(text + len, "guard", 5);
    return slice_make(text, len + 5);
}

/* --- formatting --------------------------------------------------------------------------------------------------- */

enum { USUAL_RECORD = 119 }; /* bytes: a claim with its id and fingerprint */

static void begin_record(char state, uint64_t fence, struct buf *text)
{
    buf_init(text, 0);
    buf_reserve(text, USUAL_RECORD);
    buf_append_char(text, state);
    buf_append_char(text, '|');
    buf_append_int(text, (int64_t)fence);
}

static void add_number(struct buf *text, int64_t number)
{
    buf_append_char(text, '|');
    buf_append_int(text, number);
}

static void add_text(struct buf *text, const char *part)
{
    buf_append_char(text, '|');
    buf_append_text(text, part);
}

void claim_record_format_open(char state, uint64_t fence, int64_t deadline_ms, int attempts, int64_t first_ms,
                              const char *claim_id, const char *fingerprint, struct buf *text)
{
    begin_record(state, fence, text);
    add_number(text, deadline_ms);
    add_number(text, attempts);
    add_number(text, first_ms);
    add_text(text, claim_id);
    add_text(text, fingerprint);
}

void claim_record_format_end(char state, uint64_t fence, const char *info, struct buf *text)
{
    begin_record(state, fence, text);
    add_text(text, info);
}

void claim_record_format_parked(const struct claim_record *record, struct buf *text)
{
    claim_record_format_open(record->state == 'P' ? 'P' : 'U', record->fence, 0, record->attempts, record->first_ms, "",
                             record->fingerprint, text);
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

/* Of a record's state, as its first byte. */
static bool is_state(char c)
{
    return memchr("WUPSXDH", c, 7) != NULL;
}

/* Takes the text up to the next '|' (or the end) off the front. */
static struct slice take_field(struct slice *rest)
{
    const char *bar = rest->len ? memchr(rest->data, '|', rest->len) : NULL;
    size_t len = bar ? (size_t)(bar - rest->data) : rest->len;
    struct slice field = slice_make(rest->data, len);

    if (rest->len) {
        rest->data += len + (bar ? 1 : 0);
        rest->len -= len + (bar ? 1 : 0);
    }
    return field;
}

static bool parse_number(struct slice text, uint64_t *number)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 18) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = n;
    return true;
}

static void copy_text(char *to, size_t size, struct slice from)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;

    if (len) {
        memcpy(to, from.data, len);
    }
    to[len] = '\0';
}

static bool parse_open(struct slice rest, struct claim_record *record)
{
    uint64_t deadline, attempts, first;

    if (!parse_number(take_field(&rest), &deadline) || !parse_number(take_field(&rest), &attempts) ||
        !parse_number(take_field(&rest), &first) || attempts > 1000000) {
        return false;
    }
    take_field(&rest); /* claim id */
    record->deadline_ms = (int64_t)deadline;
    record->attempts = (int)attempts;
    record->first_ms = (int64_t)first;
    copy_text(record->fingerprint, sizeof(record->fingerprint), rest);
    return true;
}

bool claim_record_parse(struct slice text, struct claim_record *record)
{
    struct slice rest = text;
    struct slice state = take_field(&rest);

    memset(record, 0, sizeof(*record));
    if (state.len > 1 && state.len < 5 && is_state(state.data[0]) &&
        parse_number(slice_make(state.data + 1, state.len - 1), &record->fence)) {
        record->state = '?';
        record->fence = 0;
        return true;
    }
    if (state.len != 1 || !is_state(state.data[0]) || !parse_number(take_field(&rest), &record->fence)) {
        return false;
    }
    record->state = state.data[0];
    if (claim_record_is_terminal(record)) {
        copy_text(record->info, sizeof(record->info), rest);
        return true;
    }
    return parse_open(rest, record);
}

bool claim_record_parse_parked(struct slice text, struct claim_record *record)
{
    /* Lua counts fences in doubles. */
    return claim_record_parse(text, record) && (record->state == 'U' || record->state == 'P') &&
           record->fence < (1ULL << 53) && !strchr(record->fingerprint, '|');
}

/* --- order -------------------------------------------------------------------------------------------------------- */

bool claim_record_is_outdated(const struct claim_record *record, const struct claim_record *known)
{
    if (!claim_record_is_open(known) || record->state == 'S' || claim_record_is_strange(record)) {
        return false;
    }
    return !record->state || record->fence < known->fence ||
           (record->fence == known->fence && known->state == 'P' && claim_record_is_open(record) && record->state != 'P');
}
