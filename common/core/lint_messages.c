/*
 * Every sample as a message in every language: what cannot be rendered, HTML that is not whole, links that lead nowhere
 * once the values are in, messages that are too large, and what the law wants in marketing mail.
 *
 * The HTML is rendered a second time from templates that carry marks (html_source), so that a fault that only shows in
 * the message is told at the place in the file where the tag was written.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/html_source.h"
#include "core/lint_html.h"
#include "core/lint_inside.h"
#include "core/lint_marketing.h"

enum { MOST_HTML_BYTES = 100 << 10 }; /* Gmail shows the first 102 KB of a message */

struct check {
    struct lint *lint;
    struct catalog *marked;
    const struct lint_flow *flow;
    const struct message_template *template;
    const struct html_tag *tag; /* looked at now; NULL: `at` is a tag's own place */
    struct slice html;
};

/* --- faults of rendering ------------------------------------------------------------------------------------------ */

static const char *hint_of(const char *reason)
{
    static const char *const hints[][2] = {
        {"undefined_variable", "guard it with {% if ... %} or | default: \"...\", or correct its name"},
        {"bad_url", "print an address that begins with https://, mailto: or tel:, or mend the sample"},
        {"too_large", "shorten the message: a loop may run too often"},
        {"over_budget", "shorten the text, or allow more with segments_max in flow.yaml"},
        {"bad_header", "keep line breaks and control characters out of headers; the sample may hold them"},
        {"bad_text", "keep tabs and other control characters out of it; the sample may hold them"},
        {"no_brand", "add the file, or correct the brand's name in the sample"},
        {"template_error", "correct the template, or the sample when its value is wrong"},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strcmp(hints[i][0], reason) == 0) {
            return hints[i][1];
        }
    }
    return NULL;
}

/* ":12" into the number; returns what stands behind it, or NULL. */
static const char *read_number(const char *at, int *number)
{
    char *end;
    long value = *at == ':' ? strtol(at + 1, &end, 10) : 0;

    if (*at != ':' || end == at + 1 || value < 1 || value > INT_MAX) {
        return NULL;
    }
    *number = (int)value;
    return end;
}

/* "signup/email.en.liquid:12:5: what" into its parts; false when the text does not begin with a file. */
static bool split_place(const struct file_tree *tree, const char *text, char file[160], int *line, int *column,
                        const char **what)
{
    size_t len = strcspn(text, ": ");
    const char *at;

    if (len >= 160) {
        return false;
    }
    memcpy(file, text, len);
    file[len] = '\0';
    if (!file_tree_find(tree, file)) {
        return false;
    }
    *line = *column = 0;
    at = read_number(text + len, line);
    at = at ? read_number(at, column) : NULL;
    if (!at) {
        *line = *column = 0;
        at = text + len;
    }
    *what = at + strspn(at, ": ");
    return true;
}

/* Has another sample brought the same fault to light? */
static bool is_told(const struct lint *lint, const char *file, int line, int column, const char *what)
{
    for (size_t i = 0; i < lint->diags->count; i++) {
        const struct diag *diag = &lint->diags->items[i];

        if ((line == 0 || (diag->line == line && diag->column == column)) && strcmp(diag->file, file) == 0 &&
            slice_starts_with(slice_of(diag->message), what)) {
            return true;
        }
    }
    return false;
}

static void complain_render(struct check *check, const struct lint_sample *sample, const struct render_error *error)
{
    const char *hint = hint_of(error->reason);
    const char *what = error->text;
    char file[160];
    int line, column;

    if (!split_place(check->lint->tree, error->text, file, &line, &column, &what)) {
        snprintf(file, sizeof(file), "%s",
                 strcmp(error->reason, "no_brand") == 0 ? sample->path : check->template->path);
        line = column = 1;
    }
    if (is_told(check->lint, file, line, column, what)) {
        return;
    }
    if (line > 0) {
        lint_add(check->lint, DIAG_ERROR, file, line, column, hint, "%s, with %s", what, sample->path);
    } else {
        lint_add_at_body(check->lint, DIAG_ERROR, file, hint, "%s, with %s", what, sample->path);
    }
}

/* --- HTML --------------------------------------------------------------------------------------------------------- */

static void complain_html(void *arg, size_t at, const char *hint, const char *message)
{
    struct check *check = arg;
    size_t file, offset;
    int line, column;

    if (check->tag) {
        at = check->tag->at;
    }
    if (html_source_find_mark(check->html, at, &file, &offset) && file < check->lint->tree->count) {
        const struct file_entry *entry = &check->lint->tree->entries[file];

        lint_find_place(entry, offset, &line, &column);
        lint_add(check->lint, DIAG_ERROR, entry->path, line, column, hint, "%s", message);
    } else {
        lint_add_at_body(check->lint, DIAG_ERROR, check->template->path, hint, "%s", message);
    }
}

