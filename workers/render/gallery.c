#include "workers/render/gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "workers/render/gallery_page.h"

enum { MOST_LOCALES = 256 };

struct gallery {
    struct preview *preview;
    struct gallery_page *page;
    struct err *err;
    const char *locales[MOST_LOCALES]; /* of all flows; borrowed from catalogs */
    size_t locale_count;
};

/* --- messages ----------------------------------------------------------------------------------------------------- */

static bool add_message(struct gallery *gallery, const struct catalog *catalog, const struct flow *flow,
                        const struct event *event, struct gallery_message *message)
{
    struct preview_message result;
    bool is_written;

    preview_render(catalog, flow, message->channel, event, message->locale, &result);
    message->speaks = preview_is_of_language(event, message->locale);
    message->result = &result;
    is_written = gallery_page_add(gallery->page, message, gallery->err);
    preview_message_finish(&result);
    return is_written;
}

/* One event on all channels, in all locales. */
static bool add_event(struct gallery *gallery, const struct catalog *catalog, const struct flow *flow,
                      const struct event *event, size_t sample)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        for (size_t i = 0; flow->channels[channel].is_on && i < gallery->locale_count; i++) {
            struct gallery_message message = {
                .flow = flow->name, .channel = (enum channel)channel, .locale = gallery->locales[i], .sample = sample};

            if (!add_message(gallery, catalog, flow, event, &message)) {
                return false;
            }
        }
    }
    return true;
}

/* "seven_days_hu" of "points_expiring/samples/seven_days_hu.json" */
static char *sample_name(const char *path)
{
    const char *base = strrchr(path, '/') + 1;

    return xmemdup(base, strlen(base) - strlen(".json"));
}

static bool add_samples(struct gallery *gallery, const struct catalog *catalog, const struct flow *flow, size_t number)
{
    size_t count;
    const struct file_entry **samples = preview_samples(gallery->preview, flow->name, &count);
    bool is_written = true;

    for (size_t i = 0; i < count && is_written; i++) {
        char *name = sample_name(samples[i]->path);
        size_t sample = gallery_page_add_sample(gallery->page, number, name);
        struct event event;

        if (preview_read_event(slice_make(samples[i]->data, samples[i]->len), &event, NULL)) {
            is_written = add_event(gallery, catalog, flow, &event, sample);
        }
        event_finish(&event);
        free(name);
    }
    free(samples);
    return is_written;
}

/* --- flows -------------------------------------------------------------------------------------------------------- */

static bool add_flow(struct gallery *gallery, const char *name)
{
    const struct catalog *catalog = preview_find_catalog(gallery->preview, name);
    const struct flow *flow = catalog ? catalog_find_flow(catalog, name) : NULL;
    size_t number =
        gallery_page_add_flow(gallery->page, name, flow, flow ? NULL : preview_diags(gallery->preview, name));

    return !flow || add_samples(gallery, catalog, flow, number);
}

static void add_locale(struct gallery *gallery, const char *locale)
{
    size_t at = gallery->locale_count;

    for (size_t i = 0; i < gallery->locale_count; i++) {
        if (strcmp(gallery->locales[i], locale) == 0) {
            return;
        }
    }
    if (gallery->locale_count == MOST_LOCALES) {
        return;
    }
    for (; at > 0 && strcmp(gallery->locales[at - 1], locale) > 0; at--) {
        gallery->locales[at] = gallery->locales[at - 1];
    }
    gallery->locales[at] = locale;
    gallery->locale_count++;
    gallery_page_add_locale(gallery->page, locale);
}

/* Every language that some flow speaks on some channel. */
static void collect_locales(struct gallery *gallery)
{
    for (const char *const *name = preview_flows(gallery->preview); *name; name++) {
        const struct catalog *catalog = preview_find_catalog(gallery->preview, *name);
        const struct flow *flow = catalog ? catalog_find_flow(catalog, *name) : NULL;

        for (int channel = 0; flow && channel < CHANNEL_COUNT; channel++) {
            for (const char *const *locale = catalog_locales(catalog, flow, (enum channel)channel); *locale; locale++) {
                add_locale(gallery, *locale);
            }
        }
    }
}

bool gallery_write(struct preview *preview, const char *dir, struct err *err)
{
    struct gallery gallery = {.preview = preview, .page = gallery_page_open(dir, err), .err = err};
    bool is_written = gallery.page != NULL;
    size_t flow_count = 0;

    if (is_written) {
        collect_locales(&gallery);
    }
    for (const char *const *flow = preview_flows(preview); *flow && is_written; flow++) {
        is_written = add_flow(&gallery, *flow);
        flow_count++;
    }
    is_written = is_written && gallery_page_write(gallery.page, err);
    if (is_written) {
        printf("%zu messages of %zu flows: open %s/index.html\n", gallery_page_message_count(gallery.page), flow_count,
               dir);
    }
    gallery_page_close(gallery.page);
    return is_written;
}
