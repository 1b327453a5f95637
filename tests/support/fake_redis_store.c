#include "fake_redis_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "base/number.h"
#include "fake_world.h"
#include "fakes.h"

struct entry {
    char *key;
    size_t key_len;
    char *value;          /* of a text */
    char *epoch, *fence, *mark; /* fields "e", "f" and "r" of a hash; each may be NULL */
    int64_t expires_us;   /* 0: never */
    UT_hash_handle hh;
};

static struct {
    struct entry *entries;
    struct entry *saved; /* list by hh.next of copies, not in the table */
    int64_t time_us; /* 0: the world's */
    const char *policy;
} store;

static int64_t now_us(void)
{
    return store.time_us ? store.time_us : fakes_redis_us();
}

static void free_parts(struct entry *entry)
{
    free(entry->key);
    free(entry->value);
    free(entry->epoch);
    free(entry->fence);
    free(entry->mark);
    free(entry);
}

static void free_entry(struct entry *entry)
{
    HASH_DEL(store.entries, entry);
    free_parts(entry);
}

static void empty_table(struct entry **table)
{
    struct entry *entry = *table;

    HASH_CLEAR(hh, *table);
    while (entry) {
        struct entry *next = entry->hh.next;

        free_parts(entry);
        entry = next;
    }
}

static struct entry *find(struct slice key)
{
    struct entry *entry;

    HASH_FIND(hh, store.entries, key.data, key.len, entry);
    if (entry && entry->expires_us && entry->expires_us <= now_us()) {
        free_entry(entry);
        return NULL;
    }
    return entry;
}

static struct entry *find_or_add(struct slice key)
{
    struct entry *entry = find(key);

    if (!entry) {
        entry = xcalloc(1, sizeof(*entry));
        entry->key = xmemdup(key.data, key.len);
        entry->key_len = key.len;
        HASH_ADD_KEYPTR(hh, store.entries, entry->key, key.len, entry);
    }
    return entry;
}

static const char *get_text(struct slice key)
{
    struct entry *entry = find(key);

    return entry ? entry->value : NULL;
}

static void replace(char **text, struct slice with)
{
    char *copy = xmemdup(with.data, with.len);

    free(*text);
    *text = copy;
}

static void set_text(struct slice key, const char *value, int64_t ttl_ms)
{
    struct entry *entry = find_or_add(key);

    replace(&entry->value, slice_of(value));
    entry->expires_us = ttl_ms ? now_us() + ttl_ms * 1000 : 0;
}

void fake_store_begin(void)
{
    store.time_us = 0;
    store.policy = "noeviction";
    fake_store_empty();
}

void fake_store_end(void)
{
    fake_store_empty();
    empty_table(&store.saved);
}

void fake_store_empty(void)
{
    struct entry *entry, *next;

    if (!fakes_has_bug(FAKE_BUG_EPOCH_STAYS)) {
        empty_table(&store.entries);
    }
    HASH_ITER(hh, store.entries, entry, next) {
        if (entry->value) {
            free_entry(entry);
        }
    }
}

static char *copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct entry *copy_entry(const struct entry *from)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));

    entry->key = xmemdup(from->key, from->key_len);
    entry->key_len = from->key_len;
    entry->value = copy_text(from->value);
    entry->epoch = copy_text(from->epoch);
    entry->fence = copy_text(from->fence);
    entry->mark = copy_text(from->mark);
    entry->expires_us = from->expires_us;
    return entry;
}

static void copy_table(const struct entry *from, struct entry **to)
{
    for (; from; from = from->hh.next) {
        struct entry *entry = copy_entry(from);

        HASH_ADD_KEYPTR(hh, *to, entry->key, entry->key_len, entry);
    }
}

void fake_store_save(void)
{
    empty_table(&store.saved);
    copy_table(store.entries, &store.saved);
}

void fake_store_load(void)
{
    fake_store_empty();
    copy_table(store.saved, &store.entries);
}

void fake_redis_each(fake_each_fn fn, void *arg)
{
    for (const struct entry *entry = store.entries; entry; entry = entry->hh.next) {
        if (entry->value) {
            fn(arg, slice_make(entry->key, entry->key_len), entry->value);
        }
    }
}

