#include "workers/render/gallery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/embed.h"
#include "base/mem.h"
#include "workers/render/print.h"

EMBED_FILE(gallery_html, "workers/render/gallery.html")
EMBED_FILE(gallery_css, "workers/render/gallery.css")
EMBED_FILE(gallery_js, "workers/render/gallery.js")

enum { MOST_LOCALES = 256 };

/* What turns on the rules for dark mode, and what turns them on always. */
static const char dark_query[] = "@media (prefers-color-scheme: dark)";
static const char always_query[] = "@media all";

struct gallery {
    struct preview *preview;
    const char *dir;
    struct err *err;
    const char *locales[MOST_LOCALES + 1]; /* of all flows, sorted; borrowed from catalogs; NULL-terminated */
    size_t locale_count;
    json_t *flows, *messages;
};

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool make_dir(const char *path, struct err *err)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST || err_set(err, "%s: %s", path, strerror(errno));
}

static bool write_file(const struct gallery *gallery, const char *name, struct slice text)
{
    char *path = xasprintf("%s/%s", gallery->dir, name);
    FILE *file = fopen(path, "w");
    bool is_written = file && fwrite(text.data, 1, text.len, file) == text.len;

    if (file && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        err_set(gallery->err, "%s: %s", path, strerror(errno));
    }
    free(path);
    return is_written;
}

static void replace_all(struct slice text, const char *what, const char *by, struct buf *out)
{
    size_t len = strlen(what);
    const char *found;

    while (text.len && (found = memmem(text.data, text.len, what, len))) {
        buf_append(out, text.data, (size_t)(found - text.data));
        buf_append_text(out, by);
        text.len -= (size_t)(found - text.data) + len;
        text.data = found + len;
    }
    buf_append_slice(out, text);
}

/* The page as it is, and as it looks in dark mode. */
static bool write_mail(const struct gallery *gallery, const char *stem, const char *html)
{
    char *light = xasprintf("mail/%s.html", stem);
    char *dark = xasprintf("mail/%s.dark.html", stem);
    struct buf page;
    bool is_written;

    buf_init(&page, 0);
    replace_all(slice_of(html), dark_query, always_query, &page);
    is_written = write_file(gallery, light, slice_of(html)) && write_file(gallery, dark, buf_slice(&page));
    buf_finish(&page);
    free(light);
    free(dark);
    return is_written;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void set_text(json_t *json, const char *name, const char *text)
{
    if (text && *text) {
        json_object_set_new(json, name, json_string(text));
    }
}

static bool add_email(const struct gallery *gallery, json_t *json, const struct message *message, const char *stem)
{
    set_text(json, "from", message->from_name);
    set_text(json, "subject", message->subject);
    set_text(json, "preheader", message->preheader);
    set_text(json, "text", message->text);
    set_text(json, "mail", stem);
    return write_mail(gallery, stem, message->html);
}

static void add_sms(json_t *json, const struct preview_message *result)
{
    set_text(json, "from", result->message.sms_sender);
    set_text(json, "text", result->message.text);
    set_text(json, "encoding", print_encoding(&result->size));
    json_object_set_new(json, "segments", json_integer(result->size.segments));
    json_object_set_new(json, "segments_max", json_integer(result->segments_max));
    json_object_set_new(json, "units", json_integer(result->size.units));
    json_object_set_new(json, "units_max", json_integer(print_capacity(&result->size)));
}

struct place {
    const struct catalog *catalog;
    const struct flow *flow;
    enum channel channel;
    const char *locale;
    const struct event *event;
    size_t sample;
};

static bool add_message(struct gallery *gallery, const struct place *place)
{
    struct preview_message result;
    json_t *json = json_object();
    char *stem = xasprintf("%s.%s.%zu", place->flow->name, place->locale, place->sample);
    bool is_written = true;

    preview_render(place->catalog, place->flow, place->channel, place->event, place->locale, &result);
    set_text(json, "flow", place->flow->name);
    set_text(json, "channel", channel_name(place->channel));
    set_text(json, "locale", place->locale);
    json_object_set_new(json, "sample", json_integer((json_int_t)place->sample));
    json_object_set_new(json, "speaks", json_boolean(preview_is_of_language(place->event, place->locale)));
    set_text(json, "not_sent", result.not_sent);
    if (!result.is_rendered) {
        set_text(json, "error", result.error.text);
    } else {
        set_text(json, "falls_back_to", result.has_template ? NULL : result.message.locale);
        set_text(json, "dir", preview_direction(gallery->preview, result.message.locale));
        if (place->channel == CHANNEL_EMAIL) {
            is_written = add_email(gallery, json, &result.message, stem);
        } else {
            add_sms(json, &result);
        }
    }
    json_array_append_new(gallery->messages, json);
    preview_message_finish(&result);
    free(stem);
    return is_written;
}

/* One event on all channels, in all locales. */
static bool add_event(struct gallery *gallery, const struct catalog *catalog, const struct flow *flow,
                      const struct event *event, size_t sample)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        for (size_t i = 0; flow->channels[channel].is_on && i < gallery->locale_count; i++) {
            const struct place place = {catalog, flow, (enum channel)channel, gallery->locales[i], event, sample};

            if (!add_message(gallery, &place)) {
                return false;
            }
        }
    }
    return true;
}

