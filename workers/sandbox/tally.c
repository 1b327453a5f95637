#include "workers/sandbox/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hash_table.h"
#include "base/mem.h"

enum { MID_KEY_SIZE = 16, ANSWER_SIZE = 48 };

struct mid_count {
    uint8_t key[MID_KEY_SIZE];
    uint32_t count;
    UT_hash_handle hh;
};

struct answer_count {
    char word[ANSWER_SIZE];
    uint64_t count;
    UT_hash_handle hh;
};

struct counts {
    uint64_t requests;
    uint64_t accepted;
    uint64_t distinct_mids;
    uint64_t duplicates; /* mids accepted more than once */
    uint64_t surplus;    /* acceptances of a mid beyond its first */
    uint64_t without_mid;
    uint64_t dropped;
};

struct tally {
    struct counts channels[CHANNEL_COUNT];
    struct mid_count *mids[CHANNEL_COUNT];
    struct answer_count *answers;
};

struct tally *tally_create(void)
{
    return xcalloc(1, sizeof(struct tally));
}

void tally_clear(struct tally *tally)
{
    struct mid_count *mid, *next_mid;
    struct answer_count *answer, *next_answer;

    for (int c = 0; c < CHANNEL_COUNT; c++) {
        HASH_ITER(hh, tally->mids[c], mid, next_mid)
        {
            HASH_DEL(tally->mids[c], mid);
            free(mid);
        }
    }
    HASH_ITER(hh, tally->answers, answer, next_answer)
    {
        HASH_DEL(tally->answers, answer);
        free(answer);
    }
    *tally = (struct tally){0};
}

void tally_destroy(struct tally *tally)
{
    if (tally) {
        tally_clear(tally);
        free(tally);
    }
}

void tally_request(struct tally *tally, enum channel channel)
{
    tally->channels[channel].requests++;
}

void tally_drop(struct tally *tally, enum channel channel)
{
    tally->channels[channel].dropped++;
}

void tally_answer(struct tally *tally, const char *word)
{
    struct answer_count *answer;
    unsigned len = (unsigned)strnlen(word, ANSWER_SIZE - 1);

    HASH_FIND(hh, tally->answers, word, len, answer);
    if (!answer) {
        answer = xcalloc(1, sizeof(*answer));
        memcpy(answer->word, word, len);
        HASH_ADD(hh, tally->answers, word, len, answer);
    }
    answer->count++;
}

/* A mid of ours is 32 hex digits; any other tag stands by its digest. */
static void make_key(const char *mid, uint8_t key[MID_KEY_SIZE])
{
    uint8_t digest[DIGEST_SIZE];

    if (!hex_parse(slice_of(mid), key, MID_KEY_SIZE)) {
        digest_sha256(slice_of(mid), digest);
        memcpy(key, digest, MID_KEY_SIZE);
    }
}

static struct mid_count *find_mid(const struct tally *tally, enum channel channel, const uint8_t key[MID_KEY_SIZE])
{
    struct mid_count *found;

    HASH_FIND(hh, tally->mids[channel], key, MID_KEY_SIZE, found);
    return found;
}

uint32_t tally_count(const struct tally *tally, enum channel channel, const char *mid)
{
    struct mid_count *found = NULL;
    uint8_t key[MID_KEY_SIZE];

    if (mid[0]) {
        make_key(mid, key);
        found = find_mid(tally, channel, key);
    }
    return found ? found->count : 0;
}

uint32_t tally_accept(struct tally *tally, enum channel channel, const char *mid)
{
    struct counts *counts = &tally->channels[channel];
    struct mid_count *found;
    uint8_t key[MID_KEY_SIZE];

    counts->accepted++;
    if (!mid[0]) {
        counts->without_mid++;
        return 0;
    }
    make_key(mid, key);
    found = find_mid(tally, channel, key);
    if (!found) {
        found = xcalloc(1, sizeof(*found));
        memcpy(found->key, key, sizeof(key));
        HASH_ADD(hh, tally->mids[channel], key, MID_KEY_SIZE, found);
        counts->distinct_mids++;
    } else {
        counts->duplicates += found->count == 1;
        counts->surplus++;
    }
    return ++found->count;
}

static void print_counts(const struct counts *counts, struct json_text *j)
{
    json_text_member_int(j, "requests", (int64_t)counts->requests);
    json_text_member_int(j, "accepted", (int64_t)counts->accepted);
    json_text_member_int(j, "distinct_mids", (int64_t)counts->distinct_mids);
    json_text_member_int(j, "duplicates", (int64_t)counts->duplicates);
    json_text_member_int(j, "surplus", (int64_t)counts->surplus);
    json_text_member_int(j, "without_mid", (int64_t)counts->without_mid);
    json_text_member_int(j, "dropped", (int64_t)counts->dropped);
}

static struct counts sum(const struct tally *tally)
{
    struct counts all = {0};

    for (int c = 0; c < CHANNEL_COUNT; c++) {
        const struct counts *one = &tally->channels[c];

        all.requests += one->requests;
        all.accepted += one->accepted;
        all.distinct_mids += one->distinct_mids;
        all.duplicates += one->duplicates;
        all.surplus += one->surplus;
        all.without_mid += one->without_mid;
        all.dropped += one->dropped;
    }
    return all;
}

void tally_format(const struct tally *tally, struct json_text *j)
{
    struct counts all = sum(tally);

    json_text_open(j, '{');
    print_counts(&all, j);
    json_text_key(j, "channels");
    json_text_open(j, '{');
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        json_text_key(j, channel_name((enum channel)c));
        json_text_open(j, '{');
        print_counts(&tally->channels[c], j);
        json_text_close(j, '}');
    }
    json_text_close(j, '}');
    json_text_key(j, "answers");
    json_text_open(j, '{');
    for (const struct answer_count *answer = tally->answers; answer; answer = answer->hh.next) {
        json_text_member_int(j, answer->word, (int64_t)answer->count);
    }
    json_text_close(j, '}');
    json_text_close(j, '}');
}
