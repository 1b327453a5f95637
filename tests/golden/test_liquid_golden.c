/*
 * Liquid cases in JSON: template, data and partials in, text or an error out.
 *
 * tests/golden/liquid/ has our own. An outer collection is read from the path in LIQUID_GOLDEN, or from
 * ../shared/liquid/golden_open.json, and skipped when it is not there. Fields of a case: name, template, data,
 * templates (partials by name), result, results (any of them), invalid (an error is right); ours also have error (text
 * of the error, with its place), escape (HTML) and strict; the tag strict2 of the collection asks for strict too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

struct rendered {
    bool is_fine;
    struct buf out;
    struct buf error; /* file:line:column: message */
};

static bool has_tag(json_t *test, const char *tag)
{
    json_t *tags = json_object_get(test, "tags");

    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (strcmp(json_string_value(json_array_get(tags, i)), tag) == 0) {
            return true;
        }
    }
    return false;
}

static void run_case(json_t *test, struct rendered *r)
{
    json_t *text = json_object_get(test, "template");
    struct liquid_options options = {
        .escape = json_is_true(json_object_get(test, "escape")) ? LIQUID_ESCAPE_HTML : LIQUID_ESCAPE_NONE,
        .is_strict = json_is_true(json_object_get(test, "strict")) || has_tag(test, "strict2"),
        .find_partial = find_partial,
        .list_partials = list_partials,
        .find_arg = json_object_get(test, "templates"),
    };
    struct liquid_scope scope = {
        .data = json_object_get(test, "data"),
        .now_ms = NOW_MS,
        .limits = {.output_bytes = 1 << 20, .depth = 100, .steps = 100000},
    };
    struct diag_list diags;
    struct liquid_error error;
    struct liquid_template *template;

    diag_list_init(&diags);
    buf_init(&r->out, 0);
    buf_init(&r->error, 0);
    template =
        liquid_compile("main", slice_make(json_string_value(text), json_string_length(text)), 1, &options, &diags);
    r->is_fine = template && liquid_render(template, &scope, &r->out, &error);
    if (template && !r->is_fine) {
        buf_appendf(&r->error, "%s:%d:%d: %s", error.file, error.line, error.column, error.message);
    }
    for (size_t i = 0; i < diags.count; i++) {
        diag_format(&diags.items[i], &r->error);
        buf_append_char(&r->error, '\n');
    }
    liquid_destroy(template);
    diag_list_finish(&diags);
}

static bool is_text(json_t *expected, const struct buf *out)
{
    return json_is_string(expected) &&
           slice_equal(slice_make(json_string_value(expected), json_string_length(expected)), buf_slice(out));
}

static bool is_expected(json_t *test, const struct rendered *r)
{
    json_t *results = json_object_get(test, "results");
    json_t *error = json_object_get(test, "error");

    if (error) {
        return !r->is_fine && strstr(buf_text(&r->error), json_string_value(error));
    }
    if (json_is_true(json_object_get(test, "invalid"))) {
        return !r->is_fine;
    }
    for (size_t i = 0; r->is_fine && i < json_array_size(results); i++) {
        if (is_text(json_array_get(results, i), &r->out)) {
            return true;
        }
    }
    return r->is_fine && is_text(json_object_get(test, "result"), &r->out);
}

static void print_failure(json_t *test, const struct rendered *r)
{
    char *expected = json_dumps(test, JSON_COMPACT);

    print_message("FAILED: %s\n  case: %s\n  got:  %s%s\n", json_string_value(json_object_get(test, "name")), expected,
                  buf_text(&r->out), buf_text(&r->error));
    free(expected);
}

/* Number of cases in the file; every failing one is named. */
static size_t run_file(const char *path, size_t *failed)
{
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    json_t *tests = json_object_get(file, "tests");
    size_t count = json_array_size(tests);

    if (!file) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    for (size_t i = 0; i < count; i++) {
        struct rendered r;

        run_case(json_array_get(tests, i), &r);
        if (!is_expected(json_array_get(tests, i), &r)) {
            print_failure(json_array_get(tests, i), &r);
            ++*failed;
        }
        buf_finish(&r.out);
        buf_finish(&r.error);
    }
    json_decref(file);
    return count;
}

static void our_own_cases_render_as_expected(void **state)
{
    static const char folder[] = "tests/golden/liquid";
    DIR *dir = opendir(folder);
    size_t failed = 0;
    size_t count = 0;
    struct dirent *entry;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[512];

        if (slice_ends_with(slice_of(entry->d_name), ".json")) {
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            count += run_file(path, &failed);
        }
    }
    closedir(dir);
    print_message("%zu cases of our own, %zu failed\n", count, failed);
    assert_true(count > 0);
    assert_int_equal(failed, 0);
}

static void the_open_collection_renders_as_expected(void **state)
{
    const char *path = getenv("LIQUID_GOLDEN");
    size_t failed = 0;
    size_t count;

    (void)state;
    path = path ? path : "../shared/liquid/golden_open.json";
    if (access(path, R_OK) != 0) {
        skip();
    }
    count = run_file(path, &failed);
    print_message("%zu cases of the collection, %zu failed\n", count, failed);
    assert_true(count > 0);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_cases_render_as_expected),
        cmocka_unit_test(the_open_collection_renders_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
