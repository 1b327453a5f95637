#include "core/flow.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "core/yaml.h"

enum {
    MOST_NAME_BYTES = 63, /* message.flow */
    MOST_TYPE_BYTES = 1024, /* as in an event */
    MOST_PATHS = 16,
    MOST_PATH_BYTES = 128,
    MOST_SEGMENTS = 10,
    DEFAULT_SEGMENTS = 3,
};

static const char *const flow_keys[] = {"on",      "when",     "class",    "dedupe",   "dedupe_for",
                                        "max_age", "priority", "requires", "channels", "expect_every", NULL};
static const char *const email_keys[] = {"when", "ambiguous", NULL};
static const char *const sms_keys[] = {"when", "ambiguous", "segments_max", "transliterate", NULL};
static const char *const *const channel_keys[CHANNEL_COUNT] = {email_keys, sms_keys};

/* In the order of the enums in the header. */
static const char *const class_names[] = {"transactional", "marketing", NULL};
static const char *const priority_names[] = {"high", "normal", "low", NULL};
static const char *const ambiguous_names[] = {"hold", "resend", "query", NULL};

struct reader {
    const struct yaml *yaml;
    const char *file;
    struct diag_list *diags;
};

const char *flow_class_name(enum flow_class class)
{
    return class_names[class];
}

/* --- errors ----------------------------------------------------------------------------------------------------- */

