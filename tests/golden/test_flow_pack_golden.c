/*
 * What customers get of the flows in templates/: every sample of every flow, in every language, on both channels, must
 * read as tests/golden/flow_pack/<flow>.<locale>.txt has it. The text of an e-mail stands there whole; its HTML, from
 * which the text is made where none is written, as a digest. GOLDEN_UPDATE=1 rewrites the files: review the diff.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "workers/render/preview.h"
#include "workers/render/print.h"

#define FOLDER "tests/golden/flow_pack"

enum { DIGEST_SHOWN = 8 };

static void add_line(struct buf *out, const char *name, const char *value)
{
    if (value && *value) {
        buf_appendf(out, "%s: %s\n", name, value);
    }
}

static void add_html(struct buf *out, const char *html)
{
    uint8_t digest[DIGEST_SIZE];
    char hex[2 * DIGEST_SHOWN + 1];

    digest_sha256(slice_of(html), digest);
    hex_format(digest, DIGEST_SHOWN, hex);
    buf_appendf(out, "html: %zu bytes, %s\n", strlen(html), hex);
}

static void add_message(struct buf *out, enum channel channel, const struct preview_message *result)
{
    const struct message *message = &result->message;

    buf_appendf(out, "--- %s\n", channel_name(channel));
    add_line(out, "not sent", result->not_sent);
    if (!result->is_rendered) {
        buf_appendf(out, "error: %s: %s\n", result->error.reason, result->error.text);
        return;
    }
    add_line(out, "from", message->from_name);
    add_line(out, "unsubscribe", message->unsubscribe_url);
    add_line(out, "subject", message->subject);
    add_line(out, "preheader", message->preheader);
    if (channel == CHANNEL_SMS) {
        buf_appendf(out, "segments: %d of %d, %s, %d of %d\n", result->size.segments, result->segments_max,
                    print_encoding(&result->size), result->size.units, print_capacity(&result->size));
    } else {
        add_html(out, message->html);
    }
    buf_appendf(out, "\n%s\n\n", message->text);
}

/* False: a message could not be made. */
static bool add_sample(struct buf *out, const struct catalog *catalog, const struct flow *flow, const char *locale,
                       const struct file_entry *sample)
{
    struct event event;
    struct err err = {0};
    bool is_fine = true;

    if (!preview_read_event(slice_make(sample->data, sample->len), &event, &err)) {
        fail_msg("%s: %s", sample->path, err.text);
    }
    buf_appendf(out, "=== %s\n", strrchr(sample->path, '/') + 1);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct preview_message result;

        if (flow->channels[channel].is_on) {
            preview_render(catalog, flow, (enum channel)channel, &event, locale, &result);
            assert_true(result.has_template);
            add_message(out, (enum channel)channel, &result);
            is_fine = is_fine && result.is_rendered;
            preview_message_finish(&result);
        }
    }
    event_finish(&event);
    return is_fine;
}

static void write_file(const char *name, struct slice text)
{
    char *path = xasprintf("%s/%s", FOLDER, name);
    FILE *file = fopen(path, "w");

    if (!file || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0) {
        fail_msg("cannot write %s", path);
    }
    free(path);
}

/* The first line that is another one. */
static void show_difference(const char *name, const char *expected, const char *got)
{
    size_t line = 1;

    while (*expected && *got && strcspn(expected, "\n") == strcspn(got, "\n") &&
           strncmp(expected, got, strcspn(got, "\n")) == 0) {
        expected += strcspn(expected, "\n");
        got += strcspn(got, "\n");
        expected += *expected == '\n';
        got += *got == '\n';
        line++;
    }
    print_error("%s/%s:%zu:\n  expected %.*s\n  got      %.*s\n", FOLDER, name, line, (int)strcspn(expected, "\n"),
                expected, (int)strcspn(got, "\n"), got);
}

static bool check(const struct file_tree *golden, const char *name, struct buf *text)
{
    const struct file_entry *expected = file_tree_find(golden, name);

    if (expected && strcmp(expected->data, buf_text(text)) == 0) {
        return true;
    }
    if (getenv("GOLDEN_UPDATE")) {
        write_file(name, buf_slice(text));
        return true;
    }
    show_difference(name, expected ? expected->data : "", buf_text(text));
    return false;
}

/* A flow or a language that is gone. */
static size_t find_left_over(const struct file_tree *golden, const struct file_tree *seen)
{
    size_t count = 0;

    for (size_t i = 0; i < golden->count; i++) {
        char *path = xasprintf("%s/%s", FOLDER, golden->entries[i].path);

        if (!file_tree_find(seen, golden->entries[i].path) && !(getenv("GOLDEN_UPDATE") && unlink(path) == 0)) {
            print_error("%s: no such flow or language\n", path);
            count++;
        }
        free(path);
    }
    return count;
}

struct totals {
    size_t files, wrong, failed_messages;
};

static void check_flow(struct preview *preview, const char *name, const struct file_tree *golden, struct file_tree *seen,
                       struct totals *totals)
{
    const struct catalog *catalog = preview_find_catalog(preview, name);
    const struct flow *flow = catalog ? catalog_find_flow(catalog, name) : NULL;
    const struct file_entry **samples;
    size_t count;

    assert_non_null(flow);
    samples = preview_samples(preview, name, &count);
    assert_true(count > 0);
    for (const char *const *locale = catalog_locales(catalog, flow, CHANNEL_EMAIL); *locale; locale++) {
        char *file = xasprintf("%s.%s.txt", name, *locale);
        struct buf text;

        buf_init(&text, 0);
        for (size_t i = 0; i < count; i++) {
            totals->failed_messages += !add_sample(&text, catalog, flow, *locale, samples[i]);
        }
        totals->files++;
        totals->wrong += !check(golden, file, &text);
        file_tree_add(seen, file, SLICE(""));
        buf_finish(&text);
        free(file);
    }
    free(samples);
}

static void each_message_of_the_flow_pack_reads_as_expected(void **state)
{
    struct err err = {0};
    struct file_tree *golden = file_tree_read(FOLDER, &err);
    struct file_tree *seen = file_tree_create();
    struct preview *preview = preview_open("templates", "en", &err);
    struct totals totals = {0};

    (void)state;
    assert_non_null(golden);
    assert_non_null(preview);
    assert_true(preview_is_whole(preview));
    for (const char *const *flow = preview_flows(preview); *flow; flow++) {
        check_flow(preview, *flow, golden, seen, &totals);
    }
    print_message("%zu files, %zu differ, %zu messages cannot be made\n", totals.files, totals.wrong,
                  totals.failed_messages);
    assert_true(totals.files > 0);
    assert_int_equal(totals.wrong, 0);
    assert_int_equal(totals.failed_messages, 0);
    assert_int_equal(find_left_over(golden, seen), 0);
    preview_close(preview);
    file_tree_destroy(seen);
    file_tree_destroy(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_of_the_flow_pack_reads_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
