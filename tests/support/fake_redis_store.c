#include "fake_redis_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_redis_scripts.h"
#include "fake_redis_sets.h"
#include "fake_redis_table.h"
#include "fakes.h"

enum { MOST_COUNTED = 32, MOST_REFUSALS = 8 };

struct refusal {
    char name[32];
    enum redis_status status;
    char text[128];
    int left;
};

static struct {
    struct {
        char name[32];
        uint64_t count;
    } counts[MOST_COUNTED];
    struct refusal refusals[MOST_REFUSALS];
    fake_answer_fn answer_fn;
    void *answer_arg;
    struct fake_answer last;
} server;

void fake_store_begin(void)
{
    memset(&server, 0, sizeof(server));
    fake_table_begin();
}

void fake_store_end(void)
{
    fake_table_end();
}

/* --- scripts ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t count;
    void (*eval)(const struct slice args[], struct fake_answer *answer);
} scripts[] = {
    {"begin", 10, fake_script_begin},
    {"settle", 9, fake_script_settle},
    {"restore", 4, fake_script_restore},
    {"reopen", 6, fake_script_reopen},
    {"resolve", 7, fake_script_resolve},
    {"open_shard", 5, fake_script_open_shard},
    {"note_server", 3, fake_script_note_server},
    {"tokens", 5, fake_script_tokens},
    {"not_before", 2, fake_script_not_before},
    {"beat", 16, fake_script_beat},
    {"choose", 3, fake_script_choose},
    {"hold", 3, fake_script_hold},
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
    fake_say_error(answer, "ERR no such script");
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* SET key value [[NX] PX ms] */
static void call_set(const struct slice args[], size_t count, struct fake_answer *answer)
{
    bool is_new_only = count > 3 && slice_is(args[3], "NX");
    char *value = xmemdup(args[2].data, args[2].len);

    if (is_new_only && fake_table_find(args[1])) {
        fake_say_text(answer, NULL);
    } else {
        fake_table_set_text(args[1], value, count > 3 ? fake_number(args[count - 1]) : 0);
        fake_say_text(answer, "OK");
    }
    free(value);
}

static void call_time(struct fake_answer *answer)
{
    char text[24];

    fake_say_array(answer, NULL);
    snprintf(text, sizeof(text), "%" PRId64, fake_table_us() / 1000000);
    fake_say_more(answer, text);
    snprintf(text, sizeof(text), "%" PRId64, fake_table_us() % 1000000);
    fake_say_more(answer, text);
}

static void call_hget(const struct slice args[], struct fake_answer *answer)
{
    const struct fake_entry *entry = fake_table_find(args[1]);

    fake_say_text(answer, !entry                   ? NULL
                     : slice_is(args[2], "e") ? entry->epoch
                     : slice_is(args[2], "f") ? entry->fence
                                              : entry->mark);
}

/* The field "r" alone. */
static void call_hset(const struct slice args[], struct fake_answer *answer)
{
    assert(slice_is(args[2], "r"));
    fake_text_replace(&fake_table_find_or_add(args[1])->mark, args[3]);
    fake_say_int(answer, 1);
}

void fake_store_call(const struct slice args[], size_t count, struct fake_answer *answer)
{
    if (slice_is(args[0], "GET") && count == 2) {
        fake_say_text(answer, fake_table_text(args[1]));
    } else if (slice_is(args[0], "SET") && (count == 3 || count >= 5)) {
        call_set(args, count, answer);
    } else if (slice_is(args[0], "HGET") && count == 3) {
        call_hget(args, answer);
    } else if (slice_is(args[0], "HSET") && count == 4) {
        call_hset(args, answer);
    } else if (slice_is(args[0], "PEXPIRE") && count == 3) {
        fake_say_int(answer, fake_table_find(args[1]) != NULL);
        if (fake_table_find(args[1])) {
            fake_table_find(args[1])->expires_us = fake_table_us() + fake_number(args[2]) * 1000;
        }
    } else if (slice_is(args[0], "TIME")) {
        call_time(answer);
    } else if (slice_is(args[0], "ZREM") && count == 3) {
        fake_set_remove(args[1], args[2]);
        fake_say_int(answer, 1);
    } else if (slice_is(args[0], "DEL") && count == 2) {
        fake_say_int(answer, fake_table_find(args[1]) != NULL);
        if (fake_table_find(args[1])) {
            fake_table_remove(fake_table_find(args[1]));
        }
    } else if (slice_is(args[0], "ZRANGE") && count == 4) { /* the whole of it */
        fake_say_array(answer, NULL);
        fake_set_say(answer, args[1], false);
        answer->reply = answer->items[0];
    } else if (slice_is(args[0], "CONFIG") && fake_table_policy()) {
        fake_say_array(answer, "maxmemory-policy");
        fake_say_more(answer, fake_table_policy());
    } else {
        fake_say_error(answer, "NOPERM this user has no permissions to run this command");
    }
}