void fake_redis_set_time(int64_t us)
{
    store.time_us = us;
}

void fake_redis_set_policy(const char *policy)
{
    store.policy = policy;
}

struct slice fake_redis_get(struct slice key)
{
    return slice_of(get_text(key));
}

void fake_redis_set(struct slice key, struct slice value)
{
    char *text = xmemdup(value.data, value.len);

    set_text(key, text, 0);
    free(text);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void add_text(struct fake_answer *answer, const char *text)
{
    size_t i = answer->reply.count++;

    assert(i < FAKE_MOST_ITEMS);
    snprintf(answer->texts[i], FAKE_MOST_TEXT, "%s", text);
    answer->items[i] = (struct redis_reply){.type = REDIS_TEXT, .text = slice_of(answer->texts[i])};
}

static void add_int(struct fake_answer *answer, int64_t number)
{
    assert(answer->reply.count < FAKE_MOST_ITEMS);
    answer->items[answer->reply.count++] = (struct redis_reply){.type = REDIS_INT, .number = number};
}

static void say_array(struct fake_answer *answer, const char *word)
{
    answer->reply = (struct redis_reply){.type = REDIS_ARRAY};
    answer->is_error = false;
    answer->reply.items = answer->items;
    if (word) {
        add_text(answer, word);
    }
}

static void say_int(struct fake_answer *answer, int64_t number)
{
    answer->reply = (struct redis_reply){.type = REDIS_INT, .number = number};
    answer->is_error = false;
}

/* NULL: nil. */
static void say_text(struct fake_answer *answer, const char *text)
{
    answer->reply = (struct redis_reply){.type = text ? REDIS_TEXT : REDIS_NIL};
    answer->is_error = false;
    if (text) {
        snprintf(answer->texts[0], FAKE_MOST_TEXT, "%s", text);
        answer->reply.text = slice_of(answer->texts[0]);
    }
}

static void say_error(struct fake_answer *answer, const char *text)
{
    say_text(answer, text);
    answer->is_error = true;
}

static int64_t to_number(struct slice text)
{
    int64_t number = 0;
    bool is_number = number_parse(text, &number);

    assert(is_number);
    return number;
}

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

/* Of a version that is not known. */
static bool is_strange(const char *value)
{
    return value && (!strchr("WUPSXDH", value[0]) || value[1] != '|');
}

static int64_t fence_of(const char *value)
{
    return strtoll(value + 2, NULL, 10);
}

static void write_open(struct slice key, char state, const struct open_record *record, int64_t ttl_ms)
{
    char *text = xasprintf("%c|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s|%s", state, record->fence,
                           record->deadline, record->attempts, record->first, record->owner, record->fingerprint);

    set_text(key, text, ttl_ms);
    free(text);
}

/* --- the scripts -------------------------------------------------------------------------------------------------- */

static int64_t next_fence(struct slice guard)
{
    struct entry *entry = find_or_add(guard);
    char text[24];
    int64_t fence = (entry->fence ? to_number(slice_of(entry->fence)) : 0) + 1;

    snprintf(text, sizeof(text), "%" PRId64, fence);
    replace(&entry->fence, slice_of(text));
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
    struct entry *guard = find_or_add(guard_key);
    char number[24];

    if (fence > (guard->fence ? to_number(slice_of(guard->fence)) : 0)) {
        snprintf(number, sizeof(number), "%" PRId64, fence);
        replace(&guard->fence, slice_of(number));
    }
}

/* keys: record, guard; epoch, claim id, lease, fingerprint, ttl, wall, skew, known */
static void eval_begin(const struct slice a[], struct fake_answer *answer)
{
    const struct entry *guard = find(a[1]);
    const char *value = get_text(a[0]);
    int64_t now = now_us() / 1000, lease = to_number(a[4]), ttl = to_number(a[6]), off = now - to_number(a[7]);
    struct open_record old = {.first = now}, new = {0};
    char known[FAKE_MOST_TEXT], state;

    if (fakes_has_bug(FAKE_BUG_BEGIN_SKIPPED)) {
        say_array(answer, "GO");
        add_int(answer, next_fence(a[1]));
        add_int(answer, 1);
        add_int(answer, now);
        return;
    }
    if (!guard || !guard->epoch || !slice_is(a[2], guard->epoch)) {
        say_array(answer, "AMNESIA");
        return;
    }
    if ((off < 0 ? -off : off) > to_number(a[8])) {
        say_array(answer, "SKEW");
        add_int(answer, off);
        return;
    }
    snprintf(known, sizeof(known), "%.*s", (int)a[9].len, a[9].data);
    if (known[0] && !is_strange(value) && (!value || (value[0] != 'S' && is_later(known, value)))) {
        value = known;
        raise_fence(a[1], fence_of(known));
    }
    state = value ? value[0] : 'P';
    if (is_strange(value)) {
        say_array(answer, "UNKNOWN");
        add_text(answer, value);
        return;
    }
    if (value && strchr("SXDH", state)) {
        say_array(answer, "DONE");
        add_text(answer, value);
        return;
    }
    if (value && parse_open(value, &old) && slice_is(a[3], old.owner)) {
        say_array(answer, "MINE");
        add_text(answer, value);
        return;
    }
    if (value && old.deadline > now) {
        say_array(answer, state == 'P' ? "LATER" : "BUSY");
        add_int(answer, old.deadline - now);
        return;
    }
    new = (struct open_record){next_fence(a[1]), now + lease, old.attempts + 1, state == 'P' ? now : old.first, "", ""};
    snprintf(new.owner, sizeof(new.owner), "%.*s", (int)a[3].len, a[3].data);
    if (state != 'P' && !fakes_has_bug(FAKE_BUG_TAKEOVER_IS_NEW)) {
        snprintf(new.fingerprint, sizeof(new.fingerprint), "%s", old.fingerprint);
        write_open(a[0], 'U', &new, ttl);
        say_array(answer, "AMBIG");
        add_int(answer, new.fence);
        add_int(answer, new.attempts);
        add_int(answer, now - old.first);
        add_text(answer, old.fingerprint);
        add_int(answer, old.first);
        return;
    }
    snprintf(new.fingerprint, sizeof(new.fingerprint), "%.*s", (int)a[5].len, a[5].data);
    write_open(a[0], 'W', &new, ttl);
    say_array(answer, "GO");
    add_int(answer, new.fence);
    add_int(answer, new.attempts);
    add_int(answer, now);
}

static void write_terminal(const struct slice a[])
{
    char *text = xasprintf("%.*s|%.*s|%.*s", (int)a[3].len, a[3].data, (int)a[2].len, a[2].data, (int)a[4].len,
                           a[4].data);

    set_text(a[0], text, to_number(a[5]));
    free(text);
}

/* keys: record, guard; fence, state, info, ttl, delay, epoch, has claim */
static void eval_settle(const struct slice a[], struct fake_answer *answer)
{
    const struct entry *guard = find(a[1]);
    const char *value = get_text(a[0]);
    char state = a[3].data[0], current = value ? value[0] : '\0';
    int64_t fence = to_number(a[2]), now = now_us() / 1000;
    bool is_stale = value && fence_of(value) > fence;
    bool is_open = state == 'P' || state == 'U';
    struct open_record record;

    if ((slice_is(a[8], "0") || (!value && is_open)) && (!guard || !guard->epoch || !slice_is(a[7], guard->epoch))) {
        say_text(answer, "AMNESIA");
        return;
    }
    if (is_strange(value)) {
        say_text(answer, "UNKNOWN");
        return;
    }
    if (fakes_has_bug(FAKE_BUG_SETTLE_LAST_WINS) && !is_open) {
        write_terminal(a);
        say_text(answer, "OK");
        return;
    }
    if (current == 'S') {
        say_text(answer, "KEEP");
        return;
    }
    if (state == 'S') {
        write_terminal(a);
        say_text(answer, is_stale ? "STALE_SENT" : "OK");
        return;
    }
    if (!is_open && current == state && fence_of(value) == fence) {
        say_text(answer, "OK");
        return;
    }
    if (is_stale || (current && strchr("XDH", current))) {
        say_text(answer, "STALE");
        return;
    }
    if (!is_open) {
        write_terminal(a);
        say_text(answer, "OK");
        return;
    }
    if (!value || !parse_open(value, &record)) {
        record = (struct open_record){.attempts = 1, .first = now};
    }
    record.fence = fence;
    record.attempts -= record.attempts > 0;
    record.deadline = now + to_number(a[6]);
    record.owner[0] = '\0';
    write_open(a[0], state, &record, to_number(a[5]));
    say_text(answer, "OK");
}

/* keys: record, guard; record text, ttl */
static void eval_restore(const struct slice a[], struct fake_answer *answer)
{
    char *text = xmemdup(a[2].data, a[2].len);
    const char *value = get_text(a[0]);

    raise_fence(a[1], fence_of(text));
    if (!is_strange(value) && !(value && value[0] == 'S') && (!value || is_later(text, value))) {
        set_text(a[0], text, to_number(a[3]));
        say_int(answer, 1);
    } else {
        say_int(answer, 0);
    }
    free(text);
}

static bool has_epoch(struct slice guard_key, struct slice epoch)
{
    const struct entry *guard = find(guard_key);

    return guard && guard->epoch && slice_is(epoch, guard->epoch);
}

static bool has_ended_under(const char *value, struct slice fence)
{
    return value && !is_strange(value) && (value[0] == 'D' || value[0] == 'H') && fence_of(value) == to_number(fence);
}

/* keys: record, guard; epoch, fence, fingerprint, ttl */
static void eval_reopen(const struct slice a[], struct fake_answer *answer)
{
    struct open_record record = {.deadline = now_us() / 1000, .first = now_us() / 1000};

    if (!has_epoch(a[1], a[2])) {
        say_text(answer, "AMNESIA");
    } else if (!has_ended_under(get_text(a[0]), a[3])) {
        say_text(answer, "STALE");
    } else {
        record.fence = next_fence(a[1]);
        snprintf(record.fingerprint, sizeof(record.fingerprint), "%.*s", (int)a[4].len, a[4].data);
        write_open(a[0], 'P', &record, to_number(a[5]));
        say_text(answer, "OK");
    }
}

/* keys: record, guard; epoch, fence, state, info, ttl */
static void eval_resolve(const struct slice a[], struct fake_answer *answer)
{
    const char *value = get_text(a[0]);
    const char *info = value && !is_strange(value) && strchr("SXDH", value[0]) ? strchr(value + 2, '|') + 1 : NULL;
    char *text;
    int64_t fence;

    if (!has_epoch(a[1], a[2])) {
        say_array(answer, "AMNESIA");
    } else if (info && value[0] == a[4].data[0] && slice_is(a[5], info)) {
        say_array(answer, "OK");
        add_int(answer, fence_of(value));
    } else if (value && !has_ended_under(value, a[3])) {
        say_array(answer, "CHANGED");
        add_text(answer, value);
    } else {
        fence = next_fence(a[1]);
        text = xasprintf("%.*s|%" PRId64 "|%.*s", (int)a[4].len, a[4].data, fence, (int)a[5].len, a[5].data);
        set_text(a[0], text, to_number(a[6]));
        say_array(answer, "OK");
        add_int(answer, fence);
        free(text);
    }
}

/* key: guard; epoch, least fence, ttl ms or 0, mark */
static void eval_open_shard(const struct slice a[], struct fake_answer *answer)
{
    struct entry *guard = find(a[0]);

    if (!guard || !guard->mark || !slice_is(a[4], guard->mark)) {
        say_int(answer, 0);
        return;
    }
    if ((guard->fence ? to_number(slice_of(guard->fence)) : 0) < to_number(a[2])) {
        replace(&guard->fence, a[2]);
    }
    replace(&guard->epoch, a[1]);
    if (to_number(a[3]) > 0) {
        guard->expires_us = now_us() + to_number(a[3]) * 1000;
    }
    say_int(answer, 1);
}

/* key: note; run id, ttl ms or 0 */
static void eval_note_server(const struct slice a[], struct fake_answer *answer)
{
    char *text = xasprintf("%.*s %" PRId64, (int)a[1].len, a[1].data, now_us() / 1000);

    set_text(a[0], text, to_number(a[2]));
    free(text);
    say_int(answer, 1);
}

static int64_t number_at(struct slice key)
{
    const char *value = get_text(key);

    return value ? to_number(slice_of(value)) : 0;
}

/* keys: arrival, not before; interval, burst, wanted */
static void eval_tokens(const struct slice a[], struct fake_answer *answer)
{
    int64_t now = now_us(), not_before = number_at(a[1]), arrival = number_at(a[0]);
    int64_t interval = to_number(a[2]), burst = to_number(a[3]), granted;
    char text[24];

    say_array(answer, NULL);
    if (fakes_has_bug(FAKE_BUG_TOKENS_FREE)) {
        add_int(answer, to_number(a[4]));
        add_int(answer, 0);
        return;
    }
    if (not_before > now) {
        add_int(answer, 0);
        add_int(answer, not_before - now);
        return;
    }
    arrival = arrival > now ? arrival : now;
    arrival = arrival < now + burst ? arrival : now + burst;
    granted = (now + burst - arrival) / interval;
    granted = granted < to_number(a[4]) ? granted : to_number(a[4]);
    if (granted < 1) {
        add_int(answer, 0);
        add_int(answer, arrival + interval - burst - now);
        return;
    }
    snprintf(text, sizeof(text), "%" PRId64, arrival + granted * interval);
    set_text(a[0], text, (burst + granted * interval + 999) / 1000 + 1000);
    add_int(answer, granted);
    add_int(answer, 0);
}

/* key: not before; delay ms */
static void eval_not_before(const struct slice a[], struct fake_answer *answer)
{
    int64_t until = now_us() + to_number(a[1]) * 1000;
    char text[24];

    if (until > number_at(a[0])) {
        snprintf(text, sizeof(text), "%" PRId64, until);
        set_text(a[0], text, to_number(a[1]) + 1000);
    }
    say_int(answer, 1);
}

/* --- sorted sets: a text "score member;score member;", in order ----------------------------------------------------- */

struct member {
    int64_t score;
    char name[FAKE_MOST_MEMBER];
};

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;

    return a->score != b->score ? (a->score < b->score ? -1 : 1) : strcmp(a->name, b->name);
}

