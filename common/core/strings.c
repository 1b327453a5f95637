#include "core/strings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "core/yaml.h"

struct string_entry {
    char *key;
    bool has_plurals;
    struct string_pattern forms[LOCALE_PLURAL_COUNT]; /* without plurals: OTHER alone */
    UT_hash_handle hh;
};

struct strings {
    struct yaml *yaml; /* holds the texts that patterns borrow */
    struct string_entry *entries;
    const char **keys;
    const struct strings *parent;
};

struct loader {
    struct strings *strings;
    const char *path;
    struct locale *locale;
    struct diag_list *diags;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void add_piece(struct string_pattern *pattern, const char *text, size_t len, bool is_placeholder)
{
    if (len == 0) {
        return;
    }
    pattern->pieces = xreallocarray(pattern->pieces, pattern->count + 1, sizeof(*pattern->pieces));
    pattern->pieces[pattern->count++] = (struct string_piece){slice_make(text, len), is_placeholder};
}

static void __attribute__((format(printf, 4, 5)))
complain(const struct loader *loader, const char *key, const char *hint, const char *format, ...)
{
    char message[512];
    va_list args;
    int line, column;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    yaml_find_place(loader->strings->yaml, key, &line, &column);
    diag_add(loader->diags, DIAG_ERROR, loader->path, line, column, hint, "%s", message);
}

/* "You have {count} points" */
static void parse_pattern(const struct loader *loader, const char *key, const char *text,
                          struct string_pattern *pattern)
{
    const char *start = text;
    const char *open;

    while ((open = strchr(start, '{')) != NULL) {
        size_t len = 0;

        add_piece(pattern, start, (size_t)(open - start), false);
        while (is_name_char(open[1 + len])) {
            len++;
        }
        if (len == 0 || open[1 + len] != '}') {
            complain(loader, key, "write {name}, with letters, digits and '_'",
                     "a brace that is no placeholder in '%s'", key);
            return;
        }
        add_piece(pattern, open + 1, len, true);
        start = open + len + 2;
    }
    add_piece(pattern, start, strlen(start), false);
}

/* Are all keys plural categories, and all values texts? */
static bool is_plural_map(json_t *map)
{
    enum locale_plural plural;
    const char *name;
    json_t *value;

    json_object_foreach(map, name, value)
    {
        if (!locale_plural_parse(slice_of(name), &plural) || json_is_object(value)) {
            return false;
        }
    }
    return json_object_size(map) > 0;
}

static struct string_entry *add_entry(const struct loader *loader, const char *key)
{
    struct string_entry *entry = xcalloc(1, sizeof(*entry));

    entry->key = xstrdup(key);
    HASH_ADD_KEYPTR(hh, loader->strings->entries, entry->key, strlen(entry->key), entry);
    return entry;
}

static void add_form(const struct loader *loader, const char *key, json_t *value, struct string_pattern *pattern)
{
    if (json_is_string(value)) {
        parse_pattern(loader, key, json_string_value(value), pattern);
    } else {
        complain(loader, key, "put it in quotes", "'%s' is no text", key);
    }
}

static void add_plurals(const struct loader *loader, const char *key, json_t *map)
{
    struct string_entry *entry = add_entry(loader, key);
    const char *name;
    json_t *value;

    entry->has_plurals = true;
    json_object_foreach(map, name, value)
    {
        enum locale_plural plural;
        char *form_key = xasprintf("%s.%s", key, name);

        locale_plural_parse(slice_of(name), &plural);
        add_form(loader, form_key, value, &entry->forms[plural]);
        free(form_key);
    }
    for (int plural = 0; plural < LOCALE_PLURAL_COUNT; plural++) {
        const char *category = locale_plural_name((enum locale_plural)plural);

        if (locale_needs_plural(loader->locale, (enum locale_plural)plural) && !json_object_get(map, category)) {
            complain(loader, key, NULL, "'%s' lacks the plural form '%s', which the language '%.*s' needs", key,
                     category, (int)locale_tag_language_len(locale_tag(loader->locale)), locale_tag(loader->locale));
        }
    }
}

static void add_map(const struct loader *loader, const char *prefix, json_t *map)
{
    const char *name;
    json_t *value;

    json_object_foreach(map, name, value)
    {
        char *key = *prefix ? xasprintf("%s.%s", prefix, name) : xstrdup(name);

        if (!json_is_object(value)) {
            add_form(loader, key, value, &add_entry(loader, key)->forms[LOCALE_PLURAL_OTHER]);
        } else if (is_plural_map(value)) {
            add_plurals(loader, key, value);
        } else {
            add_map(loader, key, value);
        }
        free(key);
    }
}

static void fill_keys(struct strings *strings)
{
    size_t count = 0;

    strings->keys = xcalloc(HASH_COUNT(strings->entries) + 1, sizeof(*strings->keys));
    for (struct string_entry *entry = strings->entries; entry; entry = entry->hh.next) {
        strings->keys[count++] = entry->key;
    }
}

struct strings *strings_parse(const char *path, struct slice text, struct locale *locale, struct diag_list *diags)
{
    struct yaml *yaml = yaml_parse(path, text, 1, diags);
    size_t errors_before = diags->error_count;
    struct strings *strings;

    if (!yaml) {
        return NULL;
    }
    strings = xcalloc(1, sizeof(*strings));
    strings->yaml = yaml;
    add_map(&(struct loader){strings, path, locale, diags}, "", yaml_root(yaml));
    fill_keys(strings);
    if (diags->error_count > errors_before) {
        strings_destroy(strings);
        return NULL;
    }
    return strings;
}

void strings_destroy(struct strings *strings)
{
    struct string_entry *entry, *next;

    if (!strings) {
        return;
    }
    HASH_ITER(hh, strings->entries, entry, next)
    {
        HASH_DEL(strings->entries, entry);
        for (int i = 0; i < LOCALE_PLURAL_COUNT; i++) {
            free(entry->forms[i].pieces);
        }
        free(entry->key);
        free(entry);
    }
    free(strings->keys);
    yaml_destroy(strings->yaml);
    free(strings);
}

void strings_set_parent(struct strings *strings, const struct strings *parent)
{
    strings->parent = parent;
}

const char *const *strings_keys(const struct strings *strings)
{
    return strings->keys;
}

const struct string_entry *strings_find(const struct strings *strings, struct slice key)
{
    for (; strings; strings = strings->parent) {
        struct string_entry *entry;

        HASH_FIND(hh, strings->entries, key.data, key.len, entry);
        if (entry) {
            return entry;
        }
    }
    return NULL;
}

bool string_entry_has_plurals(const struct string_entry *entry)
{
    return entry->has_plurals;
}

const struct string_pattern *string_entry_get(const struct string_entry *entry, enum locale_plural plural)
{
    const struct string_pattern *form = &entry->forms[plural];

    return form->count ? form : &entry->forms[LOCALE_PLURAL_OTHER];
}
