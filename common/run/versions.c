#include "run/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"

EMBED_FILE(announce_templates_lua, "common/run/scripts/announce_templates.lua")
EMBED_FILE(pin_templates_lua, "common/run/scripts/pin_templates.lua")

const struct redis_script versions_announce_script = {"announce_templates", announce_templates_lua_data, 5};
const struct redis_script versions_pin_script = {"pin_templates", pin_templates_lua_data, 1};

enum { WORKER_NAME_SIZE = 80, MOST_PACK = 8 << 20, MOST_REFUSAL = 300, REFUSED_AGAIN_MS = 60000 };

struct versions {
    struct loop *loop;
    struct redis *redis;
    struct templates *templates;
    const char *channels;
    struct version_keys keys;
    char worker[WORKER_NAME_SIZE];
    struct loop_timer *timer;
    struct template_pin pin;
    char folder_version[VERSION_TEXT_SIZE], in_use[VERSION_TEXT_SIZE];   /* as `templates` said last */
    char told_folder[VERSION_TEXT_SIZE], told_in_use[VERSION_TEXT_SIZE]; /* in the announcement under way */
    int64_t in_use_since;                                                /* wall clock */
    bool is_live_news; /* the folder has changed, and Redis does not know it yet */
    bool is_asking, is_known, is_leaving, is_gone;
    int open_count;                 /* commands without an answer */
    char wanted[VERSION_TEXT_SIZE]; /* whose files were asked for; "" */
    struct {
        char version[VERSION_TEXT_SIZE];
        int64_t until;        /* clock_mono_ms() */
    } refused[VERSIONS_MOST]; /* what was fetched in vain: not again for a while */
    size_t next_refused;
};

void version_keys_init(struct version_keys *keys, const char *environment)
{
    snprintf(keys->workers, sizeof(keys->workers), "n:{%s.templates}:workers", environment);
    snprintf(keys->pin, sizeof(keys->pin), "n:{%s.templates}:pin", environment);
    snprintf(keys->history, sizeof(keys->history), "n:{%s.templates}:history", environment);
    snprintf(keys->files_prefix, sizeof(keys->files_prefix), "n:{%s.templates}:files:", environment);
}

/* --- files from and to Redis -------------------------------------------------------------------------------------- */

static struct slice files_key(const struct versions *versions, const char *version, char text[VERSIONS_KEY_SIZE])
{
    return slice_make(text, (size_t)snprintf(text, VERSIONS_KEY_SIZE, "%s%s", versions->keys.files_prefix, version));
}

/* An answer has come. False: nobody is interested any more. */
static bool take_answer(struct versions *versions)
{
    versions->open_count--;
    if (versions->is_gone && versions->open_count == 0) {
        free(versions);
        return false;
    }
    return !versions->is_gone;
}

static void on_sent(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    if (take_answer(arg) && status == REDIS_ERROR) {
        log_event(LOG_WARN, "templates_not_kept", "reason", reply->text.data, NULL);
    }
}

static void send_files(struct versions *versions, const char *version)
{
    struct slice pack = templates_packed(versions->templates, version);
    char key[VERSIONS_KEY_SIZE];
    const struct slice args[] = {SLICE("SET"), files_key(versions, version, key), pack};

    if (pack.data && pack.len <= MOST_PACK) {
        versions->open_count++;
        redis_call(versions->redis, args, 3, on_sent, versions);
    }
}

static void refuse(struct versions *versions, const char *version)
{
    size_t at = versions->next_refused++ % VERSIONS_MOST;

    memcpy(versions->refused[at].version, version, VERSION_TEXT_SIZE);
    versions->refused[at].until = clock_mono_ms() + REFUSED_AGAIN_MS;
}

static bool is_refused(const struct versions *versions, const char *version)
{
    for (size_t i = 0; i < VERSIONS_MOST; i++) {
        if (strcmp(versions->refused[i].version, version) == 0 && versions->refused[i].until > clock_mono_ms()) {
            return true;
        }
    }
    return false;
}

/* Something changed: it is told, and what is next is asked for, at once. */
static void hurry(void *arg)
{
    struct versions *versions = arg;

    if (!versions->is_leaving) {
        loop_timer_start(versions->timer, 0);
    }
}