/* --- counting and refusing ---------------------------------------------------------------------------------------- */

static void count_command(const char *name)
{
    for (size_t i = 0; i < MOST_COUNTED; i++) {
        if (!server.counts[i].name[0]) {
            snprintf(server.counts[i].name, sizeof(server.counts[i].name), "%s", name);
        }
        if (strcmp(server.counts[i].name, name) == 0) {
            server.counts[i].count++;
            return;
        }
    }
}

uint64_t fake_redis_count(const char *name)
{
    for (size_t i = 0; i < MOST_COUNTED; i++) {
        if (strcmp(server.counts[i].name, name) == 0) {
            return server.counts[i].count;
        }
    }
    return 0;
}

void fake_redis_refuse(const char *name, enum redis_status status, const char *text, int count)
{
    for (size_t i = 0; i < MOST_REFUSALS; i++) {
        struct refusal *refusal = &server.refusals[i];

        if (refusal->left == 0) {
            snprintf(refusal->name, sizeof(refusal->name), "%s", name);
            snprintf(refusal->text, sizeof(refusal->text), "%s", text);
            refusal->status = status;
            refusal->left = count;
            return;
        }
    }
    abort();
}

static struct refusal *find_refusal(const char *name)
{
    for (size_t i = 0; i < MOST_REFUSALS; i++) {
        if (server.refusals[i].left > 0 && strcmp(server.refusals[i].name, name) == 0) {
            return &server.refusals[i];
        }
    }
    return NULL;
}

/* --- executing ---------------------------------------------------------------------------------------------------- */

static void tell(const char *script, const struct redis_reply *reply)
{
    const struct redis_reply *first = reply->type == REDIS_ARRAY && reply->count ? &reply->items[0] : reply;

    if (server.answer_fn) {
        server.answer_fn(server.answer_arg, script, first->type == REDIS_TEXT ? first->text.data : "number");
    }
}

enum redis_status fake_store_execute(const char *script, const struct slice args[], size_t count,
                                     struct fake_answer *answer)
{
    char name[32];
    struct refusal *refusal;

    if (script) {
        snprintf(name, sizeof(name), "%s", script);
    } else {
        snprintf(name, sizeof(name), "%.*s", (int)args[0].len, args[0].data);
    }
    count_command(name);
    refusal = find_refusal(name);
    if (refusal) {
        refusal->left--;
        fake_say_text(answer, refusal->text);
        return refusal->status;
    }
    if (script) {
        fake_store_eval(script, args, count, answer);
        tell(script, &answer->reply);
    } else {
        fake_store_call(args, count, answer);
    }
    return answer->is_error ? REDIS_ERROR : REDIS_OK;
}

const struct redis_reply *fake_redis_call(const struct slice args[], size_t count)
{
    fake_store_call(args, count, &server.last);
    return &server.last.reply;
}

const struct redis_reply *fake_redis_eval(const char *script, const struct slice args[], size_t count)
{
    fake_store_eval(script, args, count, &server.last);
    return &server.last.reply;
}

void fake_redis_watch(fake_answer_fn fn, void *arg)
{
    server.answer_fn = fn;
    server.answer_arg = arg;
}
