#include "workers/render/raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file_tree.h"
#include "base/mem.h"
#include "core/liquid/liquid.h"
#include "workers/render/input.h"

static const struct liquid_limits plain_limits = {.output_bytes = 16 << 20, .depth = 100, .steps = 1000000};

/* How a partial's file may be called, by its name. */
static const char *const patterns[] = {"%s.liquid", "_%s.liquid", "%s", NULL};

/* --- partials ----------------------------------------------------------------------------------------------------- */

struct partials {
    const char *dir;
    struct file_tree *tree; /* NULL: there are none */
    char **names;           /* of every file that can be one */
    size_t count;
};

/* "sub/card" as "sub/_card.liquid". Caller frees. */
static char *make_path(const char *pattern, const char *name)
{
    const char *slash = strrchr(name, '/');
    int folder_len = slash ? (int)(slash - name) + 1 : 0;
    const char *base = name + folder_len;
    const char *mark = strstr(pattern, "%s");

    return xasprintf("%.*s%.*s%s%s", folder_len, name, (int)(mark - pattern), pattern, base, mark + 2);
}

static const struct file_entry *find_file(const struct partials *partials, const char *name)
{
    const struct file_entry *found = NULL;

    for (size_t i = 0; partials->tree && !found && patterns[i]; i++) {
        char *path = make_path(patterns[i], name);

        found = file_tree_find(partials->tree, path);
        free(path);
    }
    return found;
}

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    const struct file_entry *file = find_file(arg, name);

    if (file) {
        *text = slice_make(file->data, file->len);
    }
    return file != NULL;
}

static const char *list_partials(void *arg, size_t index)
{
    const struct partials *partials = arg;

    return index < partials->count ? partials->names[index] : NULL;
}

static bool open_partials(struct partials *partials, const char *dir, struct err *err)
{
    *partials = (struct partials){.dir = dir};
    if (!dir) {
        return true;
    }
    partials->tree = file_tree_read(dir, err);
    if (!partials->tree) {
        return false;
    }
    partials->names = xcalloc(partials->tree->count + 1, sizeof(*partials->names));
    for (size_t i = 0; i < partials->tree->count; i++) {
        struct slice path = slice_of(partials->tree->entries[i].path);

        if (slice_ends_with(path, ".liquid")) {
            partials->names[partials->count++] = xmemdup(path.data, path.len - strlen(".liquid"));
        }
    }
    return true;
}

static void close_partials(struct partials *partials)
{
    for (size_t i = 0; i < partials->count; i++) {
        free(partials->names[i]);
    }
    free(partials->names);
    file_tree_destroy(partials->tree);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* New reference; NULL: it said why. */
static json_t *read_data(const char *path)
{
    struct err err = {0};
    json_error_t error;
    json_t *json;
    size_t len;
    char *text;

    if (!path) {
        return json_object();
    }
    text = input_read(path, &len, &err);
    if (!text) {
        fprintf(stderr, "%s\n", err.text);
        return NULL;
    }
    json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json) {
        fprintf(stderr, "%s:%d:%d: %s\n", input_name(path), error.line, error.column, error.text);
    } else if (!json_is_object(json)) {
        fprintf(stderr, "%s:1:1: the data must be an object\n", input_name(path));
        json_decref(json);
        json = NULL;
    }
    free(text);
    return json;
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

/* What is rendered, and how. The engine knows the template and its partials by name; people know files. */
struct job {
    const char *path; /* of the template, as it was given */
    const struct partials *partials;
    bool is_strict;
};

static void print_place(const struct job *job, const char *file, int line, int column)
{
    const struct file_entry *partial = strcmp(file, "") ? find_file(job->partials, file) : NULL;

    if (partial) {
        fprintf(stderr, "%s/%s:%d:%d: ", job->partials->dir, partial->path, line, column);
    } else {
        fprintf(stderr, "%s:%d:%d: ", input_name(job->path), line, column);
    }
}

static void print_diags(const struct job *job, const struct diag_list *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *diag = &diags->items[i];

        if (diag->severity == DIAG_ERROR) {
            print_place(job, diag->file, diag->line, diag->column > 0 ? diag->column : 1);
            fprintf(stderr, "%s%s%s%s\n", diag->message, diag->hint ? " (" : "", diag->hint ? diag->hint : "",
                    diag->hint ? ")" : "");
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

static bool render(const struct job *job, struct slice text, json_t *data, struct buf *out)
{
    const struct liquid_options options = {
        .escape = LIQUID_ESCAPE_NONE,
        .is_strict = job->is_strict,
        .find_partial = find_partial,
        .list_partials = list_partials,
        .find_arg = (void *)(uintptr_t)job->partials,
    };
    const struct liquid_scope scope = {.data = data, .now_ms = clock_wall_ms(), .limits = plain_limits};
    struct liquid_template *template;
    struct liquid_error error;
    struct diag_list diags;
    bool is_fine;

    diag_list_init(&diags);
    template = liquid_compile("", text, 1, &options, &diags);
    is_fine = template && liquid_render(template, &scope, out, &error);
    if (!template) {
        print_diags(job, &diags);
    } else if (!is_fine) {
        print_place(job, error.file, error.line, error.column);
        fprintf(stderr, "%s\n", error.message);
    }
    liquid_destroy(template);
    diag_list_finish(&diags);
    return is_fine;
}

static bool render_file(const struct job *job, json_t *data)
{
    struct err err = {0};
    struct buf out;
    size_t len;
    char *text = input_read(job->path, &len, &err);
    bool is_fine;

    if (!text) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    buf_init(&out, 0);
    is_fine = render(job, slice_make(text, len), data, &out);
    if (is_fine && (fwrite(buf_text(&out), 1, out.len, stdout) != out.len || fflush(stdout) != 0)) {
        perror("perkline render: standard output");
        is_fine = false;
    }
    buf_finish(&out);
    free(text);
    return is_fine;
}

int raw_render(const char *template, const char *data, const char *partials_dir, bool is_strict)
{
    struct partials partials;
    struct err err = {0};
    json_t *json = read_data(data);
    bool is_fine = false;

    if (json && !open_partials(&partials, partials_dir, &err)) {
        fprintf(stderr, "%s\n", err.text);
    } else if (json) {
        is_fine = render_file(&(struct job){template, &partials, is_strict}, json);
        close_partials(&partials);
    }
    json_decref(json);
    return is_fine ? 0 : 1;
}
