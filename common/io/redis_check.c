#include "io/redis_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/redis_command.h"

struct script_slot {
    struct script_slot *next;
    const struct redis_script *script;
    struct redis_check *check;
    struct buf prefix; /* formatted "EVALSHA <sha> <keys>"; empty until the server told the sha */
};

void redis_check_init(struct redis_check *check, const struct redis_check_events *events)
{
    *check = (struct redis_check){.events = *events};
}

void redis_check_finish(struct redis_check *check)
{
    while (check->scripts) {
        struct script_slot *slot = check->scripts;

        check->scripts = slot->next;
        buf_finish(&slot->prefix);
        free(slot);
    }
}

void redis_check_add_script(struct redis_check *check, const struct redis_script *script)
{
    struct script_slot *slot = xcalloc(1, sizeof(*slot));

    slot->script = script;
    slot->check = check;
    buf_init(&slot->prefix, 0);
    slot->next = check->scripts;
    check->scripts = slot;
}

struct slice redis_check_evalsha(const struct redis_check *check, const struct redis_script *script)
{
    for (const struct script_slot *slot = check->scripts; slot; slot = slot->next) {
        if (slot->script == script) {
            return buf_slice(&slot->prefix);
        }
    }
    return SLICE("");
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

/* Text is for a person; `reply` may be an error text of the server, which names no secret. */
static void fail(struct redis_check *check, const char *what, const struct redis_reply *reply)
{
    char reason[REDIS_REASON_SIZE];

    snprintf(reason, sizeof(reason), "%s: %.*s", what, (int)(reply->text.len < 160 ? reply->text.len : 160),
             reply->text.data ? reply->text.data : "unexpected answer");
    check->open_count = 0;
    check->events.on_fail(check->events.arg, reason);
}

static void pass(struct redis_check *check)
{
    if (--check->open_count == 0) {
        check->events.on_pass(check->events.arg, check->run_id);
    }
}

static void on_accepted(struct redis_check *check, const char *what, enum redis_status status,
                        const struct redis_reply *reply)
{
    if (status == REDIS_OK) {
        pass(check);
    } else if (status == REDIS_ERROR) {
        fail(check, what, reply);
    }
}

static void on_auth(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    on_accepted(arg, "AUTH refused", status, reply);
}

static void on_select(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    on_accepted(arg, "SELECT refused", status, reply);
}

static void fail_of_replica(struct redis_check *check, struct slice host, int64_t port)
{
    char reason[REDIS_REASON_SIZE];

    snprintf(reason, sizeof(reason), "a replica of %.*s:%" PRId64 ", not a master; REDIS_URL must name the master",
             (int)(host.len < 120 ? host.len : 120), host.data, port);
    check->open_count = 0;
    check->events.on_fail(check->events.arg, reason);
}

static void on_role(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    bool is_array = status == REDIS_OK && reply->type == REDIS_ARRAY && reply->count > 0;

    if (is_array && slice_is(reply->items[0].text, "master")) {
        pass(arg);
    } else if (is_array && slice_is(reply->items[0].text, "slave") && reply->count > 2) {
        fail_of_replica(arg, reply->items[1].text, reply->items[2].number);
    } else if (is_array) {
        fail(arg, "not a master but a", &reply->items[0]);
    } else if (status != REDIS_UNAVAILABLE) {
        fail(arg, "ROLE refused", reply);
    }
}

/* A managed server may hide its run id: then every connection counts as one to a new server. */
static void on_info(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct redis_check *check = arg;
    const char *key = "run_id:";
    const char *at;

    if (status != REDIS_OK) {
        on_accepted(check, "INFO refused", status, reply);
        return;
    }
    check->run_id[0] = '\0';
    at = reply->text.len ? memmem(reply->text.data, reply->text.len, key, strlen(key)) : NULL;
    if (at) {
        const char *end = reply->text.data + reply->text.len;
        size_t len = 0;

        at += strlen(key);
        while (at + len < end && at[len] > ' ' && len + 1 < sizeof(check->run_id)) {
            len++;
        }
        snprintf(check->run_id, sizeof(check->run_id), "%.*s", (int)len, at);
    }
    pass(check);
}

static void on_script_loaded(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct script_slot *slot = arg;
    char keys[16];
    struct slice head[3] = {SLICE("EVALSHA"), reply->text, {keys, 0}};

    if (status != REDIS_OK || reply->type != REDIS_TEXT) {
        if (status != REDIS_UNAVAILABLE) {
            char what[96];

            snprintf(what, sizeof(what), "script %s refused", slot->script->name);
            fail(slot->check, what, reply);
        }
        return;
    }
    snprintf(keys, sizeof(keys), "%d", slot->script->key_count);
    head[2].len = strlen(keys);
    buf_clear(&slot->prefix);
    command_append_args(&slot->prefix, head, 3);
    pass(slot->check);
}

/* --- questions --------------------------------------------------------------------------------------------------- */

static void send(struct redis_check *check, const struct slice args[], size_t count, redis_fn fn, void *arg)
{
    check->open_count++;
    check->events.send(check->events.arg, args, count, fn, arg);
}

static void send_auth(struct redis_check *check, const struct redis_url *url)
{
    const struct slice with_user[] = {SLICE("AUTH"), slice_of(url->user), slice_of(url->password)};
    const struct slice without[] = {SLICE("AUTH"), slice_of(url->password)};

    if (url->user) {
        send(check, with_user, 3, on_auth, check);
    } else {
        send(check, without, 2, on_auth, check);
    }
}

/* All in one go; the answers come in order, so a refused AUTH is the first thing heard. */
void redis_check_begin(struct redis_check *check, const struct redis_url *url)
{
    const struct slice role[] = {SLICE("ROLE")};
    const struct slice info[] = {SLICE("INFO"), SLICE("server")};

    check->open_count = 0;
    if (url->password) {
        send_auth(check, url);
    }
    if (url->db > 0) {
        char db[16];

        snprintf(db, sizeof(db), "%d", url->db);
        send(check, (const struct slice[]){SLICE("SELECT"), slice_of(db)}, 2, on_select, check);
    }
    send(check, role, 1, on_role, check);
    send(check, info, 2, on_info, check);
    for (struct script_slot *slot = check->scripts; slot; slot = slot->next) {
        const struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"), slice_of(slot->script->source)};

        send(check, load, 3, on_script_loaded, slot);
    }
}