static void check_html(struct check *check, const struct event *event)
{
    const struct flow *flow = catalog_find_flow(check->marked, check->flow->flow->name);
    struct html_tags tags;
    struct html_tag tag;
    struct message message;
    struct render_error error;

    if (!flow || !catalog_render(check->marked, flow, CHANNEL_EMAIL, event, check->template->tag, &message, &error)) {
        lint_add_at_body(check->lint, DIAG_WARNING, check->template->path,
                         "do not measure or cut HTML with filters, and keep the message short",
                         "its HTML cannot be checked, because it does not render with marks in it");
        return;
    }
    check->html = slice_of(message.html);
    check->tag = &tag;
    tags = html_tags_of(check->html);
    while (html_tags_next(&tags, &tag)) {
        lint_html_check_tag(&tag, complain_html, check);
    }
    check->tag = NULL;
    lint_html_check_balance(check->html, complain_html, check);
    message_finish(&message);
}

/* --- one message -------------------------------------------------------------------------------------------------- */

static void check_message(struct check *check, const struct lint_sample *sample, const struct event *event)
{
    enum channel channel = check->template->channel;
    struct message message;
    struct render_error error;

    if (!catalog_render(check->lint->catalog, check->flow->flow, channel, event, check->template->tag, &message,
                        &error)) {
        /* Budgets are for those who read the language: lint_sms.c. */
        if (strcmp(error.reason, "over_budget") != 0) {
            complain_render(check, sample, &error);
        }
        return;
    }
    if (message.html && strlen(message.html) > MOST_HTML_BYTES &&
        !is_told(check->lint, check->template->path, 0, 0, "the HTML has ")) {
        lint_add_at_body(check->lint, DIAG_ERROR, check->template->path, "shorten the message, or limit its loops",
                         "the HTML has %zu KB, with %s: Gmail cuts off what goes beyond %d", strlen(message.html) >> 10,
                         sample->path, MOST_HTML_BYTES >> 10);
    }
    if (check->flow->flow->class == FLOW_MARKETING) {
        lint_marketing_check(check->lint, check->template, event, &message);
    }
    message_finish(&message);
    if (channel == CHANNEL_EMAIL) {
        check_html(check, event);
    }
}

/* The same event as another brand's. */
static void check_as_brand(struct check *check, const struct lint_sample *sample, const struct brand *brand)
{
    struct event event = sample->event;
    json_t *member = json_copy(json_object_get(event.data, "member"));

    event.data = json_copy(event.data);
    json_object_set_new(member, "brand", json_string(brand->name));
    json_object_set_new(event.data, "member", member);
    check_message(check, sample, &event);
    json_decref(event.data);
}

static bool applies_to_any(const struct lint_flow *flow, enum channel channel)
{
    for (size_t i = 0; i < flow->sample_count; i++) {
        if (flow->samples[i].applies[channel]) {
            return true;
        }
    }
    return false;
}

static void check_template(struct check *check)
{
    enum channel channel = check->template->channel;
    bool is_limited = applies_to_any(check->flow, channel);
    bool is_first = true;

    for (size_t i = 0; i < check->flow->sample_count; i++) {
        const struct lint_sample *sample = &check->flow->samples[i];

        if (is_limited && !sample->applies[channel]) {
            continue;
        }
        check_message(check, sample, &sample->event);
        for (struct catalog_brand *brand = check->lint->catalog->brands; brand && is_first; brand = brand->hh.next) {
            check_as_brand(check, sample, brand->brand);
        }
        is_first = false;
    }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static struct file_tree *mark_tree(const struct file_tree *tree)
{
    struct file_tree *marked = file_tree_create();
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < tree->count; i++) {
        const struct file_entry *entry = &tree->entries[i];
        struct slice body = lint_is_html(entry->path) ? lint_body(entry) : slice_make(entry->data + entry->len, 0);
        size_t base = (size_t)(body.data - entry->data);

        buf_clear(&text);
        buf_append(&text, entry->data, base);
        if (*entry->path != '_' && body.len) {
            buf_append_text(&text, "<" LINT_HTML_BODY ">");
            html_source_mark(body, i, base, &text);
            buf_append_text(&text, "</" LINT_HTML_BODY ">");
        } else {
            html_source_mark(body, i, base, &text);
        }
        file_tree_add(marked, entry->path, buf_slice(&text));
    }
    buf_finish(&text);
    return marked;
}

static struct catalog *read_marked(const struct lint *lint)
{
    struct catalog_options options = {.default_locale = lint->catalog->default_locale};
    struct file_tree *tree = mark_tree(lint->tree);
    struct diag_list ignored; /* as without marks */
    struct catalog *catalog;

    diag_list_init(&ignored);
    catalog = catalog_read(tree, &options, &ignored);
    diag_list_finish(&ignored);
    file_tree_destroy(tree);
    return catalog;
}

void lint_messages(struct lint *lint)
{
    struct check check = {.lint = lint, .marked = read_marked(lint)};

    for (size_t i = 0; i < lint->flow_count; i++) {
        check.flow = &lint->flows[i];
        for (int j = 0; j < CHANNEL_COUNT; j++) {
            const struct catalog_templates *templates = &check.flow->entry->channels[j];

            for (size_t k = 0; k < templates->count; k++) {
                check.template = templates->items[k];
                check_template(&check);
            }
        }
    }
    catalog_unref(check.marked);
}
