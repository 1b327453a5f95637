#include "run/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MOST_PACK = 8 << 20, MOST_REFUSAL = 300, REFUSED_AGAIN_MS = 60000 };

struct versions {
    struct loop *loop;
    struct redis *redis;
    struct templates *templates;
    const struct pool_keys *keys;
    loop_fn fn;
    void *arg;
    struct template_pin pin;
    char folder_version[VERSION_TEXT_SIZE], in_use[VERSION_TEXT_SIZE];   /* as `templates` said last */
    char told_folder[VERSION_TEXT_SIZE], told_in_use[VERSION_TEXT_SIZE]; /* in the beat under way */
    int64_t in_use_since;                                                /* wall clock */
    bool is_live_news; /* the folder has changed, and Redis does not know it yet */
    bool is_known, is_gone;
    int open_count;                 /* commands without an answer, and what is being added */
    char wanted[VERSION_TEXT_SIZE]; /* whose files were asked for, and not added yet; "" */
    struct {
        char version[VERSION_TEXT_SIZE];
        int64_t until;        /* clock_mono_ms() */
    } refused[VERSIONS_MOST]; /* what was fetched in vain: not again for a while */
    size_t next_refused;
};

/* --- files from and to Redis -------------------------------------------------------------------------------------- */

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
    char key[POOL_KEY_SIZE];
    const struct slice args[] = {SLICE("SET"), pool_key(versions->keys->files_prefix, version, key), pack};

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

static void end_fetch(struct versions *versions, bool had_files)
{
    char version[VERSION_TEXT_SIZE];

    memcpy(version, versions->wanted, sizeof(version));
    versions->wanted[0] = '\0';
    if (templates_find_version(versions->templates, version)) {
        versions->fn(versions->arg);
    } else if (had_files || strcmp(version, versions->pin.version) != 0) {
        refuse(versions, version);
    }
    versions->is_known = true;
}

static void on_added(void *arg, const char *problem)
{
    struct versions *versions = arg;

    if (!take_answer(versions)) {
        return;
    }
    if (problem[0]) {
        log_event(LOG_WARN, "templates_not_usable", "version", versions->wanted, "reason", problem, NULL);
    }
    end_fetch(versions, true);
}

static void on_files(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct versions *versions = arg;

    if (!take_answer(versions)) {
        return;
    }
    if (status != REDIS_OK) {
        versions->wanted[0] = '\0';
    } else if (reply->type == REDIS_TEXT) {
        versions->open_count++;
        templates_begin_add(versions->templates, versions->loop, versions->wanted, reply->text, on_added, versions);
    } else {
        end_fetch(versions, false);
    }
}

/* False: not now, or nothing to be had. */
static bool fetch(struct versions *versions, struct slice version)
{
    char text[VERSION_TEXT_SIZE], key[POOL_KEY_SIZE];
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
    args[1] = pool_key(versions->keys->files_prefix, text, key);
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

/* --- the beat ----------------------------------------------------------------------------------------------------- */

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

void versions_write(const struct versions *versions, struct json_text *j)
{
    struct slice refusal = slice_of(templates_refusal(versions->templates));

    refusal.len = utf8_truncate(refusal, MOST_REFUSAL);
    json_text_open(j, '{');
    json_text_member(j, "version", versions->in_use);
    json_text_member_int(j, "since", versions->in_use_since);
    json_text_member(j, "folder", versions->folder_version);
    json_text_member_if(j, "missing", templates_missing(versions->templates));
    if (refusal.len) {
        json_text_member_slice(j, "refused", refusal);
    }
    write_kept(versions, j);
    json_text_close(j, '}');
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
        log_event(LOG_ERROR, "templates_pin_unreadable", "key", versions->keys->pin, NULL);
        return;
    }
    if (reply->type == REDIS_TEXT && reply->text.len && pin.serial > versions->pin.serial) {
        versions->pin = pin;
        templates_pin(versions->templates, &pin);
    }
}

struct versions_news versions_say(struct versions *versions)
{
    look(versions);
    memcpy(versions->told_folder, versions->folder_version, VERSION_TEXT_SIZE);
    memcpy(versions->told_in_use, versions->in_use, VERSION_TEXT_SIZE);
    return (struct versions_news){versions->told_folder, versions->told_in_use, versions->is_live_news, &versions->pin};
}

void versions_hear(struct versions *versions, const struct redis_reply items[4])
{
    versions->is_live_news = versions->is_live_news && strcmp(versions->told_folder, versions->folder_version) != 0;
    if (items[1].number == 0) {
        send_files(versions, versions->told_folder);
    }
    if (items[2].number == 0) {
        send_files(versions, versions->told_in_use);
    }
    take_pin(versions, &items[0]);
    fetch_next(versions, &items[3]);
    /* What was chosen may be on its way. */
    versions->is_known |= !templates_missing(versions->templates)[0] || !versions->wanted[0];
}

/* --- create, destroy ---------------------------------------------------------------------------------------------- */

struct versions *versions_create(struct loop *loop, struct redis *redis, struct templates *templates,
                                 const struct pool_keys *keys, loop_fn fn, void *arg)
{
    struct versions *versions = xcalloc(1, sizeof(*versions));

    versions->loop = loop;
    versions->redis = redis;
    versions->templates = templates;
    versions->keys = keys;
    versions->fn = fn;
    versions->arg = arg;
    templates_set_listener(templates, fn, arg);
    return versions;
}

void versions_destroy(struct versions *versions)
{
    if (!versions) {
        return;
    }
    templates_set_listener(versions->templates, NULL, NULL);
    versions->is_gone = true;
    if (versions->open_count == 0) {
        free(versions);
    }
}

bool versions_is_known(const struct versions *versions)
{
    return versions->is_known;
}