static void on_files(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct versions *versions = arg;
    char version[VERSION_TEXT_SIZE];
    struct err err = {0};

    if (!take_answer(versions)) {
        return;
    }
    memcpy(version, versions->wanted, sizeof(version));
    versions->wanted[0] = '\0';
    if (status != REDIS_OK) {
        return;
    }
    if (reply->type == REDIS_TEXT && !templates_add(versions->templates, version, reply->text, &err)) {
        log_event(LOG_WARN, "templates_not_usable", "version", version, "reason", err.text, NULL);
    }
    if (templates_find_version(versions->templates, version)) {
        hurry(versions);
    } else if (reply->type == REDIS_TEXT || strcmp(version, versions->pin.version) != 0) {
        refuse(versions, version);
    }
    versions->is_known = true;
}

/* False: not now, or nothing to be had. */
static bool fetch(struct versions *versions, struct slice version)
{
    char text[VERSION_TEXT_SIZE], key[VERSIONS_KEY_SIZE];
    struct slice args[2] = {SLICE("GET")};

    if (versions->wanted[0] || !template_version_is_valid(version)) {
        return false;
    }
    memcpy(text, version.data, version.len);
    text[version.len] = '\0';
    if (templates_find_version(versions->templates, text) || is_refused(versions, text)) {
        return false;
    }
    memcpy(versions->wanted, text, sizeof(text));
    args[1] = files_key(versions, text, key);
    versions->open_count++;
    redis_call(versions->redis, args, 2, on_files, versions);
    return true;
}

/* One at a time: what people chose first, then the latest, for messages that began with them. */
static void fetch_next(struct versions *versions, const struct redis_reply *history)
{
    if (template_pin_replaces(&versions->pin, templates_folder_version(versions->templates)) &&
        fetch(versions, slice_of(versions->pin.version))) {
        return;
    }
    for (size_t i = 0; i < history->count && i < TEMPLATES_KEPT_VERSIONS; i++) {
        if (history->items[i].type == REDIS_TEXT && fetch(versions, history->items[i].text)) {
            return;
        }
    }
}

/* --- announcing --------------------------------------------------------------------------------------------------- */

static void write_kept(const struct versions *versions, struct json_text *j)
{
    const char *version;

    json_text_key(j, "kept");
    json_text_open(j, '[');
    for (size_t i = 0; (version = templates_kept_version(versions->templates, i)); i++) {
        json_text_string(j, slice_of(version));
    }
    json_text_close(j, ']');
}

static void write_state(const struct versions *versions, struct buf *out)
{
    struct slice refusal = slice_of(templates_refusal(versions->templates));
    struct json_text j;

    refusal.len = refusal.len < MOST_REFUSAL ? refusal.len : MOST_REFUSAL;
    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_member(&j, "version", versions->in_use);
    json_text_member_int(&j, "since", versions->in_use_since);
    json_text_member(&j, "folder", templates_folder_version(versions->templates));
    json_text_member(&j, "channels", versions->channels);
    json_text_member_if(&j, "missing", templates_missing(versions->templates));
    if (refusal.len) {
        json_text_member_slice(&j, "refused", refusal);
    }
    write_kept(versions, &j);
    json_text_close(&j, '}');
}

/* Takes in what `templates` says now. */
static void look(struct versions *versions)
{
    const char *folder = templates_folder_version(versions->templates);
    const char *in_use = catalog_version(templates_current(versions->templates));

    if (strcmp(folder, versions->folder_version) != 0) {
        versions->is_live_news = versions->folder_version[0] != '\0';
        snprintf(versions->folder_version, sizeof(versions->folder_version), "%s", folder);
    }
    if (strcmp(in_use, versions->in_use) != 0) {
        snprintf(versions->in_use, sizeof(versions->in_use), "%s", in_use);
        versions->in_use_since = clock_wall_ms();
    }
}

static void take_pin(struct versions *versions, const struct redis_reply *reply)
{
    struct template_pin pin;

    if (reply->type == REDIS_TEXT && reply->text.len && !template_pin_parse(reply->text, &pin)) {
        log_event(LOG_ERROR, "templates_pin_unreadable", "key", versions->keys.pin, NULL);
        return;
    }
    if (reply->type == REDIS_TEXT && reply->text.len && pin.serial > versions->pin.serial) {
        versions->pin = pin;
        templates_pin(versions->templates, &pin);
    }
}

