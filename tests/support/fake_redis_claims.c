#include "fake_redis_scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_redis_table.h"
#include "fakes.h"

/* --- records ------------------------------------------------------------------------------------------------------ */

struct open_record {
    int64_t fence, deadline, attempts, first;
    char owner[128], fingerprint[256];
};

/* As the pattern '^%u|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$'. */
static bool parse_open(const char *value, struct open_record *record)
{
    char state;
    int at = 0;

    *record = (struct open_record){0};
    if (sscanf(value, "%c|%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%n", &state, &record->fence,
               &record->deadline, &record->attempts, &record->first, &at) != 5 ||
        at == 0) {
        return false;
    }
    snprintf(record->owner, sizeof(record->owner), "%.*s", (int)strcspn(value + at, "|"), value + at);
    at += (int)strcspn(value + at, "|");
    if (value[at] != '|') {
        return false;
    }
    snprintf(record->fingerprint, sizeof(record->fingerprint), "%s", value + at + 1);
    return true;
}

/* Takes digits and a bar behind them off the front. */
static bool take_number(const char **text, size_t most_digits)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > most_digits || (*text)[digits] != '|') {
        return false;
    }
    *text += digits + 1;
    return true;
}

static bool is_ours(const char *value)
{
    const char *rest = value + 2;

    if (!value[0] || !strchr("WUPSXDH", value[0]) || value[1] != '|' || !take_number(&rest, 18)) {
        return false;
    }
    return strchr("SXDH", value[0]) ||
           (take_number(&rest, 18) && take_number(&rest, 6) && take_number(&rest, 18) && strchr(rest, '|'));
}

/* Of a later version, or broken. */
static bool is_strange(const char *value)
{
    return value && !is_ours(value);
}

static bool is_of_later_version(const char *value)
{
    return value && value[0] && strchr("WUPSXDH", value[0]) && value[1] >= '0' && value[1] <= '9';
}

static int64_t fence_of(const char *value)
{
    return strtoll(value + 2, NULL, 10);
}

static void write_open(struct slice key, char state, const struct open_record *record, int64_t ttl_ms)
{
    char *text = xasprintf("%c|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s|%s", state, record->fence,
                           record->deadline, record->attempts, record->first, record->owner, record->fingerprint);

    fake_table_set_text(key, text, ttl_ms);
    free(text);
}

/* --- the scripts -------------------------------------------------------------------------------------------------- */

static int64_t next_fence(struct slice guard)
{
    struct fake_entry *entry = fake_table_find_or_add(guard);
    char text[24];
    int64_t fence = (entry->fence ? fake_number(slice_of(entry->fence)) : 0) + 1;

    snprintf(text, sizeof(text), "%" PRId64, fence);
    fake_text_replace(&entry->fence, slice_of(text));
    return fence;
}

static int rank_of(const char *value)
{
    return value[0] == 'S' ? 4 : strchr("XDH", value[0]) ? 3 : value[0] == 'P' ? 2 : 1;
}

/* Does `text` come later than `value`? */
static bool is_later(const char *text, const char *value)
{
    int64_t mine = fence_of(text), theirs = fence_of(value);

    return text[0] == 'S' || theirs < mine || (theirs == mine && rank_of(value) < rank_of(text));
}

static void raise_fence(struct slice guard_key, int64_t fence)
{
    struct fake_entry *guard = fake_table_find_or_add(guard_key);
    char number[24];

    if (fence > (guard->fence ? fake_number(slice_of(guard->fence)) : 0)) {
        snprintf(number, sizeof(number), "%" PRId64, fence);
        fake_text_replace(&guard->fence, slice_of(number));
    }
}

