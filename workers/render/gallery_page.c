#include "workers/render/gallery_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/embed.h"
#include "base/mem.h"
#include "core/locale.h"
#include "workers/render/print.h"

EMBED_FILE(gallery_html, "workers/render/gallery.html")
EMBED_FILE(gallery_css, "workers/render/gallery.css")
EMBED_FILE(gallery_js, "workers/render/gallery.js")

/* What turns on the rules for dark mode, and what turns them on always. */
static const char dark_query[] = "@media (prefers-color-scheme: dark)";
static const char always_query[] = "@media all";

struct gallery_page {
    char *dir;
    struct err *err; /* of the call */
    struct locale_set *directions;
    json_t *locales, *flows, *messages;
};

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool make_dir(const char *path, struct err *err)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST || err_set(err, "%s: %s", path, strerror(errno));
}

static bool write_file(const struct gallery_page *page, const char *name, struct slice text)
{
    char *path = xasprintf("%s/%s", page->dir, name);
    FILE *file = fopen(path, "w");
    bool is_written = file && fwrite(text.data, 1, text.len, file) == text.len;

    if (file && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        err_set(page->err, "%s: %s", path, strerror(errno));
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
static bool write_mail(const struct gallery_page *page, const char *stem, const char *html)
{
    char *light = xasprintf("mail/%s.html", stem);
    char *dark = xasprintf("mail/%s.dark.html", stem);
    struct buf always;
    bool is_written;

    buf_init(&always, 0);
    replace_all(slice_of(html), dark_query, always_query, &always);
    is_written = write_file(page, light, slice_of(html)) && write_file(page, dark, buf_slice(&always));
    buf_finish(&always);
    free(light);
    free(dark);
    return is_written;
}

/* --- flows and messages ------------------------------------------------------------------------------------------- */

static void set_text(json_t *json, const char *name, const char *text)
{
    if (text && *text) {
        json_object_set_new(json, name, json_string(text));
    }
}

struct gallery_page *gallery_page_open(const char *dir, struct err *err)
{
    struct gallery_page *page = xcalloc(1, sizeof(*page));
    char *mail_dir = xasprintf("%s/mail", dir);
    bool is_made = make_dir(dir, err) && make_dir(mail_dir, err);

    page->dir = xstrdup(dir);
    page->directions = locale_set_create();
    page->locales = json_array();
    page->flows = json_array();
    page->messages = json_array();
    free(mail_dir);
    if (!is_made) {
        gallery_page_close(page);
        return NULL;
    }
    return page;
}

void gallery_page_close(struct gallery_page *page)
{
    if (!page) {
        return;
    }
    locale_set_destroy(page->directions);
    json_decref(page->locales);
    json_decref(page->flows);
    json_decref(page->messages);
    free(page->dir);
    free(page);
}

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

size_t gallery_page_add_flow(struct gallery_page *page, const char *name, const struct flow *flow,
                             const struct diag_list *errors)
{
    json_t *json = json_object();

    set_text(json, "name", name);
    json_object_set_new(json, "samples", json_array());
    if (flow) {
        set_text(json, "on", flow->on);
        set_text(json, "class", flow_class_name(flow->class));
    } else {
        json_object_set_new(json, "errors", list_errors(errors));
    }
    json_array_append_new(page->flows, json);
    return json_array_size(page->flows) - 1;
}

size_t gallery_page_add_sample(struct gallery_page *page, size_t flow, const char *name)
{
    json_t *samples = json_object_get(json_array_get(page->flows, flow), "samples");

    json_array_append_new(samples, json_string(name));
    return json_array_size(samples) - 1;
}

void gallery_page_add_locale(struct gallery_page *page, const char *locale)
{
    size_t at = 0;

    while (at < json_array_size(page->locales) &&
           strcmp(json_string_value(json_array_get(page->locales, at)), locale) < 0) {
        at++;
    }
    if (at == json_array_size(page->locales) ||
        strcmp(json_string_value(json_array_get(page->locales, at)), locale) != 0) {
        json_array_insert_new(page->locales, at, json_string(locale));
    }
}

static bool add_email(const struct gallery_page *page, json_t *json, const struct message *message, const char *stem)
{
    set_text(json, "from", message->from_name);
    set_text(json, "subject", message->subject);
    set_text(json, "preheader", message->preheader);
    set_text(json, "text", message->text);
    set_text(json, "mail", stem);
    return write_mail(page, stem, message->html);
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

bool gallery_page_add(struct gallery_page *page, const struct gallery_message *message, struct err *err)
{
    const struct preview_message *result = message->result;
    json_t *json = json_object();
    char *stem = xasprintf("%s.%s.%zu", message->flow, message->locale, message->sample);
    bool is_written = true;

    page->err = err;
    set_text(json, "flow", message->flow);
    set_text(json, "channel", channel_name(message->channel));
    set_text(json, "locale", message->locale);
    json_object_set_new(json, "sample", json_integer((json_int_t)message->sample));
    json_object_set_new(json, "speaks", json_boolean(message->speaks));
    set_text(json, "not_sent", result->not_sent);
    if (!result->is_rendered) {
        set_text(json, "error", result->error.text);
    } else {
        set_text(json, "falls_back_to", result->has_template ? NULL : result->message.locale);
        set_text(json, "dir", preview_direction_in(page->directions, result->message.locale));
        if (message->channel == CHANNEL_EMAIL) {
            is_written = add_email(page, json, &result->message, stem);
        } else {
            add_sms(json, result);
        }
    }
    json_array_append_new(page->messages, json);
    free(stem);
    return is_written;
}

size_t gallery_page_message_count(const struct gallery_page *page)
{
    return json_array_size(page->messages);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void append_data(const struct gallery_page *page, struct buf *out)
{
    json_t *data =
        json_pack("{s:O, s:O, s:O}", "locales", page->locales, "flows", page->flows, "messages", page->messages);
    char *text = json_dumps(data, JSON_COMPACT);

    /* Inside of a script element nothing may look like its end, or like the start of a comment. */
    replace_all(slice_of(text), "<", "\\u003c", out);
    free(text);
    json_decref(data);
}

/* gallery.html with the style sheet, the script and the data in the places that it marks. */
bool gallery_page_write(struct gallery_page *page, struct err *err)
{
    static const char *const marks[] = {"<!--style-->", "<!--data-->", "<!--script-->"};
    struct slice rest = slice_make(gallery_html_data, gallery_html_len());
    struct buf index;
    bool is_written;

    page->err = err;
    buf_init(&index, 0);
    for (size_t i = 0; i < 3; i++) {
        const char *mark = memmem(rest.data, rest.len, marks[i], strlen(marks[i]));

        buf_append(&index, rest.data, (size_t)(mark - rest.data));
        rest.len -= (size_t)(mark - rest.data) + strlen(marks[i]);
        rest.data = mark + strlen(marks[i]);
        if (i == 0) {
            buf_append(&index, gallery_css_data, gallery_css_len());
        } else if (i == 1) {
            append_data(page, &index);
        } else {
            buf_append(&index, gallery_js_data, gallery_js_len());
        }
    }
    buf_append_slice(&index, rest);
    is_written = index.overflowed ? err_set(err, "too many messages for one page")
                                  : write_file(page, "index.html", buf_slice(&index));
    buf_finish(&index);
    return is_written;
}
