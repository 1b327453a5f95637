#include "fake_redis_sets.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fake_redis_table.h"

static int compare_members(const void *left, const void *right)
{
    const struct fake_member *a = left, *b = right;

    return a->score != b->score ? (a->score < b->score ? -1 : 1) : strcmp(a->name, b->name);
}

size_t fake_set_read(struct slice key, struct fake_member members[FAKE_MOST_NESTED])
{
    const char *at = fake_table_text(key);
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
static void write_set(struct slice key, struct fake_member members[], size_t count, int64_t ttl_ms)
{
    struct buf text;
    struct fake_entry *entry = fake_table_find(key);

    if (count == 0 && entry) {
        fake_table_remove(entry);
    }
    if (count == 0) {
        return;
    }
    qsort(members, count, sizeof(members[0]), compare_members);
    buf_init(&text, 0);
    for (size_t i = 0; i < count; i++) {
        buf_appendf(&text, "%" PRId64 " %s;", members[i].score, members[i].name);
    }
    fake_table_set_text(key, buf_text(&text), ttl_ms);
    buf_finish(&text);
}

void fake_set_put(struct slice key, int64_t score, struct slice name, bool is_new_only, int64_t ttl_ms)
{
    struct fake_member members[FAKE_MOST_NESTED + 1];
    size_t count = fake_set_read(key, members), at = 0;

    while (at < count && !slice_is(name, members[at].name)) {
        at++;
    }
    if (at == count || !is_new_only) {
        members[at].score = score;
        snprintf(members[at].name, FAKE_MOST_MEMBER, "%.*s", (int)name.len, name.data);
    }
    write_set(key, members, count + (at == count), ttl_ms);
}

void fake_set_remove(struct slice key, struct slice name)
{
    struct fake_member members[FAKE_MOST_NESTED];
    size_t count = fake_set_read(key, members), kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!slice_is(name, members[i].name)) {
            members[kept++] = members[i];
        }
    }
    write_set(key, members, kept, 0);
}

void fake_set_remove_below(struct slice key, int64_t score, int64_t ttl_ms)
{
    struct fake_member members[FAKE_MOST_NESTED];
    size_t count = fake_set_read(key, members), first = 0;

    while (first < count && members[first].score <= score) {
        first++;
    }
    write_set(key, members + first, count - first, ttl_ms);
}

void fake_set_say(struct fake_answer *answer, struct slice key, bool is_latest_first)
{
    struct fake_member members[FAKE_MOST_NESTED];
    size_t count = fake_set_read(key, members);

    for (size_t i = 0; i < count; i++) {
        const struct fake_member *member = &members[is_latest_first ? count - 1 - i : i];

        memcpy(answer->members[i], member->name, FAKE_MOST_MEMBER);
        answer->nested[i] = (struct redis_reply){.type = REDIS_TEXT, .text = slice_of(answer->members[i])};
    }
    answer->items[answer->reply.count++] =
        (struct redis_reply){.type = REDIS_ARRAY, .items = answer->nested, .count = count};
}