static size_t read_set(struct slice key, struct member members[FAKE_MOST_NESTED])
{
    const char *at = get_text(key);
    size_t count = 0;

    while (at && *at) {
        char *space;
        const char *end;

        assert(count < FAKE_MOST_NESTED);
        members[count].score = strtoll(at, &space, 10);
        end = strchr(space, ';');
        snprintf(members[count++].name, FAKE_MOST_MEMBER, "%.*s", (int)(end - space - 1), space + 1);
        at = end + 1;
    }
    return count;
}

/* An empty set is no key. */
static void write_set(struct slice key, struct member members[], size_t count, int64_t ttl_ms)
{
    struct buf text;
    struct entry *entry = find(key);

    if (count == 0 && entry) {
        free_entry(entry);
    }
    if (count == 0) {
        return;
    }
    qsort(members, count, sizeof(members[0]), compare_members);
    buf_init(&text, 0);
    for (size_t i = 0; i < count; i++) {
        buf_appendf(&text, "%" PRId64 " %s;", members[i].score, members[i].name);
    }
    set_text(key, buf_text(&text), ttl_ms);
    buf_finish(&text);
}

static void set_member(struct slice key, int64_t score, struct slice name, bool is_new_only, int64_t ttl_ms)
{
    struct member members[FAKE_MOST_NESTED + 1];
    size_t count = read_set(key, members), at = 0;

    while (at < count && !slice_is(name, members[at].name)) {
        at++;
    }
    if (at == count || !is_new_only) {
        members[at].score = score;
        snprintf(members[at].name, FAKE_MOST_MEMBER, "%.*s", (int)name.len, name.data);
    }
    write_set(key, members, count + (at == count), ttl_ms);
}