/* keys: record, guard; epoch, claim id, lease, fingerprint, ttl, wall, skew, known */
void fake_script_begin(const struct slice a[], struct fake_answer *answer)
{
    const struct fake_entry *guard = fake_table_find(a[1]);
    const char *value = fake_table_text(a[0]);
    int64_t now = fake_table_us() / 1000, off = now - fake_number(a[7]);
    int64_t lease = fake_number(a[4]), ttl = fake_number(a[6]);
    struct open_record old = {.first = now}, new = {0};
    char known[FAKE_MOST_TEXT], state;

    if (fakes_has_bug(FAKE_BUG_BEGIN_SKIPPED)) {
        fake_say_array(answer, "GO");
        fake_say_more_int(answer, next_fence(a[1]));
        fake_say_more_int(answer, 1);
        fake_say_more_int(answer, now);
        return;
    }
    if (!guard || !guard->epoch || !slice_is(a[2], guard->epoch)) {
        fake_say_array(answer, "AMNESIA");
        return;
    }
    if ((off < 0 ? -off : off) > fake_number(a[8])) {
        fake_say_array(answer, "SKEW");
        fake_say_more_int(answer, off);
        return;
    }
    snprintf(known, sizeof(known), "%.*s", (int)a[9].len, a[9].data);
    if (known[0] && !is_strange(value) && (!value || (value[0] != 'S' && is_later(known, value)))) {
        value = known;
        raise_fence(a[1], fence_of(known));
    }
    state = value ? value[0] : 'P';
    if (is_strange(value)) {
        fake_say_array(answer, "UNKNOWN");
        fake_say_more(answer, value);
        return;
    }
    if (value && strchr("SXDH", state)) {
        fake_say_array(answer, "DONE");
        fake_say_more(answer, value);
        return;
    }
    if (value && parse_open(value, &old) && slice_is(a[3], old.owner)) {
        fake_say_array(answer, "MINE");
        fake_say_more(answer, value);
        return;
    }
    if (value && old.deadline > now) {
        fake_say_array(answer, state == 'P' ? "LATER" : "BUSY");
        fake_say_more_int(answer, old.deadline - now);
        return;
    }
    new = (struct open_record){next_fence(a[1]), now + lease, old.attempts + 1, state == 'P' ? now : old.first, "", ""};
    snprintf(new.owner, sizeof(new.owner), "%.*s", (int)a[3].len, a[3].data);
    if (state != 'P' && !fakes_has_bug(FAKE_BUG_TAKEOVER_IS_NEW)) {
        snprintf(new.fingerprint, sizeof(new.fingerprint), "%s", old.fingerprint);
        write_open(a[0], 'U', &new, ttl);
        fake_say_array(answer, "AMBIG");
        fake_say_more_int(answer, new.fence);
        fake_say_more_int(answer, new.attempts);
        fake_say_more_int(answer, now - old.first);
        fake_say_more(answer, old.fingerprint);
        fake_say_more_int(answer, old.first);
        return;
    }
    snprintf(new.fingerprint, sizeof(new.fingerprint), "%.*s", (int)a[5].len, a[5].data);
    write_open(a[0], 'W', &new, ttl);
    fake_say_array(answer, "GO");
    fake_say_more_int(answer, new.fence);
    fake_say_more_int(answer, new.attempts);
    fake_say_more_int(answer, now);
}

static void write_terminal(const struct slice a[])
{
    char *text = xasprintf("%.*s|%.*s|%.*s", (int)a[3].len, a[3].data, (int)a[2].len, a[2].data, (int)a[4].len,
                           a[4].data);

    fake_table_set_text(a[0], text, fake_number(a[5]));
    free(text);
}

/* keys: record, guard; fence, state, info, ttl, delay, epoch, has claim */
void fake_script_settle(const struct slice a[], struct fake_answer *answer)
{
    const struct fake_entry *guard = fake_table_find(a[1]);
    const char *value = fake_table_text(a[0]);
    char state = a[3].data[0], current = value ? value[0] : '\0';
    int64_t fence = fake_number(a[2]), now = fake_table_us() / 1000;
    bool is_stale = value && !is_strange(value) && fence_of(value) > fence;
    bool is_open = state == 'P' || state == 'U';
    struct open_record record;

    if ((slice_is(a[8], "0") || (!value && is_open)) && (!guard || !guard->epoch || !slice_is(a[7], guard->epoch))) {
        fake_say_text(answer, "AMNESIA");
        return;
    }
    if (is_strange(value) && (state != 'S' || is_of_later_version(value))) {
        fake_say_text(answer, "UNKNOWN");
        return;
    }
    if (is_strange(value)) {
        value = NULL;
        current = '\0';
        is_stale = false;
    }
    if (fakes_has_bug(FAKE_BUG_SETTLE_LAST_WINS) && !is_open) {
        write_terminal(a);
        fake_say_text(answer, "OK");
        return;
    }
    if (current == 'S') {
        fake_say_text(answer, "KEEP");
        return;
    }
    if (state == 'S') {
        write_terminal(a);
        fake_say_text(answer, is_stale ? "STALE_SENT" : "OK");
        return;
    }
    if (!is_open && current == state && fence_of(value) == fence) {
        fake_say_text(answer, "OK");
        return;
    }
    if (is_stale || (current && strchr("XDH", current))) {
        fake_say_text(answer, "STALE");
        return;
    }
    if (!is_open) {
        write_terminal(a);
        fake_say_text(answer, "OK");
        return;
    }
    if (!value || !parse_open(value, &record)) {
        record = (struct open_record){.attempts = 1, .first = now};
    }
    record.fence = fence;
    record.attempts -= record.attempts > 0;
    record.deadline = now + fake_number(a[6]);
    record.owner[0] = '\0';
    write_open(a[0], state, &record, fake_number(a[5]));
    fake_say_text(answer, "OK");
}

