/* Languages: what one channel or flow is written in, all should be. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/lint_inside.h"

enum { MOST_LANGUAGES = 64 };

struct languages {
    char tags[MOST_LANGUAGES][LOCALE_TAG_SIZE];
    const char *examples[MOST_LANGUAGES]; /* a file that has it */
    size_t count;
};

/* "email.hu.liquid" of a flow, with its language; by name, so that a file with errors counts too. */
static bool read_name(const struct file_entry *entry, enum channel channel, char language[LOCALE_TAG_SIZE])
{
    const char *file = strchr(entry->path, '/');
    struct slice rest = slice_of(file ? file + 1 : "");
    const char *name = channel_name(channel);
    char tag[LOCALE_TAG_SIZE];

    if (*entry->path == '_' || !slice_starts_with(rest, name) || !slice_ends_with(rest, ".liquid") ||
        slice_ends_with(rest, ".text.liquid") || rest.len <= strlen(name) + 1 + strlen(".liquid")) {
        return false;
    }
    rest = slice_make(rest.data + strlen(name) + 1, rest.len - strlen(name) - 1 - strlen(".liquid"));
    if (!locale_tag_parse(rest, tag) || !locale_is_known_language(tag)) {
        return false;
    }
    snprintf(language, LOCALE_TAG_SIZE, "%.*s", (int)locale_tag_language_len(tag), tag);
    return true;
}

static bool has_language(const struct languages *languages, const char *tag)
{
    for (size_t i = 0; i < languages->count; i++) {
        if (strcmp(languages->tags[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

/* `flow` NULL: of all flows. */
static void collect(const struct lint *lint, const struct flow *flow, enum channel channel, struct languages *languages)
{
    for (size_t i = 0; i < lint->tree->count && languages->count < MOST_LANGUAGES; i++) {
        const struct file_entry *entry = &lint->tree->entries[i];
        char *tag = languages->tags[languages->count];

        if (flow && !slice_is(catalog_first_folder(entry->path), flow->name)) {
            continue;
        }
        if (read_name(entry, channel, tag) && !has_language(languages, tag)) {
            languages->examples[languages->count++] = entry->path;
        }
    }
}

static void check_channel(struct lint *lint, const struct lint_flow *flow, enum channel channel,
                          const struct languages *all)
{
    struct languages own = {.count = 0};
    const char *name = channel_name(channel);
    char key[32], hint[160];

    collect(lint, flow->flow, channel, &own);
    snprintf(key, sizeof(key), "channels.%s", name);
    for (size_t i = 0; own.count > 0 && i < all->count; i++) {
        if (!has_language(&own, all->tags[i]) &&
            !locale_tag_has_same_language(all->tags[i], lint->catalog->default_locale)) {
            snprintf(hint, sizeof(hint), "add %.64s/%s.%s.liquid", flow->flow->name, name, all->tags[i]);
            lint_add_at_key(lint, DIAG_WARNING, flow, key, hint,
                            "no %s template in the language '%s', which %s has: such members get '%s'", name,
                            all->tags[i], all->examples[i], lint->catalog->default_locale);
        }
    }
}

void lint_locales(struct lint *lint)
{
    struct languages all = {.count = 0};

    for (int i = 0; i < CHANNEL_COUNT; i++) {
        collect(lint, NULL, (enum channel)i, &all);
    }
    for (size_t i = 0; i < lint->flow_count; i++) {
        for (int j = 0; j < CHANNEL_COUNT; j++) {
            if (lint->flows[i].flow->channels[j].is_on) {
                check_channel(lint, &lint->flows[i], (enum channel)j, &all);
            }
        }
    }
}