static void remove_member(struct slice key, struct slice name)
{
    struct member members[FAKE_MOST_NESTED];
    size_t count = read_set(key, members), kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!slice_is(name, members[i].name)) {
            members[kept++] = members[i];
        }
    }
    write_set(key, members, kept, 0);
}

static void remove_below(struct slice key, int64_t score, int64_t ttl_ms)
{
    struct member members[FAKE_MOST_NESTED];
    size_t count = read_set(key, members), first = 0;

    while (first < count && members[first].score <= score) {
        first++;
    }
    write_set(key, members + first, count - first, ttl_ms);
}

static void nest_members(struct fake_answer *answer, struct slice key, bool is_latest_first)
{
    struct member members[FAKE_MOST_NESTED];
    size_t count = read_set(key, members);

    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[is_latest_first ? count - 1 - i : i];

        memcpy(answer->members[i], member->name, FAKE_MOST_MEMBER);
        answer->nested[i] = (struct redis_reply){.type = REDIS_TEXT, .text = slice_of(answer->members[i])};
    }
    answer->items[answer->reply.count++] =
        (struct redis_reply){.type = REDIS_ARRAY, .items = answer->nested, .count = count};
}

/* --- what people chose, and who is there -------------------------------------------------------------------------- */

static const char *newest(struct slice key, struct slice known)
{
    const char *text = get_text(key);
    char *copy = xmemdup(known.data, known.len);

    if (strtoll(copy, NULL, 10) > (text ? strtoll(text, NULL, 10) : 0)) {
        set_text(key, copy, 0);
    }
    free(copy);
    text = get_text(key);
    return text ? text : "";
}