/* "seven_days_hu" of "points_expiring/samples/seven_days_hu.json" */
static json_t *sample_name(const char *path)
{
    const char *base = strrchr(path, '/') + 1;

    return json_stringn(base, strlen(base) - strlen(".json"));
}

static bool add_samples(struct gallery *gallery, const struct catalog *catalog, const struct flow *flow, json_t *names)
{
    size_t count;
    const struct file_entry **samples = preview_samples(gallery->preview, flow->name, &count);
    bool is_written = true;

    for (size_t i = 0; i < count && is_written; i++) {
        struct event event;

        json_array_append_new(names, sample_name(samples[i]->path));
        if (preview_read_event(slice_make(samples[i]->data, samples[i]->len), &event, NULL)) {
            is_written = add_event(gallery, catalog, flow, &event, i);
        }
        event_finish(&event);
    }
    free(samples);
    return is_written;
}

/* --- flows -------------------------------------------------------------------------------------------------------- */

static json_t *list_errors(const struct diag_list *diags)
{
    json_t *errors = json_array();
    struct buf line;

    buf_init(&line, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            buf_clear(&line);
            diag_format(&diags->items[i], &line);
            json_array_append_new(errors, json_stringn(buf_text(&line), line.len));
        }
    }
    buf_finish(&line);
    return errors;
}

static bool add_flow(struct gallery *gallery, const char *name)
{
    const struct catalog *catalog = preview_find_catalog(gallery->preview, name);
    const struct flow *flow = catalog ? catalog_find_flow(catalog, name) : NULL;
    json_t *json = json_object();
    json_t *samples = json_array();

    json_array_append_new(gallery->flows, json);
    set_text(json, "name", name);
    json_object_set_new(json, "samples", samples);
    if (!flow) {
        json_object_set_new(json, "errors", list_errors(preview_diags(gallery->preview, name)));
        return true;
    }
    set_text(json, "on", flow->on);
    set_text(json, "class", flow_class_name(flow->class));
    return add_samples(gallery, catalog, flow, samples);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

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

static void append_data(const struct gallery *gallery, struct buf *out)
{
    json_t *locales = json_array();
    json_t *data;
    char *text;

    for (size_t i = 0; i < gallery->locale_count; i++) {
        json_array_append_new(locales, json_string(gallery->locales[i]));
    }
    data = json_pack("{s:o, s:O, s:O}", "locales", locales, "flows", gallery->flows, "messages", gallery->messages);
    text = json_dumps(data, JSON_COMPACT);
    /* Inside of a script element nothing may look like its end, or like the start of a comment. */
    replace_all(slice_of(text), "<", "\\u003c", out);
    free(text);
    json_decref(data);
}

/* gallery.html with the style sheet, the script and the data in the places that it marks. */
static bool write_index(const struct gallery *gallery)
{
    static const char *const marks[] = {"<!--style-->", "<!--data-->", "<!--script-->"};
    struct slice rest = slice_make(gallery_html_data, gallery_html_len());
    struct buf page;
    bool is_written;

    buf_init(&page, 0);
    for (size_t i = 0; i < 3; i++) {
        const char *mark = memmem(rest.data, rest.len, marks[i], strlen(marks[i]));

        buf_append(&page, rest.data, (size_t)(mark - rest.data));
        rest.len -= (size_t)(mark - rest.data) + strlen(marks[i]);
        rest.data = mark + strlen(marks[i]);
        if (i == 0) {
            buf_append(&page, gallery_css_data, gallery_css_len());
        } else if (i == 1) {
            append_data(gallery, &page);
        } else {
            buf_append(&page, gallery_js_data, gallery_js_len());
        }
    }
    buf_append_slice(&page, rest);
    is_written = page.overflowed ? err_set(gallery->err, "too many messages for one page")
                                 : write_file(gallery, "index.html", buf_slice(&page));
    buf_finish(&page);
    return is_written;
}

bool gallery_write(struct preview *preview, const char *dir, struct err *err)
{
    struct gallery gallery = {.preview = preview, .dir = dir, .err = err};
    char *mail_dir = xasprintf("%s/mail", dir);
    bool is_written = make_dir(dir, err) && make_dir(mail_dir, err);

    gallery.flows = json_array();
    gallery.messages = json_array();
    collect_locales(&gallery);
    for (const char *const *flow = preview_flows(preview); *flow && is_written; flow++) {
        is_written = add_flow(&gallery, *flow);
    }
    is_written = is_written && write_index(&gallery);
    if (is_written) {
        printf("%zu messages of %zu flows: open %s/index.html\n", json_array_size(gallery.messages),
               json_array_size(gallery.flows), dir);
    }
    json_decref(gallery.flows);
    json_decref(gallery.messages);
    free(mail_dir);
    return is_written;
}
