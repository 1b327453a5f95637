/*
 * bench_liquid: time per render of our engine, for comparing engines (run.sh).
 *
 *   bench_liquid FIXTURE SECONDS     prints "<microseconds of CPU per render> <bytes of output>"
 *   bench_liquid FIXTURE 0           prints the output
 *
 * FIXTURE is a folder with data.json and a folder templates, of which index.liquid is rendered. Compiled once, with the
 * data parsed once; a round renders as often as fits into SECONDS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/file_tree.h"
#include "base/mem.h"
#include "core/liquid/liquid.h"

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    char *path = xasprintf("templates/%s%s", name, slice_ends_with(slice_of(name), ".liquid") ? "" : ".liquid");
    const struct file_entry *file = file_tree_find(arg, path);

    if (file) {
        *text = slice_make(file->data, file->len);
    }
    free(path);
    return file != NULL;
}

static struct liquid_template *compile(struct file_tree *tree)
{
    const struct liquid_options options = {.find_partial = find_partial, .find_arg = tree};
    struct diag_list diags;
    struct liquid_template *template;
    struct slice text;

    if (!find_partial(tree, "index", &text)) {
        die("there is no templates/index.liquid");
    }
    diag_list_init(&diags);
    template = liquid_compile("index", text, 1, &options, &diags);
    if (!template) {
        die("%d: %s", diags.items[0].line, diags.items[0].message);
    }
    diag_list_finish(&diags);
    return template;
}

static json_t *read_data(struct file_tree *tree)
{
    const struct file_entry *file = file_tree_find(tree, "data.json");
    json_t *data = file ? json_loadb(file->data, file->len, 0, NULL) : NULL;

    if (!data) {
        die("there is no data.json, or it is not JSON");
    }
    return data;
}

static void render(const struct liquid_template *template, json_t *data, struct buf *out)
{
    const struct liquid_scope scope = {
        .data = data,
        .now_ms = clock_wall_ms(),
        .limits = {.output_bytes = 1 << 20, .depth = 100, .steps = 1000000},
    };
    struct liquid_error error;

    out->len = 0;
    if (!liquid_render(template, &scope, out, &error)) {
        die("%s:%d: %s", error.file, error.line, error.message);
    }
}

/* Of the process: what else the machine does is not in it. */
static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void measure(const struct liquid_template *template, json_t *data, double seconds, struct buf *out)
{
    int64_t start = cpu_us();
    int64_t end = start + (int64_t)(seconds * 1e6);
    int64_t count = 0;
    int64_t now;

    do {
        for (int i = 0; i < 100; i++) {
            render(template, data, out);
        }
        count += 100;
        now = cpu_us();
    } while (now < end);
    printf("%.3f %zu\n", (double)(now - start) / (double)count, out->len);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct file_tree *tree;
    struct liquid_template *template;
    struct buf out;
    json_t *data;

    if (argc != 3) {
        die("usage: bench_liquid FIXTURE SECONDS");
    }
    tree = file_tree_read(argv[1], &err);
    if (!tree) {
        die("%s", err.text);
    }
    template = compile(tree);
    data = read_data(tree);
    buf_init(&out, 0);
    render(template, data, &out);
    if (strcmp(argv[2], "0") == 0) {
        fwrite(out.data, 1, out.len, stdout);
    } else {
        measure(template, data, strtod(argv[2], NULL), &out);
    }
    buf_finish(&out);
    json_decref(data);
    liquid_destroy(template);
    file_tree_destroy(tree);
    return 0;
}
