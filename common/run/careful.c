#include "run/careful.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/digest.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/random.h"

EMBED_FILE(hold_lua, "common/run/scripts/hold.lua")

static const struct redis_script hold_script = {"hold", hold_lua_data, 1};

enum { DEATHS_TO_BE_CAREFUL = 2, MOST_DEATHS = 3, RETRY_MS = 200, KEY_SIZE = 400, ENTRIES_WATCHED = 2048 };

#define KEEP_MS "86400000"

/* Who holds: this process, and which of its holds it is, so that one said twice counts once. */
enum { HOLDER_SIZE = 17 + NUMBER_TEXT_SIZE };

static const struct metric_family partitions_family = {
    "perkline_careful_partitions", METRIC_GAUGE,
    "Partitions whose holders died at one offset: one event at a time is handled.", {0}};
static const struct metric_family killers_family = {
    "perkline_crash_suspects_total", METRIC_COUNTER, "Events that killed too many workers.", {"channel", NULL}};

enum place_state { PLACE_ASKING, PLACE_USUAL, PLACE_CAREFUL };

/* A partition of ours. */
struct place {
    struct place *prev, *next;
    struct careful *careful;
    enum channel channel;
    char *topic;
    int32_t partition;
    int64_t committed;
    char holder[HOLDER_SIZE];
    enum place_state state;
    int left;       /* CAREFUL: events until it is usual again */
    size_t waiting; /* entries */
    bool is_asked;  /* ASKING: the question is open */
    bool is_gone;   /* left meanwhile */
};

/* Work that waits. */
struct entry {
    struct entry *prev, *next;
    struct place *place; /* NULL: not ours any more; it runs at once */
    enum channel channel;
    int64_t offset;
    enum careful_section section;
    char holder[HOLDER_SIZE]; /* once its mark is being set */
    careful_fn fn;
    void *arg;
};

struct careful {
    struct loop *loop;
    struct redis *redis;
    char environment[33];
    char boot_id[17];
    int64_t holds;
    struct metrics *metrics;
    struct place *places;
    struct entry *entries;
    size_t waiting[CHANNEL_COUNT];
    size_t watched;      /* places that are not usual: while 0, nothing waits */
    struct entry *busy;  /* its mark is being set, or taken away */
    bool must_clear;     /* the latter */
    bool is_asked;       /* about it */
    bool is_pumping;
    struct loop_timer *timer;
    struct metric *gauge;
};

/* --- keys --------------------------------------------------------------------------------------------------------- */

static struct slice make_key(const struct place *place, int64_t offset, const char *what, char text[KEY_SIZE])
{
    int len = snprintf(text, KEY_SIZE, "n:{%s.careful}:%s.%s.%d.%" PRId64 ".%s", place->careful->environment,
                       channel_name(place->channel), place->topic, place->partition, offset, what);

    return slice_make(text, (size_t)len);
}

static const char *section_name(enum careful_section section)
{
    return section == CAREFUL_READ ? "read" : "render";
}

/* Reading is the same for all channels, so its deaths are counted together. */
static struct slice make_mark_key(const struct entry *entry, char text[KEY_SIZE])
{
    int len;

    if (entry->section != CAREFUL_READ) {
        return make_key(entry->place, entry->offset, "renderers", text);
    }
    len = snprintf(text, KEY_SIZE, "n:{%s.careful}:%s.%d.%" PRId64 ".readers", entry->place->careful->environment,
                   entry->place->topic, entry->place->partition, entry->offset);
    return slice_make(text, (size_t)len);
}

static void name_holder(struct careful *careful, char holder[HOLDER_SIZE])
{
    snprintf(holder, HOLDER_SIZE, "%s.%" PRId64, careful->boot_id, ++careful->holds);
}

