#include "core/catalog_inside.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct catalog *catalog_ref(struct catalog *catalog)
{
    catalog->references++;
    return catalog;
}

static void destroy_flow(struct catalog_flow *entry)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct catalog_templates *templates = &entry->channels[channel];

        for (size_t i = 0; i < templates->count; i++) {
            message_template_destroy(templates->items[i]);
        }
        free(templates->items);
        free(templates->locales);
    }
    flow_destroy(entry->flow);
    free(entry);
}

static void destroy_tables(struct catalog *catalog)
{
    struct catalog_type *type, *next_type;
    struct catalog_brand *brand, *next_brand;
    struct catalog_strings *strings, *next_strings;

    HASH_ITER(hh, catalog->types, type, next_type)
    {
        HASH_DEL(catalog->types, type);
        free(type->flows);
        free(type);
    }
    HASH_ITER(hh, catalog->brands, brand, next_brand)
    {
        HASH_DEL(catalog->brands, brand);
        brand_destroy(brand->brand);
        free(brand);
    }
    HASH_ITER(hh, catalog->strings, strings, next_strings)
    {
        HASH_DEL(catalog->strings, strings);
        strings_destroy(strings->strings);
        free(strings);
    }
}

void catalog_unref(struct catalog *catalog)
{
    if (!catalog || --catalog->references > 0) {
        return;
    }
    destroy_tables(catalog);
    HASH_CLEAR(hh, catalog->flows_by_name);
    HASH_CLEAR(hh_flow, catalog->flows_by_address);
    for (size_t i = 0; i < catalog->flow_count; i++) {
        destroy_flow(catalog->flows[i]);
    }
    free(catalog->flows);
    layout_list_finish(&catalog->layouts);
    locale_set_destroy(catalog->locales);
    message_buffers_finish(&catalog->buffers);
    free(catalog);
}

/* --- looking up ------------------------------------------------------------------------------------------------- */

const char *catalog_version(const struct catalog *catalog)
{
    return catalog->version;
}

size_t catalog_flow_count(const struct catalog *catalog)
{
    return catalog->flow_count;
}

const struct flow *catalog_flow(const struct catalog *catalog, size_t index)
{
    assert(index < catalog->flow_count);
    return catalog->flows[index]->flow;
}

const struct flow *catalog_find_flow(const struct catalog *catalog, const char *name)
{
    struct catalog_flow *entry;

    HASH_FIND_STR(catalog->flows_by_name, name, entry);
    return entry ? entry->flow : NULL;
}

const struct flow *const *catalog_find_by_type(const struct catalog *catalog, const char *type, size_t *count)
{
    struct catalog_type *entry;

    HASH_FIND_STR(catalog->types, type, entry);
    *count = entry ? entry->count : 0;
    return entry ? entry->flows : NULL;
}

static const struct catalog_templates *find_templates(const struct catalog *catalog, const struct flow *flow,
                                                      enum channel channel)
{
    struct catalog_flow *entry;

    HASH_FIND(hh_flow, catalog->flows_by_address, &flow, sizeof(flow), entry);
    assert(entry);
    return &entry->channels[channel];
}

const char *const *catalog_locales(const struct catalog *catalog, const struct flow *flow, enum channel channel)
{
    return find_templates(catalog, flow, channel)->locales;
}

static const struct message_template *find_exact(const struct catalog_templates *templates, const char *tag, size_t len)
{
    for (size_t i = 0; i < templates->count; i++) {
        if (strncmp(templates->items[i]->tag, tag, len) == 0 && !templates->items[i]->tag[len]) {
            return templates->items[i];
        }
    }
    return NULL;
}

const struct message_template *catalog_templates_find(const struct catalog_templates *templates, const char *tag)
{
    size_t len = strlen(tag);
    const struct message_template *found = find_exact(templates, tag, len);

    return found ? found : find_exact(templates, tag, locale_tag_language_len(tag));
}

const struct strings *catalog_find_strings(const struct catalog *catalog, const char *tag)
{
    struct catalog_strings *entry;

    HASH_FIND_STR(catalog->strings, tag, entry);
    if (!entry) {
        HASH_FIND(hh, catalog->strings, tag, locale_tag_language_len(tag), entry);
    }
    return entry ? entry->strings : NULL;
}

