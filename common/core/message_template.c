#include "core/message_template.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "core/front_matter.h"
#include "core/yaml.h"

static const char default_layout[] = "email";
static const char *const email_keys[] = {"subject", "preheader", "layout", "reply_to", NULL};
static const char *const sms_keys[] = {NULL};

/* --- layouts ---------------------------------------------------------------------------------------------------- */

static struct template_part *compile_file(const struct file_tree *tree, const char *path, enum template_form form,
                                          struct diag_list *diags)
{
    const struct file_entry *entry = file_tree_find(tree, path);
    struct template_source source = {.path = path, .first_line = 1, .form = form};

    if (!entry) {
        return NULL;
    }
    source.text = slice_make(entry->data, entry->len);
    return template_part_create(tree, &source, diags);
}

static struct layout *load_layout(const struct file_tree *tree, const char *name, struct diag_list *diags)
{
    struct layout *layout = xcalloc(1, sizeof(*layout));
    char *html_path = xasprintf("_layouts/%s.liquid", name);
    char *text_path = xasprintf("_layouts/%s.text.liquid", name);

    layout->name = xstrdup(name);
    layout->html = compile_file(tree, html_path, TEMPLATE_FORM_HTML, diags);
    layout->text = compile_file(tree, text_path, TEMPLATE_FORM_PLAIN, diags);
    free(html_path);
    free(text_path);
    return layout;
}

void layout_list_load(struct layout_list *list, const struct file_tree *tree, struct diag_list *diags)
{
    *list = (struct layout_list){0};
    for (size_t i = 0; i < tree->count; i++) {
        struct slice path = slice_of(tree->entries[i].path);
        char *name;

        if (!slice_starts_with(path, "_layouts/") || !slice_ends_with(path, ".liquid") ||
            slice_ends_with(path, ".text.liquid")) {
            continue;
        }
        name = xmemdup(path.data + 9, path.len - 9 - 7);
        list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
        list->items[list->count++] = load_layout(tree, name, diags);
        free(name);
    }
}

void layout_list_finish(struct layout_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        template_part_destroy(list->items[i]->html);
        template_part_destroy(list->items[i]->text);
        free(list->items[i]->name);
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct layout_list){0};
}

static const struct layout *find_layout(const struct layout_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->name, name) == 0) {
            return list->items[i];
        }
    }
    return NULL;
}

/* --- front matter ----------------------------------------------------------------------------------------------- */

struct loader {
    const struct file_tree *tree;
    const struct layout_list *layouts;
    const char *path;
    struct diag_list *diags;
    struct front_matter parts;
    struct yaml *yaml; /* NULL when there is no front matter */
};

static void complain(const struct loader *loader, const char *key, const char *hint, const char *message)
{
    int line = 1, column = 0;

    if (loader->yaml) {
        yaml_find_place(loader->yaml, key, &line, &column);
    }
    diag_add(loader->diags, DIAG_ERROR, loader->path, line, column, hint, "%s", message);
}

/* Takes ownership of both texts. */
static void complain_about(const struct loader *loader, const char *key, char *hint, char *message)
{
    complain(loader, key, hint, message);
    free(hint);
    free(message);
}

static json_t *find_key(const struct loader *loader, const char *key)
{
    return loader->yaml ? json_object_get(yaml_root(loader->yaml), key) : NULL;
}

static bool read_front_matter(struct loader *loader, struct slice text)
{
    if (!front_matter_split(loader->path, text, &loader->parts, loader->diags)) {
        return false;
    }
    if (!loader->parts.yaml.data) {
        return true;
    }
    loader->yaml = yaml_parse(loader->path, loader->parts.yaml, loader->parts.yaml_line, loader->diags);
    return loader->yaml != NULL;
}

static void check_keys(const struct loader *loader, const char *const known[])
{
    const char *key;
    json_t *value;

    if (!loader->yaml) {
        return;
    }
    json_object_foreach(yaml_root(loader->yaml), key, value)
    {
        size_t i = 0;
        int line, column;
        const char *meant;
        char *hint;

        while (known[i] && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i]) {
            continue;
        }
        meant = nearest_find(key, known);
        hint = meant ? xasprintf("did you mean '%s'?", meant) : NULL;
        yaml_find_key_place(loader->yaml, key, &line, &column);
        diag_add(loader->diags, DIAG_ERROR, loader->path, line, column, hint, "unknown key '%s' in the front matter",
                 key);
        free(hint);
    }
}

/* Text of a key on one line; NULL, without an error when it is absent. */
static const char *take_line(const struct loader *loader, const char *key)
{
    json_t *value = find_key(loader, key);
    const char *text = json_string_value(value);

    if (!value) {
        return NULL;
    }
    if (!text || strpbrk(text, "\r\n")) {
        complain_about(loader, key, NULL, xasprintf("'%s' must be a text on one line", key));
        return NULL;
    }
    return text;
}

static struct template_part *take_part(const struct loader *loader, const char *key)
{
    const char *text = take_line(loader, key);
    struct template_source source = {.path = loader->path, .form = TEMPLATE_FORM_PLAIN};
    int column;