static void hold(struct careful *careful, struct slice key, const char *holder, redis_fn fn, void *arg)
{
    redis_eval(careful->redis, &hold_script, (const struct slice[]){key, slice_of(holder), SLICE(KEEP_MS)}, 3, fn, arg);
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static struct place *find_place(struct careful *careful, enum channel channel, const char *topic, int32_t partition)
{
    struct place *place;

    DL_FOREACH(careful->places, place)
    {
        if (!place->is_gone && place->channel == channel && place->partition == partition &&
            strcmp(place->topic, topic) == 0) {
            return place;
        }
    }
    return NULL;
}

static void set_state(struct place *place, enum place_state state)
{
    struct careful *careful = place->careful;

    careful->watched -= place->state != PLACE_USUAL;
    careful->watched += state != PLACE_USUAL;
    metric_add(careful->gauge, (state == PLACE_CAREFUL) - (place->state == PLACE_CAREFUL));
    place->state = state;
}

static void free_place(struct place *place)
{
    set_state(place, PLACE_USUAL);
    DL_DELETE(place->careful->places, place);
    free(place->topic);
    free(place);
}

static void pump(struct careful *careful);
static void ask(struct place *place);

static void on_taken(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct place *place = arg;
    struct careful *careful = place->careful;

    place->is_asked = false;
    if (place->is_gone) {
        free_place(place);
        return;
    }
    if (status == REDIS_UNAVAILABLE) {
        loop_timer_start(careful->timer, RETRY_MS);
        return;
    }
    if (status == REDIS_ERROR) { /* a user without the rights: as before there was care */
        log_event(LOG_WARN, "careful_refused", "reason", reply->text.data, NULL);
    }
    if (status == REDIS_OK && reply->number > DEATHS_TO_BE_CAREFUL) {
        place->left = ENTRIES_WATCHED;
        set_state(place, PLACE_CAREFUL);
        log_event(LOG_WARN, "careful", "channel", channel_name(place->channel), "topic", place->topic, "partition",
                  log_int(place->partition), "offset", log_int(place->committed), "deaths", log_int(reply->number - 1),
                  NULL);
    } else {
        set_state(place, PLACE_USUAL);
    }
    pump(careful);
}

static void ask(struct place *place)
{
    char key[KEY_SIZE];

    place->is_asked = true;
    hold(place->careful, make_key(place, place->committed, "holders", key), place->holder, on_taken, place);
}

void careful_take(struct careful *careful, enum channel channel, const char *topic, int32_t partition, int64_t committed)
{
    struct place *place;

    if (!careful) {
        return;
    }
    place = xcalloc(1, sizeof(*place));
    place->careful = careful;
    place->channel = channel;
    place->topic = xstrdup(topic);
    place->partition = partition;
    place->committed = committed;
    name_holder(careful, place->holder);
    place->state = PLACE_USUAL;
    set_state(place, PLACE_ASKING);
    DL_APPEND(careful->places, place);
    ask(place);
}

static void leave(struct place *place)
{
    struct careful *careful = place->careful;
    struct entry *entry;
    char key[KEY_SIZE];

    redis_call(careful->redis,
               (const struct slice[]){SLICE("DEL"), make_key(place, place->committed, "holders", key)}, 2, NULL, NULL);
    DL_FOREACH(careful->entries, entry)
    {
        entry->place = entry->place == place && entry != careful->busy ? NULL : entry->place;
    }
    if (place->is_asked || (careful->busy && careful->busy->place == place)) {
        place->is_gone = true; /* freed when the answer is there */
    } else {
        free_place(place);
    }
}

void careful_leave(struct careful *careful, enum channel channel, const char *topic, int32_t partition)
{
    struct place *place, *next;

    if (!careful) {
        return;
    }
    DL_FOREACH_SAFE(careful->places, place, next)
    {
        if (!place->is_gone && place->channel == channel &&
            (!topic || (place->partition == partition && strcmp(place->topic, topic) == 0))) {
            leave(place);
        }
    }
    pump(careful);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static void remove_entry(struct careful *careful, struct entry *entry)
{
    DL_DELETE(careful->entries, entry);
    careful->waiting[entry->channel]--;
    if (entry->place) {
        entry->place->waiting--;
    }
}

static void end_busy(struct careful *careful)
{
    struct entry *entry = careful->busy;
    struct place *place = entry->place;

    careful->busy = NULL;
    careful->must_clear = false;
    if (entry->section == CAREFUL_READ && place->state == PLACE_CAREFUL && --place->left == 0) {
        set_state(place, PLACE_USUAL);
    }
    if (place->is_gone) {
        free_place(place);
    }
    free(entry);
    pump(careful);
}

static void on_cleared(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct careful *careful = arg;

    (void)reply;
    careful->is_asked = false;
    if (status == REDIS_UNAVAILABLE) {
        loop_timer_start(careful->timer, RETRY_MS);
    } else {
        end_busy(careful);
    }
}

static void clear_mark(struct careful *careful)
{
    const struct entry *entry = careful->busy;
    char key[KEY_SIZE];

    careful->must_clear = careful->is_asked = true;
    redis_call(careful->redis,
               (const struct slice[]){SLICE("DEL"), make_mark_key(entry, key)}, 2, on_cleared, careful);
}

static void on_marked(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct careful *careful = arg;
    struct entry *entry = careful->busy;
    bool is_killer = status == REDIS_OK && reply->number > MOST_DEATHS;

    careful->is_asked = false;
    if (status == REDIS_UNAVAILABLE) {
        loop_timer_start(careful->timer, RETRY_MS);
        return;
    }
    remove_entry(careful, entry);
    if (is_killer) {
        metrics_count(careful->metrics, &killers_family, (const char *const[]){channel_name(entry->channel)});
        log_event(LOG_ERROR, "crash_suspect", "channel", channel_name(entry->channel), "topic", entry->place->topic,
                  "partition", log_int(entry->place->partition), "offset", log_int(entry->offset), "while",
                  section_name(entry->section), NULL);
        entry->fn(entry->arg, true);
        end_busy(careful); /* the mark stays: it is not done yet */
        return;
    }
    entry->fn(entry->arg, false);
    clear_mark(careful);
}

static void set_mark(struct careful *careful)
{
    const struct entry *entry = careful->busy;
    char key[KEY_SIZE];

    careful->is_asked = true;
    hold(careful, make_mark_key(entry, key), entry->holder, on_marked, careful);
}

/* The first that may go on; NULL: none. */
static struct entry *find_next(struct careful *careful)
{
    struct entry *entry;

    DL_FOREACH(careful->entries, entry)
    {
        if (entry == careful->busy) {
            continue;
        }
        if (!entry->place || entry->place->state == PLACE_USUAL || (entry->place->state == PLACE_CAREFUL && !careful->busy)) {
            return entry;
        }
    }
    return NULL;
}

static void pump(struct careful *careful)
{
    struct entry *entry;

    if (careful->is_pumping) {
        return; /* the outer one goes on */
    }
    careful->is_pumping = true;
    while ((entry = find_next(careful))) {
        if (entry->place && entry->place->state == PLACE_CAREFUL) {
            careful->busy = entry;
            name_holder(careful, entry->holder);
            set_mark(careful);
            break;
        }
        remove_entry(careful, entry);
        entry->fn(entry->arg, false);
        free(entry);
    }
    careful->is_pumping = false;
}

void careful_run(struct careful *careful, enum channel channel, const struct record *record,
                 enum careful_section section, careful_fn fn, void *arg)
{
    struct place *place = careful && careful->watched > 0
                              ? find_place(careful, channel, record->topic, record->partition)
                              : NULL;
    struct entry *entry;

    if (!place || (place->state == PLACE_USUAL && place->waiting == 0)) {
        fn(arg, false);
        return;
    }
    entry = xcalloc(1, sizeof(*entry));
    *entry = (struct entry){.place = place, .channel = channel, .offset = record->offset, .section = section, .fn = fn,
                            .arg = arg};
    DL_APPEND(careful->entries, entry);
    careful->waiting[channel]++;
    place->waiting++;
    pump(careful);
}

size_t careful_waiting(const struct careful *careful, enum channel channel)
{
    return careful ? careful->waiting[channel] : 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

/* Redis did not answer: what is open is asked again. */
static void on_retry(void *arg)
{
    struct careful *careful = arg;
    struct place *place;

    DL_FOREACH(careful->places, place)
    {
        if (place->state == PLACE_ASKING && !place->is_asked) {
            ask(place);
        }
    }
    if (careful->is_asked) {
        return;
    }
    if (careful->busy && careful->must_clear) {
        clear_mark(careful);
    } else if (careful->busy) {
        set_mark(careful);
    }
}

struct careful *careful_create(struct loop *loop, struct redis *redis, const char *environment, struct metrics *metrics)
{
    struct careful *careful = xcalloc(1, sizeof(*careful));
    uint8_t boot[8];

    random_bytes_from_system(boot, sizeof(boot));
    hex_format(boot, sizeof(boot), careful->boot_id);
    redis_add_script(redis, &hold_script);
    careful->loop = loop;
    careful->redis = redis;
    snprintf(careful->environment, sizeof(careful->environment), "%s", environment);
    careful->metrics = metrics;
    careful->gauge = metrics_get(metrics, &partitions_family, NULL);
    metrics_declare(metrics, &killers_family); /* for alerts, before there is one */
    careful->timer = loop_timer_create(loop, on_retry, careful);
    return careful;
}

void careful_destroy(struct careful *careful)
{
    struct entry *entry, *next_entry;
    struct place *place, *next_place;

    if (!careful) {
        return;
    }
    if (careful->busy && careful->must_clear) { /* not in the list any more */
        free(careful->busy);
    }
    DL_FOREACH_SAFE(careful->entries, entry, next_entry)
    {
        free(entry);
    }
    DL_FOREACH_SAFE(careful->places, place, next_place)
    {
        free_place(place);
    }
    loop_timer_destroy(careful->timer);
    free(careful);
}