static void forget_oldest_versions(const struct slice a[], const char *pin)
{
    struct member members[FAKE_MOST_NESTED];
    size_t count = read_set(a[4], members), most = (size_t)to_number(a[15]);
    const char *wanted = strchr(pin, ' ');

    for (size_t i = 0; i + most < count; i++) {
        char *key = xasprintf("%.*s%s", (int)a[14].len, a[14].data, members[i].name);
        struct entry *files = find(slice_of(key));

        if (!wanted || strncmp(wanted + 1, members[i].name, strlen(members[i].name)) != 0) {
            remove_member(a[4], slice_of(members[i].name));
            if (files) {
                free_entry(files);
            }
        }
        free(key);
    }
}

/* keys: workers, worker, pauses, pin, history, files of folder, files in use; worker, state, pauses, pin, folder, in use,
 * live, prefix, most */
static void eval_beat(const struct slice a[], struct fake_answer *answer)
{
    int64_t now = now_us() / 1000;
    char *state = xasprintf("%" PRId64 " %.*s", now, (int)a[8].len, a[8].data);
    const char *pauses, *pin;

    set_member(a[0], now, a[7], false, 60000);
    remove_below(a[0], now - 60000, 60000);
    set_text(a[1], state, 10000);
    pauses = newest(a[2], a[9]);
    pin = newest(a[3], a[10]);
    set_member(a[4], now - 1, a[12], true, 0);
    set_member(a[4], now, a[11], !slice_is(a[13], "live"), 0);
    forget_oldest_versions(a, pin);
    say_array(answer, NULL);
    add_text(answer, pauses);
    add_text(answer, pin);
    add_int(answer, find(a[5]) != NULL);
    add_int(answer, find(a[6]) != NULL);
    nest_members(answer, a[4], true);
    free(state);
}