static void complain(const struct reader *reader, const char *path, const char *hint,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* At the value of `path`. */
static void complain(const struct reader *reader, const char *path, const char *hint,
                     const char *format, ...)
{
    char message[512];
    int line, column;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    yaml_find_place(reader->yaml, path, &line, &column);
    diag_add(reader->diags, DIAG_ERROR, reader->file, line, column, hint, "%s", message);
}

/* "transactional, marketing" */
static const char *list_names(const char *const names[], char text[256])
{
    size_t len = 0;

    text[0] = '\0';
    for (; *names && len < 200; names++) {
        len += (size_t)snprintf(text + len, 256 - len, "%s%s", len ? ", " : "", *names);
    }
    return text;
}

/* A hint for a word that is none of `names`. */
static void suggest(const char *word, const char *const names[], char hint[300])
{
    const char *nearest = nearest_find(word, names);
    char list[256];

    if (nearest) {
        snprintf(hint, 300, "did you mean \"%s\"?", nearest);
    } else {
        snprintf(hint, 300, "one of: %s", list_names(names, list));
    }
}

static bool is_name(const char *word, const char *const names[])
{
    for (; *names; names++) {
        if (strcmp(word, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* `prefix` is "" or "channels.sms.". */
static void refuse_unknown_keys(const struct reader *reader, json_t *object, const char *prefix,
                                const char *const names[])
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        char path[256], hint[300];
        int line, column;

        if (is_name(key, names)) {
            continue;
        }
        snprintf(path, sizeof(path), "%s%s", prefix, key);
        suggest(key, names, hint);
        yaml_find_key_place(reader->yaml, path, &line, &column);
        diag_add(reader->diags, DIAG_ERROR, reader->file, line, column,
                 names == email_keys && is_name(key, sms_keys) ? "only sms has it" : hint,
                 "unknown key \"%.100s\"", key);
    }
}

/* --- values ----------------------------------------------------------------------------------------------------- */

/* The value at a path whose last step is a key of `object`. */
static json_t *find_member(json_t *object, const char *path)
{
    const char *dot = strrchr(path, '.');

    return json_object_get(object, dot ? dot + 1 : path);
}

/* Borrowed text; NULL when it is absent, or no text (then an error was added). */
static const char *find_text(const struct reader *reader, json_t *object, const char *path,
                             const char *hint)
{
    json_t *value = find_member(object, path);

    if (value && json_string_length(value) == 0) {
        complain(reader, path, hint, "%s must be a text", path);
        return NULL;
    }
    return json_string_value(value);
}

/* Index of the text in `names`; *index is untouched when it is absent. */
static void read_choice(const struct reader *reader, json_t *object, const char *path,
                        const char *const names[], int *index)
{
    char list[256], hint[300];
    const char *text;

    snprintf(hint, sizeof(hint), "one of: %s", list_names(names, list));
    text = find_text(reader, object, path, hint);
    for (int i = 0; text && names[i]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *index = i;
            return;
        }
    }
    if (text) {
        suggest(text, names, hint);
        complain(reader, path, hint, "%s cannot be \"%.100s\"", path, text);
    }
}

/* *ms is untouched when it is absent or "forever" (where that is allowed). */
static void read_duration(const struct reader *reader, json_t *object, const char *path,
                          bool may_be_forever, int64_t *ms)
{
    const char *hint = may_be_forever ? "a number and a unit, as 400d, or forever"
                                      : "a number and a unit, as 48h";
    const char *text = find_text(reader, object, path, hint);
    struct err err = {0};
    int64_t parsed;

    if (!text || (may_be_forever && strcmp(text, "forever") == 0)) {
        return;
    }
    if (!duration_parse_ms(slice_of(text), &parsed, &err)) {
        complain(reader, path, hint, "%s: %s", path, err.text);
    } else if (parsed == 0) {
        complain(reader, path, hint, "%s must be longer than nothing", path);
    } else {
        *ms = parsed;
    }
}

static void read_condition(const struct reader *reader, json_t *object, const char *path,
                           struct liquid_condition **condition)
{
    const char *text = find_text(reader, object, path, "a condition, as tier.to != \"bronze\"");
    int line, column;

    if (text) {
        yaml_find_place(reader->yaml, path, &line, &column);
        *condition = liquid_condition_compile(reader->file, slice_of(text), line, reader->diags);
    }
}

/* --- dotted paths ----------------------------------------------------------------------------------------------- */

/* Steps of letters, digits, _ and -, with single dots between. */
static bool is_path(const char *text)
{
    size_t step_len = 0;

    for (const char *at = text; *at; at++) {
        if (*at == '.' && step_len > 0) {
            step_len = 0;
        } else if (isalnum((unsigned char)*at) || *at == '_' || *at == '-') {
            step_len++;
        } else {
            return false;
        }
    }
    return step_len > 0 && strlen(text) <= MOST_PATH_BYTES;
}

static bool has_path(char *const paths[], size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static void read_paths(const struct reader *reader, json_t *object, const char *key, char ***paths,
                       size_t *count)
{
    json_t *list = json_object_get(object, key);
    json_t *item;
    size_t i;

    if (!list) {
        return;
    }
    if (json_array_size(list) == 0 || json_array_size(list) > MOST_PATHS) {
        complain(reader, key, "as [member.id, tier.to]", "%s must be a list of 1 to %d fields", key,
                 MOST_PATHS);
        return;
    }
    *paths = xcalloc(json_array_size(list), sizeof(**paths));
    json_array_foreach(list, i, item) {
        char place[64];

        snprintf(place, sizeof(place), "%s.%zu", key, i);
        if (!json_is_string(item) || !is_path(json_string_value(item))) {
            complain(reader, place, "as member.id", "%s must name fields of the event's data", key);
        } else if (has_path(*paths, *count, json_string_value(item))) {
            complain(reader, place, NULL, "%s is in %s twice", json_string_value(item), key);
        } else {
            (*paths)[(*count)++] = xstrdup(json_string_value(item));
        }
    }
}

/* Whether one of the fields tells members, or the things that members have, apart. */
static bool is_identifying(const struct flow *flow)
{
    for (size_t i = 0; i < flow->dedupe_count; i++) {
        struct slice path = slice_of(flow->dedupe[i]);

        if (slice_starts_with(path, "member.") || slice_is(path, "id") ||
            slice_ends_with(path, ".id") || slice_ends_with(path, "_id")) {
            return true;
        }
    }
    return false;
}

static void warn_of_shared_identity(const struct reader *reader, const struct flow *flow)
{
    int line, column;

    if (flow->dedupe_count > 0 && !is_identifying(flow)) {
        yaml_find_place(reader->yaml, "dedupe", &line, &column);
        diag_add(reader->diags, DIAG_WARNING, reader->file, line, column, "add member.id",
                 "dedupe names nothing of the member: of members with the same values only the "
                 "first gets the message");
    }
}

/* --- channels --------------------------------------------------------------------------------------------------- */

static void read_sms_only(const struct reader *reader, json_t *object, struct flow_channel *channel)
{
    json_t *segments = json_object_get(object, "segments_max");
    json_t *transliterate = json_object_get(object, "transliterate");

    if (segments && (json_integer_value(segments) < 1 || json_integer_value(segments) > MOST_SEGMENTS)) {
        complain(reader, "channels.sms.segments_max", NULL,
                 "segments_max must be a whole number from 1 to %d", MOST_SEGMENTS);
    } else if (segments) {
        channel->segments_max = (int)json_integer_value(segments);
    }
    if (transliterate && !json_is_boolean(transliterate)) {
        complain(reader, "channels.sms.transliterate", "true or false",
                 "transliterate must be true or false");
    }
    channel->is_transliterated = json_is_true(transliterate);
}

/* `object`: the settings, or null when none are given ("email:"). */
static void read_channel(const struct reader *reader, enum channel id, json_t *object,
                         struct flow_channel *channel)
{
    int ambiguous = id == CHANNEL_SMS ? FLOW_AMBIGUOUS_HOLD : FLOW_AMBIGUOUS_RESEND;
    char path[64], prefix[32];

    snprintf(prefix, sizeof(prefix), "channels.%s.", channel_name(id));
    if (!json_is_object(object) && !json_is_null(object)) {
        snprintf(path, sizeof(path), "channels.%s", channel_name(id));
        complain(reader, path, "as { ambiguous: hold }; leave the channel out to switch it off",
                 "%s must be keys and values", path);
        return;
    }
    refuse_unknown_keys(reader, object, prefix, channel_keys[id]);
    snprintf(path, sizeof(path), "%swhen", prefix);
    read_condition(reader, object, path, &channel->when);
    snprintf(path, sizeof(path), "%sambiguous", prefix);
    read_choice(reader, object, path, ambiguous_names, &ambiguous);
    channel->ambiguous = (enum flow_ambiguous)ambiguous;
    if (id == CHANNEL_SMS) {
        read_sms_only(reader, object, channel);
    }
    channel->is_on = true;
}

static void read_channels(const struct reader *reader, json_t *root, struct flow *flow)
{
    static const char *const names[] = {"email", "sms", NULL};
    json_t *channels = json_object_get(root, "channels");

    if (!channels) {
        return;
    }
    if (json_object_size(channels) == 0) {
        complain(reader, "channels", "as email: { ambiguous: resend }",
                 "channels must name at least one channel");
        return;
    }
    refuse_unknown_keys(reader, channels, "channels.", names);
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        json_t *object = json_object_get(channels, channel_name((enum channel)i));

        if (object) {
            read_channel(reader, (enum channel)i, object, &flow->channels[i]);
        }
    }
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static bool is_flow_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= MOST_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

static void read_type(const struct reader *reader, json_t *root, struct flow *flow)
{
    const char *type = find_text(reader, root, "on", "an event type, as loyalty.signup");

    for (const char *at = type; at && *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f || at - type >= MOST_TYPE_BYTES) {
            complain(reader, "on", NULL, "on must be an event type: no spaces, at most %d bytes",
                     MOST_TYPE_BYTES);
            return;
        }
    }
    flow->on = xstrdup(type);
}

static void read_flow(const struct reader *reader, json_t *root, struct flow *flow)
{
    static const char *const required[] = {"on", "dedupe", "channels"};
    int class = FLOW_TRANSACTIONAL, priority = FLOW_PRIORITY_NORMAL;

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!json_object_get(root, required[i])) {
            complain(reader, "", NULL, "key \"%s\" is missing", required[i]);
        }
    }
    refuse_unknown_keys(reader, root, "", flow_keys);
    read_type(reader, root, flow);
    read_condition(reader, root, "when", &flow->when);
    read_choice(reader, root, "class", class_names, &class);
    read_paths(reader, root, "dedupe", &flow->dedupe, &flow->dedupe_count);
    read_duration(reader, root, "dedupe_for", true, &flow->dedupe_for_ms);
    read_duration(reader, root, "max_age", false, &flow->max_age_ms);
    read_duration(reader, root, "expect_every", false, &flow->expect_every_ms);
    read_choice(reader, root, "priority", priority_names, &priority);
    read_paths(reader, root, "requires", &flow->requires, &flow->requires_count);
    read_channels(reader, root, flow);
    flow->class = (enum flow_class)class;
    flow->priority = (enum flow_priority)priority;
    warn_of_shared_identity(reader, flow);
}

