/*
 * liquid_batch: renders a batch of cases with our engine, for comparing engines.
 *
 * Cases are JSON lines on standard input: template, data, partials (by name). For each, in that order, standard output
 * gets "<status> <length>\n", the text of that many bytes, and a line end. Status: ok (the text is the output), compile
 * or render (the text is the error).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/die.h"
#include "core/liquid/liquid.h"

/* 2026-11-21T10:00:00Z, the "now" of all cases. */
static const int64_t NOW_MS = INT64_C(1795255200000);

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    json_t *found = json_object_get(arg, name);

    *text = slice_make(json_string_value(found), json_string_length(found));
    return found != NULL;
}

static const char *list_partials(void *arg, size_t index)
{
    void *iter = json_object_iter(arg);

    while (iter && index-- > 0) {
        iter = json_object_iter_next(arg, iter);
    }
    return iter ? json_object_iter_key(iter) : NULL;
}

static void print_result(const char *status, struct slice text)
{
    printf("%s %zu\n", status, text.len);
    fwrite(text.data, 1, text.len, stdout);
    putchar('\n');
}

static void print_diags(const struct diag_list *diags)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            diag_format(&diags->items[i], &text);
            buf_append_char(&text, '\n');
        }
    }
    print_result("compile", buf_slice(&text));
    buf_finish(&text);
}

static void render(const struct liquid_template *template, json_t *data)
{
    const struct liquid_scope scope = {
        .data = data,
        .now_ms = NOW_MS,
        .limits = {.output_bytes = 4 << 20, .depth = 100, .steps = 1000000},
    };
    struct liquid_error error;
    struct buf out;

    buf_init(&out, 0);
    if (liquid_render(template, &scope, &out, &error)) {
        print_result("ok", slice_make(buf_text(&out), out.len));
    } else {
        print_result("render", slice_of(error.message));
    }
    buf_finish(&out);
}

static void run_case(json_t *test)
{
    json_t *text = json_object_get(test, "template");
    const struct liquid_options options = {
        .find_partial = find_partial,
        .list_partials = list_partials,
        .find_arg = json_object_get(test, "partials"),
    };
    struct diag_list diags;
    struct liquid_template *template;

    diag_list_init(&diags);
    template =
        liquid_compile("main", slice_make(json_string_value(text), json_string_length(text)), 1, &options, &diags);
    if (template) {
        render(template, json_object_get(test, "data"));
    } else {
        print_diags(&diags);
    }
    liquid_destroy(template);
    diag_list_finish(&diags);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_error_t error;
        json_t *test = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, &error);

        if (!test) {
            die("not JSON: %s: %s", error.text, line);
        }
        run_case(test);
        json_decref(test);
    }
    free(line);
    return 0;
}