/* key; seen, new */
static void eval_choose(const struct slice a[], struct fake_answer *answer)
{
    const char *text = get_text(a[0]);
    char *copy = xmemdup(a[2].data, a[2].len);
    bool is_taken = slice_is(a[1], text ? text : "");

    if (is_taken) {
        set_text(a[0], copy, 0);
    }
    free(copy);
    say_int(answer, is_taken);
}

/* key; who, ttl */
static void eval_hold(const struct slice a[], struct fake_answer *answer)
{
    struct member members[FAKE_MOST_NESTED];

    set_member(a[0], 0, a[1], false, to_number(a[2]));
    say_int(answer, (int64_t)read_set(a[0], members));
}

static const struct {
    const char *name;
    size_t count;
    void (*eval)(const struct slice args[], struct fake_answer *answer);
} scripts[] = {
    {"begin", 10, eval_begin},           {"settle", 9, eval_settle}, {"restore", 4, eval_restore},
    {"reopen", 6, eval_reopen},         {"resolve", 7, eval_resolve},
    {"open_shard", 5, eval_open_shard}, {"note_server", 3, eval_note_server}, {"tokens", 5, eval_tokens}, {"not_before", 2, eval_not_before},
    {"beat", 16, eval_beat},            {"choose", 3, eval_choose}, {"hold", 3, eval_hold},
};