struct flow *flow_parse(const char *name, const char *path, struct slice yaml,
                        struct diag_list *diags)
{
    size_t errors_before = diags->error_count;
    struct yaml *document = yaml_parse(path, yaml, 1, diags);
    struct reader reader = {document, path, diags};
    struct flow *flow;

    if (!is_flow_name(name)) {
        diag_add(diags, DIAG_ERROR, path, 0, 0, "letters, digits, _ and -",
                 "\"%.100s\" is no name for a flow (1 to %d letters)", name, MOST_NAME_BYTES);
    }
    if (!document) {
        return NULL;
    }
    flow = xcalloc(1, sizeof(*flow));
    flow->name = xstrdup(name);
    flow->channels[CHANNEL_SMS].segments_max = DEFAULT_SEGMENTS;
    read_flow(&reader, yaml_root(document), flow);
    yaml_destroy(document);
    if (diags->error_count > errors_before) {
        flow_destroy(flow);
        return NULL;
    }
    return flow;
}

static void destroy_paths(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(paths[i]);
    }
    free(paths);
}

void flow_destroy(struct flow *flow)
{
    if (!flow) {
        return;
    }
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        liquid_condition_destroy(flow->channels[i].when);
    }
    liquid_condition_destroy(flow->when);
    destroy_paths(flow->dedupe, flow->dedupe_count);
    destroy_paths(flow->requires, flow->requires_count);
    free(flow->on);
    free(flow->name);
    free(flow);
}