bool catalog_has_broken_strings(const struct catalog *catalog, const char *tag)
{
    struct catalog_strings *own, *parent;

    HASH_FIND_STR(catalog->strings, tag, own);
    HASH_FIND(hh, catalog->strings, tag, locale_tag_language_len(tag), parent);
    return (own && !own->strings) || (parent && !parent->strings);
}

/* --- rendering ----------------------------------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 3, 4)))
fail(struct render_error *error, const char *reason, const char *format, ...)
{
    va_list args;

    error->reason = reason;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return false;
}

/* member.brand, the data's brand, or the envelope's extension; NULL: none named. */
const char *catalog_find_brand_name(const struct event *event)
{
    json_t *name = json_object_get(json_object_get(event->data, "member"), "brand");

    if (!json_is_string(name)) {
        name = json_object_get(event->data, "brand");
    }
    if (!json_is_string(name)) {
        name = json_object_get(event->attributes, "brand");
    }
    return json_string_length(name) ? json_string_value(name) : NULL;
}

static const struct brand *find_brand(const struct catalog *catalog, const struct event *event,
                                      struct render_error *error)
{
    const char *name = catalog_find_brand_name(event);
    struct catalog_brand *entry;

    if (!name) {
        return catalog->default_brand;
    }
    HASH_FIND_STR(catalog->brands, name, entry);
    if (!entry) {
        fail(error, "no_brand", "the event names the brand '%.64s', and there is no such file in _brands", name);
        return NULL;
    }
    return entry->brand;
}

/* The tag asked for, in one form; "" when there is none or it is no tag. */
static void read_wanted_tag(const struct event *event, const char *locale, char tag[LOCALE_TAG_SIZE])
{
    json_t *own = json_object_get(json_object_get(event->data, "member"), "locale");
    struct slice text = locale ? slice_of(locale) : slice_make(json_string_value(own), json_string_length(own));

    if (!text.data || !locale_tag_parse(text, tag)) {
        tag[0] = '\0';
    }
}

static const struct message_template *find_template(const struct catalog *catalog, const struct flow *flow,
                                                    enum channel channel, const char *tag)
{
    const struct catalog_templates *templates = find_templates(catalog, flow, channel);
    const struct message_template *found = *tag ? catalog_templates_find(templates, tag) : NULL;

    return found ? found : catalog_templates_find(templates, catalog->default_locale);
}

const char *catalog_choose_locale(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                                  const struct event *event)
{
    const struct message_template *template;
    char tag[LOCALE_TAG_SIZE];

    read_wanted_tag(event, NULL, tag);
    template = find_template(catalog, flow, channel, tag);
    return template ? template->tag : "";
}

bool catalog_render(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                    const struct event *event, const char *locale, struct message *message, struct render_error *error)
{
    struct message_inputs inputs = {.flow = flow, .event = event, .locales = catalog->locales};
    char tag[LOCALE_TAG_SIZE];

    *message = (struct message){0};
    read_wanted_tag(event, locale, tag);
    inputs.template = find_template(catalog, flow, channel, tag);
    if (!inputs.template) {
        return fail(error, "no_template", "flow %s has no %s template for '%s' or the default locale '%s'", flow->name,
                    channel_name(channel), tag, catalog->default_locale);
    }
    inputs.brand = find_brand(catalog, event, error);
    if (!inputs.brand) {
        return false;
    }
    if (!*tag || !locale_tag_has_same_language(tag, inputs.template->tag)) {
        memcpy(tag, inputs.template->tag, sizeof(tag));
    }
    inputs.locale = locale_set_get(catalog->locales, tag);
    inputs.strings = catalog_find_strings(catalog, tag);
    inputs.buffers = (struct message_buffers *)&catalog->buffers; /* scratch memory: no part of the catalog's value */
    if (!message_render(&inputs, message, error)) {
        return false;
    }
    memcpy(message->version, catalog->version, sizeof(message->version));
    message_seal(message);
    return true;
}
