#include "core/template_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "core/html_context.h"
#include "core/html_text.h"
#include "core/message_filters.h"

/* How partials are found while one part is compiled. */
struct compile {
    const struct file_tree *tree;
    enum template_form form;
    struct string_uses *uses;
    char **names;      /* of the partials found so far */
    struct buf *texts; /* their converted forms */
    size_t count;
    char *listed; /* the name that list_partials() gave last */
};

static char *partial_path(const char *name)
{
    return xasprintf("_partials/%s.liquid", name);
}

static struct slice entry_text(const struct file_entry *entry)
{
    return slice_make(entry->data, entry->len);
}

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    struct compile *compile = arg;
    char *path = partial_path(name);
    const struct file_entry *entry = file_tree_find(compile->tree, path);
    size_t i = 0;

    while (entry && i < compile->count && strcmp(compile->names[i], name) != 0) {
        i++;
    }
    if (entry && i == compile->count) {
        string_uses_scan(compile->uses, path, entry_text(entry), 1);
        compile->names = xreallocarray(compile->names, i + 1, sizeof(*compile->names));
        compile->texts = xreallocarray(compile->texts, i + 1, sizeof(*compile->texts));
        compile->names[i] = xstrdup(name);
        buf_init(&compile->texts[i], 0);
        if (compile->form == TEMPLATE_FORM_TEXT_OF_HTML) {
            html_text_convert(entry_text(entry), &compile->texts[i]);
        }
        compile->count++;
    }
    if (entry) {
        *text = compile->form == TEMPLATE_FORM_TEXT_OF_HTML ? buf_slice(&compile->texts[i]) : entry_text(entry);
    }
    free(path);
    return entry != NULL;
}

/* Name of a file of `_partials`, NULL when the path is none. Caller frees. */
static char *partial_name(const char *text)
{
    struct slice path = slice_of(text);

    if (!slice_starts_with(path, "_partials/") || !slice_ends_with(path, ".liquid")) {
        return NULL;
    }
    return xmemdup(path.data + 10, path.len - 10 - 7);
}

static const char *list_partials(void *arg, size_t index)
{
    struct compile *compile = arg;

    for (size_t i = 0; i < compile->tree->count; i++) {
        free(compile->listed);
        compile->listed = partial_name(compile->tree->entries[i].path);
        if (compile->listed && index-- == 0) {
            return compile->listed;
        }
    }
    return NULL;
}

/* The partial that was probably meant, from the folder's names. Caller frees; NULL when none is near. */
static char *nearest_partial(const struct file_tree *tree, const char *name)
{
    char *meant = NULL;
    size_t least = NEAREST_MOST_DISTANCE + 1;

    for (size_t i = 0; i < tree->count; i++) {
        char *candidate = partial_name(tree->entries[i].path);
        size_t distance = candidate ? nearest_distance(name, candidate) : least;

        if (distance < least) {
            least = distance;
            free(meant);
            meant = candidate;
        } else {
            free(candidate);
        }
    }
    return meant;
}

/* The compiler calls partials by their names; people know files. Text that was derived has no lines to point at. */
static void mend_places(const struct compile *compile, const struct template_source *source, struct diag_list *diags,
                        size_t first)
{
    for (size_t i = first; i < diags->count; i++) {
        struct diag *diag = &diags->items[i];

        if (strcmp(diag->file, source->path) != 0) {
            char *path = partial_path(diag->file);

            free(diag->file);
            diag->file = path;
        }
        if (compile->form == TEMPLATE_FORM_TEXT_OF_HTML) {
            char *message = xasprintf("no text part can be made of the HTML: %s", diag->message);

            free(diag->message);
            diag->message = message;
            free(diag->hint);
            diag->hint = xstrdup("write one of its own, <channel>.<locale>.text.liquid");
            diag->line = diag->column = 0;
        }
    }
}

static void hint_partials(const struct compile *compile, struct diag_list *diags, size_t first)
{
    for (size_t i = first; i < diags->count; i++) {
        struct diag *diag = &diags->items[i];
        const char *quote = strstr(diag->message, "partial");
        const char *start = quote ? strpbrk(quote, "'\"") : NULL;
        const char *end = start ? strchr(start + 1, *start) : NULL;
        char *name, *meant;

        if (!end || diag->hint) {
            continue;
        }
        name = xmemdup(start + 1, (size_t)(end - start) - 1);
        meant = nearest_partial(compile->tree, name);
        if (meant) {
            diag->hint = xasprintf("did you mean '%s'?", meant);
        }
        free(meant);
        free(name);
    }
}