static void on_announced(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct versions *versions = arg;

    if (!take_answer(versions)) {
        return;
    }
    versions->is_asking = false;
    if (status == REDIS_ERROR) {
        log_event(LOG_WARN, "templates_not_announced", "reason", reply->text.data, NULL);
    }
    if (status != REDIS_OK || reply->type != REDIS_ARRAY || reply->count != 4) {
        return;
    }
    versions->is_live_news = versions->is_live_news && strcmp(versions->told_folder, versions->folder_version) != 0;
    if (reply->items[1].number == 0) {
        send_files(versions, versions->told_folder);
    }
    if (reply->items[2].number == 0) {
        send_files(versions, versions->told_in_use);
    }
    take_pin(versions, &reply->items[0]);
    fetch_next(versions, &reply->items[3]);
    /* What was chosen may be on its way. */
    versions->is_known |= !templates_missing(versions->templates)[0] || !versions->wanted[0];
}

static void announce(void *arg)
{
    struct versions *versions = arg;
    const struct version_keys *keys = &versions->keys;
    char folder_key[VERSIONS_KEY_SIZE], in_use_key[VERSIONS_KEY_SIZE], most[16];
    struct buf state, pin;

    loop_timer_start(versions->timer, VERSIONS_BEAT_MS);
    look(versions);
    if (versions->is_asking || !redis_is_ready(versions->redis)) {
        return;
    }
    buf_init(&state, 0);
    buf_init(&pin, 0);
    write_state(versions, &state);
    template_pin_format(&versions->pin, &pin);
    snprintf(most, sizeof(most), "%d", VERSIONS_MOST);
    memcpy(versions->told_folder, versions->folder_version, VERSION_TEXT_SIZE);
    memcpy(versions->told_in_use, versions->in_use, VERSION_TEXT_SIZE);
    versions->is_asking = true;
    versions->open_count++;
    redis_eval(versions->redis, &versions_announce_script,
               (const struct slice[]){
                   slice_of(keys->workers), slice_of(keys->pin), slice_of(keys->history),
                   files_key(versions, versions->told_folder, folder_key),
                   files_key(versions, versions->told_in_use, in_use_key), slice_of(versions->worker),
                   buf_slice(&state), buf_slice(&pin), slice_of(versions->told_folder), slice_of(versions->told_in_use),
                   slice_of(versions->is_live_news ? "live" : ""), slice_of(keys->files_prefix), slice_of(most)},
               13, on_announced, versions);
    buf_finish(&state);
    buf_finish(&pin);
}

/* --- create, leave --------------------------------------------------------------------------------------------------
 */

struct versions *versions_create(struct loop *loop, struct claims *claims, struct templates *templates,
                                 const char *environment, const char *channels)
{
    struct versions *versions = xcalloc(1, sizeof(*versions));
    char host[48] = "";

    versions->loop = loop;
    versions->redis = claims_redis(claims);
    versions->templates = templates;
    versions->channels = channels;
    version_keys_init(&versions->keys, environment);
    gethostname(host, sizeof(host) - 1);
    snprintf(versions->worker, sizeof(versions->worker), "%s:%ld", host[0] ? host : "?", (long)getpid());
    versions->timer = loop_timer_create(loop, announce, versions);
    redis_add_script(versions->redis, &versions_announce_script);
    claims_add_listener(claims, hurry, versions);
    templates_set_listener(templates, hurry, versions);
    hurry(versions);
    return versions;
}

static void ignore_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    (void)arg;
    (void)status;
    (void)reply;
}

void versions_leave(struct versions *versions)
{
    const struct slice args[] = {SLICE("HDEL"), slice_of(versions->keys.workers), slice_of(versions->worker)};

    versions->is_leaving = true;
    loop_timer_stop(versions->timer);
    redis_call(versions->redis, args, 3, ignore_answer, NULL);
}

void versions_destroy(struct versions *versions)
{
    if (!versions) {
        return;
    }
    templates_set_listener(versions->templates, NULL, NULL);
    loop_timer_destroy(versions->timer);
    versions->is_gone = true;
    if (versions->open_count == 0) {
        free(versions);
    }
}

void versions_wait(struct versions *versions, int64_t most_ms)
{
    int64_t until = clock_mono_ms() + most_ms;

    while (!versions->is_known && clock_mono_ms() < until) {
        loop_turn(versions->loop, true);
    }
}

bool versions_is_known(const struct versions *versions)
{
    return versions->is_known;
}
