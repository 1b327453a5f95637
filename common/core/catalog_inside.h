/*
 * catalog_inside: what a catalog is made of, shared by catalog.c (looking things up), catalog_build.c and
 * catalog_flows.c (making one). Nobody else includes it. Everything is fixed when catalog_build() returns, except
 * caches that callers cannot see: the locales' formatters and the buffers of rendering.
 */
#ifndef CORE_CATALOG_INSIDE_H
#define CORE_CATALOG_INSIDE_H

#include "base/hash_table.h"
#include "core/brand.h"
#include "core/catalog.h"
#include "core/locale.h"
#include "core/message_render.h"
#include "core/message_template.h"
#include "core/strings.h"

/* Templates of one flow on one channel, sorted by locale. */
struct catalog_templates {
    struct message_template **items;
    size_t count;
    const char **locales; /* NULL-terminated */
};

struct catalog_flow {
    struct flow *flow;
    struct catalog_templates channels[CHANNEL_COUNT];
    UT_hash_handle hh;      /* by name */
    UT_hash_handle hh_flow; /* by address of the flow */
};

struct catalog_type {
    const char *type; /* borrowed from a flow */
    const struct flow **flows;
    size_t count;
    UT_hash_handle hh;
};

struct catalog_brand {
    struct brand *brand;
    UT_hash_handle hh;
};

struct catalog_strings {
    char tag[LOCALE_TAG_SIZE];
    struct strings *strings;
    UT_hash_handle hh;
};

struct catalog {
    int references;
    char version[VERSION_TEXT_SIZE];
    char default_locale[LOCALE_TAG_SIZE];
    struct catalog_flow **flows; /* sorted by name */
    size_t flow_count;
    struct catalog_flow *flows_by_name;
    struct catalog_flow *flows_by_address;
    struct catalog_type *types;
    struct catalog_brand *brands;
    struct brand *default_brand; /* "default", or an empty one; borrowed from brands */
    struct catalog_strings *strings;
    struct layout_list layouts;
    struct locale_set *locales;
    struct message_buffers buffers;
};

/* The brand that an event names: member.brand, the data's brand, or the extension attribute; NULL: none. */
const char *catalog_find_brand_name(const struct event *event);
/* Strings of a locale, else of its language; NULL when there are none. */
const struct strings *catalog_find_strings(const struct catalog *catalog, const char *tag);
/* Is the file of its texts there, but with errors? Then nothing can be said of what is in it. */
bool catalog_has_broken_strings(const struct catalog *catalog, const char *tag);
/* By exact tag, then by language; NULL. */
const struct message_template *catalog_templates_find(const struct catalog_templates *templates, const char *tag);

/* --- while it is made ------------------------------------------------------------------------------------------- */

struct catalog_build {
    const struct file_tree *tree;
    struct catalog *catalog;
    struct diag_list *diags;
};

/* As catalog_build(), but never NULL: what has errors is not in it. For lint, which goes on to look at the rest. */
struct catalog *catalog_read(const struct file_tree *tree, const struct catalog_options *options,
                             struct diag_list *diags);
/* Brands, strings and layouts are loaded; reads every flow. */
void catalog_build_flows(struct catalog_build *build);

static inline struct slice catalog_text_of(const struct file_entry *entry)
{
    return slice_make(entry->data, entry->len);
}

/* Notes for people may lie anywhere. */
static inline bool catalog_is_note(const char *path)
{
    return slice_ends_with(slice_of(path), ".md");
}

/* "signup" of "signup/email.en.liquid"; the whole path when it is in no folder. */
static inline struct slice catalog_first_folder(const char *path)
{
    return slice_make(path, strcspn(path, "/"));
}

#endif