void fake_store_eval(const char *script, const struct slice args[], size_t count, struct fake_answer *answer)
{
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(scripts[i].name, script) == 0) {
            assert(count == scripts[i].count);
            scripts[i].eval(args, answer);
            return;
        }
    }
    say_error(answer, "ERR no such script");
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* SET key value [[NX] PX ms] */
static void call_set(const struct slice args[], size_t count, struct fake_answer *answer)
{
    bool is_new_only = count > 3 && slice_is(args[3], "NX");
    char *value = xmemdup(args[2].data, args[2].len);

    if (is_new_only && find(args[1])) {
        say_text(answer, NULL);
    } else {
        set_text(args[1], value, count > 3 ? to_number(args[count - 1]) : 0);
        say_text(answer, "OK");
    }
    free(value);
}

static void call_time(struct fake_answer *answer)
{
    char text[24];

    say_array(answer, NULL);
    snprintf(text, sizeof(text), "%" PRId64, now_us() / 1000000);
    add_text(answer, text);
    snprintf(text, sizeof(text), "%" PRId64, now_us() % 1000000);
    add_text(answer, text);
}

static void call_hget(const struct slice args[], struct fake_answer *answer)
{
    const struct entry *entry = find(args[1]);

    say_text(answer, !entry                   ? NULL
                     : slice_is(args[2], "e") ? entry->epoch
                     : slice_is(args[2], "f") ? entry->fence
                                              : entry->mark);
}

/* The field "r" alone. */
static void call_hset(const struct slice args[], struct fake_answer *answer)
{
    assert(slice_is(args[2], "r"));
    replace(&find_or_add(args[1])->mark, args[3]);
    say_int(answer, 1);
}

void fake_store_call(const struct slice args[], size_t count, struct fake_answer *answer)
{
    if (slice_is(args[0], "GET") && count == 2) {
        say_text(answer, get_text(args[1]));
    } else if (slice_is(args[0], "SET") && (count == 3 || count >= 5)) {
        call_set(args, count, answer);
    } else if (slice_is(args[0], "HGET") && count == 3) {
        call_hget(args, answer);
    } else if (slice_is(args[0], "HSET") && count == 4) {
        call_hset(args, answer);
    } else if (slice_is(args[0], "PEXPIRE") && count == 3) {
        say_int(answer, find(args[1]) != NULL);
        if (find(args[1])) {
            find(args[1])->expires_us = now_us() + to_number(args[2]) * 1000;
        }
    } else if (slice_is(args[0], "TIME")) {
        call_time(answer);
    } else if (slice_is(args[0], "ZREM") && count == 3) {
        remove_member(args[1], args[2]);
        say_int(answer, 1);
    } else if (slice_is(args[0], "DEL") && count == 2) {
        say_int(answer, find(args[1]) != NULL);
        if (find(args[1])) {
            free_entry(find(args[1]));
        }
    } else if (slice_is(args[0], "ZRANGE") && count == 4) { /* the whole of it */
        say_array(answer, NULL);
        nest_members(answer, args[1], false);
        answer->reply = answer->items[0];
    } else if (slice_is(args[0], "CONFIG") && store.policy) {
        say_array(answer, "maxmemory-policy");
        add_text(answer, store.policy);
    } else {
        say_error(answer, "NOPERM this user has no permissions to run this command");
    }
}
