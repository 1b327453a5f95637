#include "tests/support/redis_dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/digest.h"
#include "base/mem.h"

enum { RAW_MID = 16 };

struct dump {
    redisContext *redis;
    char prefix[48]; /* "n:{test." */
    redis_dump_fn fn;
    void *arg;
};

/* False: no key of ours. `rest`: what stands behind "n:{test.3f}:". */
static bool parse_key(const struct dump *dump, const redisReply *key, unsigned *shard, const char **rest, size_t *len)
{
    size_t prefix = strlen(dump->prefix);
    uint8_t byte;

    if (key->len <= prefix + 4 || memcmp(key->str, dump->prefix, prefix) != 0 || key->str[prefix + 2] != '}' ||
        !hex_parse(slice_make(key->str + prefix, 2), &byte, 1)) {
        return false;
    }
    *shard = byte;
    *rest = key->str + prefix + 4;
    *len = key->len - prefix - 4;
    return true;
}

static void tell(struct dump *dump, unsigned shard, const char *mid, const char *record)
{
    struct redis_dump_entry entry = {.shard = shard};
    const char *bar = strchr(record, '|');

    if (mid) {
        hex_format((const uint8_t *)mid, RAW_MID, entry.mid);
        entry.state = record[0];
    }
    entry.fence = strtoull(!mid ? record : bar ? bar + 1 : "0", NULL, 10);
    dump->fn(dump->arg, &entry);
}

static bool ask_guard(struct dump *dump, const redisReply *key, unsigned shard)
{
    redisReply *reply = redisCommand(dump->redis, "HGET %b f", key->str, key->len);
    bool is_fine = reply && reply->type != REDIS_REPLY_ERROR;

    if (is_fine && reply->type == REDIS_REPLY_STRING) {
        tell(dump, shard, NULL, reply->str);
    }
    freeReplyObject(reply);
    return is_fine;
}

/* All records of a page of keys at once, its guards one by one. */
static bool ask(struct dump *dump, redisReply *const keys[], size_t count)
{
    const char **words = xcalloc(count + 1, sizeof(*words));
    size_t *lengths = xcalloc(count + 1, sizeof(*lengths));
    redisReply *reply = NULL;
    bool is_fine = true;
    size_t asked = 1, len;
    const char *rest;
    unsigned shard;

    words[0] = "MGET";
    lengths[0] = 4;
    for (size_t i = 0; i < count && is_fine; i++) {
        if (!parse_key(dump, keys[i], &shard, &rest, &len)) {
            continue;
        }
        if (len == RAW_MID) {
            words[asked] = keys[i]->str;
            lengths[asked++] = keys[i]->len;
        } else {
            is_fine = ask_guard(dump, keys[i], shard);
        }
    }
    if (is_fine && asked > 1) {
        reply = redisCommandArgv(dump->redis, (int)asked, words, lengths);
        is_fine = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == asked - 1;
    }
    for (size_t i = 1; i < asked && reply && is_fine; i++) {
        const redisReply key = {.str = (char *)words[i], .len = lengths[i]};

        if (reply->element[i - 1]->type == REDIS_REPLY_STRING && parse_key(dump, &key, &shard, &rest, &len)) {
            tell(dump, shard, rest, reply->element[i - 1]->str);
        }
    }
    freeReplyObject(reply);
    free(words);
    free(lengths);
    return is_fine;
}

/* True when `cursor` may be gone on with ("0": the end). */
static bool scan(struct dump *dump, char cursor[32])
{
    redisReply *reply = redisCommand(dump->redis, "SCAN %s MATCH n:* COUNT 500", cursor);
    bool is_fine = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;

    is_fine = is_fine && ask(dump, reply->element[1]->element, reply->element[1]->elements);
    if (is_fine) {
        snprintf(cursor, 32, "%s", reply->element[0]->str);
    }
    freeReplyObject(reply);
    return is_fine;
}

bool redis_dump(const char *socket, const char *environment, redis_dump_fn fn, void *arg)
{
    const struct timeval most = {.tv_sec = 5};
    struct dump dump = {.redis = redisConnectUnixWithTimeout(socket, most), .fn = fn, .arg = arg};
    char cursor[32] = "0";
    bool is_fine = dump.redis && !dump.redis->err;

    snprintf(dump.prefix, sizeof(dump.prefix), "n:{%s.", environment);
    if (is_fine) {
        redisSetTimeout(dump.redis, most);
    }
    do {
        is_fine = is_fine && scan(&dump, cursor);
    } while (is_fine && strcmp(cursor, "0") != 0);
    if (dump.redis) {
        redisFree(dump.redis);
    }
    return is_fine;
}
