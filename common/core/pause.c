#include "core/pause.h"

#include <string.h>

#include <jansson.h>

#include "base/json_text.h"
#include "base/number.h"
#include "base/utf8.h"

static const char *const scope_names[PAUSE_SCOPE_COUNT] = {"all", "channel", "flow", "provider"};

const char *pause_scope_name(enum pause_scope scope)
{
    return scope_names[scope];
}

bool pause_scope_parse(struct slice name, enum pause_scope *scope)
{
    for (int i = 0; i < PAUSE_SCOPE_COUNT; i++) {
        if (slice_is(name, scope_names[i])) {
            *scope = (enum pause_scope)i;
            return true;
        }
    }
    return false;
}

/* --- list to text ------------------------------------------------------------------------------------------------- */

void pause_list_format(const struct pause_list *list, struct buf *out)
{
    struct json_text j;

    if (list->serial == 0) {
        return;
    }
    buf_append_int(out, list->serial);
    buf_append_char(out, ' ');
    json_text_init(&j, out);
    json_text_open(&j, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct pause *pause = &list->items[i];

        json_text_open(&j, '{');
        json_text_member(&j, "scope", pause_scope_name(pause->scope));
        json_text_member_if(&j, "name", pause->name);
        json_text_member_int(&j, "since", pause->since_ms);
        json_text_member_if(&j, "by", pause->by);
        json_text_member_if(&j, "reason", pause->reason);
        json_text_close(&j, '}');
    }
    json_text_close(&j, ']');
}

/* --- text to list ------------------------------------------------------------------------------------------------- */

bool pause_text_is_fit(struct slice text, size_t size)
{
    size_t at = 0;
    bool is_valid = true;

    while (at < text.len && is_valid) {
        uint32_t c = utf8_next(text, &at, &is_valid);

        is_valid = is_valid && c >= 0x20 && c != 0x7f;
    }
    return is_valid && text.len < size;
}

/* An absent text is "". */
static bool read_text(const json_t *object, const char *name, char *to, size_t size)
{
    const json_t *value = json_object_get(object, name);
    struct slice text = slice_make(json_string_value(value), json_string_length(value));

    if ((value && !json_is_string(value)) || !pause_text_is_fit(text, size)) {
        return false;
    }
    if (text.len) {
        memcpy(to, text.data, text.len);
    }
    to[text.len] = '\0';
    return true;
}

static bool read_pause(const json_t *object, struct pause *pause)
{
    const json_t *since = json_object_get(object, "since");

    *pause = (struct pause){.since_ms = json_integer_value(since)};
    return json_is_integer(since) && pause->since_ms >= 0 &&
           pause_scope_parse(slice_of(json_string_value(json_object_get(object, "scope"))), &pause->scope) &&
           read_text(object, "name", pause->name, sizeof(pause->name)) &&
           read_text(object, "by", pause->by, sizeof(pause->by)) &&
           read_text(object, "reason", pause->reason, sizeof(pause->reason)) &&
           (pause->scope == PAUSE_ALL) == (pause->name[0] == '\0');
}

static bool read_items(const json_t *array, struct pause_list *list, struct err *err)
{
    if (!json_is_array(array)) {
        return err_set(err, "not a list of pauses");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct pause pause;

        if (!read_pause(json_array_get(array, i), &pause)) {
            return err_set(err, "pause %zu of the list is not understood", i + 1);
        }
        if (!pause_list_add(list, &pause, err)) {
            return false;
        }
    }
    return true;
}

bool pause_list_parse(struct slice text, struct pause_list *list, struct err *err)
{
    struct pause_list read = {.serial = 0};
    const char *space = text.len ? memchr(text.data, ' ', text.len) : NULL;
    size_t used = space ? (size_t)(space - text.data) : 0;
    json_t *array;
    bool is_fine;

    if (text.len == 0) {
        *list = read;
        return true;
    }
    if (!space || !number_parse(slice_make(text.data, used), &read.serial) || read.serial < 1) {
        return err_set(err, "a list of pauses begins with its serial");
    }
    array = json_loadb(space + 1, text.len - used - 1, JSON_REJECT_DUPLICATES, NULL);
    is_fine = read_items(array, &read, err);
    json_decref(array);
    if (is_fine) {
        *list = read;
    }
    return is_fine;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static size_t index_of(const struct pause_list *list, enum pause_scope scope, const char *name)
{
    size_t i = 0;

    while (i < list->count && (list->items[i].scope != scope || strcmp(list->items[i].name, name) != 0)) {
        i++;
    }
    return i;
}

const struct pause *pause_list_find(const struct pause_list *list, enum pause_scope scope, const char *name)
{
    size_t at = index_of(list, scope, name);

    return at < list->count ? &list->items[at] : NULL;
}

bool pause_list_add(struct pause_list *list, const struct pause *pause, struct err *err)
{
    size_t at = index_of(list, pause->scope, pause->name);
    int64_t since_ms = at < list->count ? list->items[at].since_ms : pause->since_ms;

    if (at == PAUSE_MOST) {
        return err_set(err, "%d things are paused, and that is the most", PAUSE_MOST);
    }
    list->count += at == list->count;
    list->items[at] = *pause;
    list->items[at].since_ms = since_ms;
    return true;
}

bool pause_list_remove(struct pause_list *list, enum pause_scope scope, const char *name)
{
    size_t at = index_of(list, scope, name);

    if (at == list->count) {
        return false;
    }
    memmove(&list->items[at], &list->items[at + 1], (list->count - at - 1) * sizeof(list->items[0]));
    list->count--;
    return true;
}