static struct liquid_template *compile_source(struct compile *compile, const struct template_source *source,
                                              struct diag_list *diags)
{
    struct liquid_options options = {
        .escape = source->form == TEMPLATE_FORM_HTML ? LIQUID_ESCAPE_HTML : LIQUID_ESCAPE_NONE,
        .surroundings = source->form == TEMPLATE_FORM_HTML ? &html_context_surroundings : NULL,
        .is_strict = true,
        .filters = message_filters,
        .find_partial = find_partial,
        .list_partials = list_partials,
        .find_arg = compile,
    };
    size_t first = diags->count;
    struct liquid_template *template;
    struct buf text;

    buf_init(&text, 0);
    if (source->form == TEMPLATE_FORM_TEXT_OF_HTML) {
        html_text_convert(source->text, &text);
    }
    template =
        liquid_compile(source->path, source->form == TEMPLATE_FORM_TEXT_OF_HTML ? buf_slice(&text) : source->text,
                       source->first_line, &options, diags);
    buf_finish(&text);
    hint_partials(compile, diags, first);
    mend_places(compile, source, diags, first);
    return template;
}

static void note_event(void *arg, const struct liquid_variable *variable)
{
    struct template_part *part = arg;

    if (strncmp(variable->path, "event", 5) == 0) {
        part->reads_event = true;
    }
}

struct template_part *template_part_create(const struct file_tree *tree, const struct template_source *source,
                                           struct diag_list *diags)
{
    struct template_part *part = xcalloc(1, sizeof(*part));
    struct compile compile = {.tree = tree, .form = source->form, .uses = &part->uses};

    part->path = xstrdup(source->path);
    part->form = source->form;
    string_uses_init(&part->uses);
    string_uses_scan(&part->uses, source->path, source->text, source->first_line);
    part->template = compile_source(&compile, source, diags);
    for (size_t i = 0; i < compile.count; i++) {
        free(compile.names[i]);
        buf_finish(&compile.texts[i]);
    }
    free(compile.listed);
    free(compile.names);
    free(compile.texts);
    if (!part->template) {
        template_part_destroy(part);
        return NULL;
    }
    liquid_each_variable(part->template, note_event, part);
    return part;
}

void template_part_destroy(struct template_part *part)
{
    if (!part) {
        return;
    }
    liquid_destroy(part->template);
    string_uses_finish(&part->uses);
    free(part->path);
    free(part);
}

void template_part_check_strings(const struct template_part *part, const struct strings *strings, const char *tag,
                                 struct diag_list *diags)
{
    for (size_t i = 0; part && i < part->uses.count; i++) {
        const struct string_use *use = &part->uses.items[i];
        const char *meant;
        char *hint;

        if (strings_find(strings, slice_of(use->key))) {
            continue;
        }
        meant = strings ? nearest_find(use->key, strings_keys(strings)) : NULL;
        hint = meant ? xasprintf("did you mean '%s'?", meant) : NULL;
        diag_add(diags, DIAG_ERROR, use->file, use->line, use->column, hint, "no text '%s' in _strings for locale '%s'",
                 use->key, tag);
        free(hint);
    }
}

bool template_part_render(const struct template_part *part, const struct liquid_scope *scope, struct buf *out,
                          struct liquid_error *error, char *text, size_t size)
{
    bool is_own;

    if (liquid_render(part->template, scope, out, error)) {
        return true;
    }
    is_own = strcmp(error->file, part->path) == 0;
    if (part->form == TEMPLATE_FORM_TEXT_OF_HTML) {
        snprintf(text, size, "%s%s%s (text part): %s", is_own ? "" : "_partials/", error->file, is_own ? "" : ".liquid",
                 error->message);
    } else {
        snprintf(text, size, "%s%s%s:%d:%d: %s", is_own ? "" : "_partials/", error->file, is_own ? "" : ".liquid",
                 error->line, error->column, error->message);
    }
    return false;
}