    if (!text) {
        return NULL;
    }
    source.text = slice_of(text);
    yaml_find_place(loader->yaml, key, &source.first_line, &column);
    return template_part_create(loader->tree, &source, loader->diags);
}

static const struct layout *take_layout(const struct loader *loader)
{
    const char *name = take_line(loader, "layout");
    const struct layout *layout;
    const char **names;

    if (name && strcmp(name, "none") == 0) {
        return NULL;
    }
    layout = find_layout(loader->layouts, name ? name : default_layout);
    if (layout || !name) {
        return layout;
    }
    names = xcalloc(loader->layouts->count + 1, sizeof(*names));
    for (size_t i = 0; i < loader->layouts->count; i++) {
        names[i] = loader->layouts->items[i]->name;
    }
    complain_about(loader, "layout",
                   nearest_find(name, names) ? xasprintf("did you mean '%s'?", nearest_find(name, names)) : NULL,
                   xasprintf("there is no layout '%s' in _layouts", name));
    free(names);
    return NULL;
}

static void take_reply_to(const struct loader *loader, struct message_template *template)
{
    const char *text = take_line(loader, "reply_to");

    if (text && (!strchr(text, '@') || strpbrk(text, " <>,;\""))) {
        complain(loader, "reply_to", NULL, "'reply_to' must be an e-mail address");
        return;
    }
    template->reply_to = xstrdup(text);
}

/* --- templates -------------------------------------------------------------------------------------------------- */

static struct template_part *compile_body(const struct loader *loader, enum template_form form)
{
    struct template_source source = {
        .path = loader->path,
        .text = loader->parts.body,
        .first_line = loader->parts.body_line,
        .form = form,
    };

    return template_part_create(loader->tree, &source, loader->diags);
}

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!memchr(" \t\r\n", text.data[i], 4)) {
            return false;
        }
    }
    return true;
}

static void load_email(const struct loader *loader, struct message_template *template)
{
    char *text_path = xasprintf("%.*s.text.liquid", (int)(strlen(loader->path) - strlen(".liquid")), loader->path);

    check_keys(loader, email_keys);
    if (!find_key(loader, "subject")) {
        complain(loader, "", "begin the file with ---, subject: \"...\", ---", "the e-mail has no subject");
    }
    template->subject = take_part(loader, "subject");
    template->preheader = take_part(loader, "preheader");
    template->layout = take_layout(loader);
    take_reply_to(loader, template);
    template->body = compile_body(loader, TEMPLATE_FORM_HTML);
    if (file_tree_find(loader->tree, text_path)) {
        template->text = compile_file(loader->tree, text_path, TEMPLATE_FORM_PLAIN, loader->diags);
    } else if (template->body) {
        template->text = compile_body(loader, TEMPLATE_FORM_TEXT_OF_HTML);
    }
    free(text_path);
}

static bool reads_event(const struct message_template *template)
{
    const struct template_part *const parts[] = {
        template->subject,
        template->preheader,
        template->body,
        template->text,
        template->layout ? template->layout->html : NULL,
        template->layout ? template->layout->text : NULL,
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] && parts[i]->reads_event) {
            return true;
        }
    }
    return false;
}

struct message_template *message_template_create(const struct file_tree *tree, const struct layout_list *layouts,
                                                 const char *path, enum channel channel, const char *tag,
                                                 struct diag_list *diags)
{
    struct loader loader = {.tree = tree, .layouts = layouts, .path = path, .diags = diags};
    const struct file_entry *entry = file_tree_find(tree, path);
    struct message_template *template = xcalloc(1, sizeof(*template));
    size_t errors_before = diags->error_count;

    template->channel = channel;
    template->path = xstrdup(path);
    memcpy(template->tag, tag, strlen(tag) + 1);
    if (read_front_matter(&loader, slice_make(entry->data, entry->len))) {
        if (is_blank(loader.parts.body)) {
            diag_add(diags, DIAG_ERROR, path, loader.parts.body_line, 0, NULL, "the template has no body");
        }
        if (channel == CHANNEL_EMAIL) {
            load_email(&loader, template);
        } else {
            check_keys(&loader, sms_keys);
            template->body = compile_body(&loader, TEMPLATE_FORM_PLAIN);
        }
    }
    yaml_destroy(loader.yaml);
    if (diags->error_count > errors_before) {
        message_template_destroy(template);
        return NULL;
    }
    template->reads_event = reads_event(template);
    return template;
}

void message_template_destroy(struct message_template *template)
{
    if (!template) {
        return;
    }
    template_part_destroy(template->subject);
    template_part_destroy(template->preheader);
    template_part_destroy(template->body);
    template_part_destroy(template->text);
    free(template->reply_to);
    free(template->path);
    free(template);
}

void message_template_check_strings(const struct message_template *template, const struct strings *strings,
                                    struct diag_list *diags)
{
    template_part_check_strings(template->subject, strings, template->tag, diags);
    template_part_check_strings(template->preheader, strings, template->tag, diags);
    template_part_check_strings(template->body, strings, template->tag, diags);
    template_part_check_strings(template->text, strings, template->tag, diags);
    if (template->layout) {
        template_part_check_strings(template->layout->html, strings, template->tag, diags);
        template_part_check_strings(template->layout->text, strings, template->tag, diags);
    }
}