/* keys: record, guard; record text, ttl */
void fake_script_restore(const struct slice a[], struct fake_answer *answer)
{
    char *text = xmemdup(a[2].data, a[2].len);
    const char *value = fake_table_text(a[0]);

    raise_fence(a[1], fence_of(text));
    if (is_strange(value) && text[0] == 'S' && !is_of_later_version(value)) {
        value = NULL;
    }
    if (!is_strange(value) && !(value && value[0] == 'S') && (!value || is_later(text, value))) {
        fake_table_set_text(a[0], text, fake_number(a[3]));
        fake_say_int(answer, 1);
    } else {
        fake_say_int(answer, 0);
    }
    free(text);
}

static bool has_epoch(struct slice guard_key, struct slice epoch)
{
    const struct fake_entry *guard = fake_table_find(guard_key);

    return guard && guard->epoch && slice_is(epoch, guard->epoch);
}

static bool has_ended_under(const char *value, struct slice fence)
{
    return value && !is_strange(value) && (value[0] == 'D' || value[0] == 'H') && fence_of(value) == fake_number(fence);
}

/* keys: record, guard; epoch, fence, fingerprint, ttl */
void fake_script_reopen(const struct slice a[], struct fake_answer *answer)
{
    struct open_record record = {.deadline = fake_table_us() / 1000, .first = fake_table_us() / 1000};

    if (!has_epoch(a[1], a[2])) {
        fake_say_text(answer, "AMNESIA");
    } else if (!has_ended_under(fake_table_text(a[0]), a[3])) {
        fake_say_text(answer, "STALE");
    } else {
        record.fence = next_fence(a[1]);
        snprintf(record.fingerprint, sizeof(record.fingerprint), "%.*s", (int)a[4].len, a[4].data);
        write_open(a[0], 'P', &record, fake_number(a[5]));
        fake_say_text(answer, "OK");
    }
}

/* keys: record, guard; epoch, fence, state, info, ttl */
void fake_script_resolve(const struct slice a[], struct fake_answer *answer)
{
    const char *value = fake_table_text(a[0]);
    const char *info = value && !is_strange(value) && strchr("SXDH", value[0]) ? strchr(value + 2, '|') + 1 : NULL;
    char *text;
    int64_t fence;

    if (!has_epoch(a[1], a[2])) {
        fake_say_array(answer, "AMNESIA");
    } else if (info && value[0] == a[4].data[0] && slice_is(a[5], info)) {
        fake_say_array(answer, "OK");
        fake_say_more_int(answer, fence_of(value));
    } else if (value && !has_ended_under(value, a[3])) {
        fake_say_array(answer, "CHANGED");
        fake_say_more(answer, value);
    } else {
        fence = next_fence(a[1]);
        text = xasprintf("%.*s|%" PRId64 "|%.*s", (int)a[4].len, a[4].data, fence, (int)a[5].len, a[5].data);
        fake_table_set_text(a[0], text, fake_number(a[6]));
        fake_say_array(answer, "OK");
        fake_say_more_int(answer, fence);
        free(text);
    }
}

/* key: guard; epoch, least fence, ttl ms or 0, mark */
void fake_script_open_shard(const struct slice a[], struct fake_answer *answer)
{
    struct fake_entry *guard = fake_table_find(a[0]);

    if (!guard || !guard->mark || !slice_is(a[4], guard->mark)) {
        fake_say_int(answer, 0);
        return;
    }
    if ((guard->fence ? fake_number(slice_of(guard->fence)) : 0) < fake_number(a[2])) {
        fake_text_replace(&guard->fence, a[2]);
    }
    fake_text_replace(&guard->epoch, a[1]);
    if (fake_number(a[3]) > 0) {
        guard->expires_us = fake_table_us() + fake_number(a[3]) * 1000;
    }
    fake_say_int(answer, 1);
}

/* key: note; run id, ttl ms or 0 */
void fake_script_note_server(const struct slice a[], struct fake_answer *answer)
{
    char *text = xasprintf("%.*s %" PRId64, (int)a[1].len, a[1].data, fake_table_us() / 1000);

    fake_table_set_text(a[0], text, fake_number(a[2]));
    free(text);
    fake_say_int(answer, 1);
}
