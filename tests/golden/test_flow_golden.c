/*
 * From an event to the messages a member gets: tests/golden/flows/events/<case>.json, rendered with the folder
 * tests/golden/flows/templates by every flow and channel that the event asks for, must give exactly <case>.expected.
 * GOLDEN_UPDATE=1 rewrites the expected files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file_tree.h"
#include "core/catalog.h"

static const char templates_dir[] = "tests/golden/flows/templates";
static const char events_dir[] = "tests/golden/flows/events";

static struct file_tree *read_tree(const char *dir)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(dir, &err);

    if (!tree) {
        fail_msg("%s", err.text);
    }
    return tree;
}

static struct catalog *build(const struct file_tree *tree)
{
    struct diag_list diags;
    struct catalog *catalog;
    struct buf all;

    buf_init(&all, 0);
    diag_list_init(&diags);
    catalog = catalog_build(tree, &(struct catalog_options){"en"}, &diags);
    for (size_t i = 0; i < diags.count; i++) {
        diag_format(&diags.items[i], &all);
        buf_append_char(&all, '\n');
    }
    if (all.len) {
        fail_msg("%s", buf_text(&all));
    }
    buf_finish(&all);
    diag_list_finish(&diags);
    return catalog;
}

static void dump_field(struct buf *out, const char *name, const char *value)
{
    if (value) {
        buf_appendf(out, "%s: %s\n", name, value);
    }
}

static void dump_message(const struct message *message, struct buf *out)
{
    dump_field(out, "locale", message->locale);
    dump_field(out, "class", flow_class_name(message->class));
    dump_field(out, "to", message->to);
    dump_field(out, "to_name", message->to_name);
    dump_field(out, "from", message->from_address);
    dump_field(out, "from_name", message->from_name);
    dump_field(out, "reply_to", message->reply_to);
    dump_field(out, "unsubscribe_url", message->unsubscribe_url);
    dump_field(out, "sms_sender", message->sms_sender);
    dump_field(out, "subject", message->subject);
    if (message->channel == CHANNEL_SMS) {
        buf_appendf(out, "segments: %d%s\n", message->segments, message->is_unicode ? " (UCS-2)" : "");
    }
    buf_appendf(out, "--- text\n%s\n", message->text);
    if (message->html) {
        buf_appendf(out, "--- html\n%s\n", message->html);
    }
}

static void render_all(const struct catalog *catalog, const struct file_entry *file, struct buf *out)
{
    struct record record = {.topic = "", .timestamp_ms = -1, .value = slice_make(file->data, file->len)};
    struct event event = {0};
    const struct flow *const *flows;
    const char *reason;
    struct err err = {0};
    size_t count;

    if (!event_decode(&record, &event, &reason, &err)) {
        fail_msg("%s: %s", file->path, err.text);
    }
    flows = catalog_find_by_type(catalog, event.type, &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            struct message message;
            struct render_error error;

            if (!flows[i]->channels[channel].is_on) {
                continue;
            }
            buf_appendf(out, "=== %s %s\n", flows[i]->name, channel_name((enum channel)channel));
            if (catalog_render(catalog, flows[i], (enum channel)channel, &event, NULL, &message, &error)) {
                dump_message(&message, out);
                message_finish(&message);
            } else {
                buf_appendf(out, "error: %s\n%s\n", error.reason, error.text);
            }
        }
    }
    event_finish(&event);
}

static void write_file(const char *path, struct slice text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static void check_case(const struct file_tree *events, const struct catalog *catalog, const struct file_entry *file)
{
    const struct file_entry *expected;
    char name[256], path[512];
    struct buf out;

    snprintf(name, sizeof(name), "%.*s.expected", (int)(strlen(file->path) - strlen(".json")), file->path);
    snprintf(path, sizeof(path), "%s/%s", events_dir, name);
    buf_init(&out, 0);
    render_all(catalog, file, &out);
    expected = file_tree_find(events, name);
    if (getenv("GOLDEN_UPDATE")) {
        write_file(path, buf_slice(&out));
    } else if (!expected) {
        fail_msg("%s is not there; GOLDEN_UPDATE=1 writes it", path);
    } else if (!slice_equal(buf_slice(&out), slice_make(expected->data, expected->len))) {
        fail_msg("%s differs; this was rendered:\n%s", path, buf_text(&out));
    }
    buf_finish(&out);
}

static void every_event_gives_the_expected_messages(void **state)
{
    struct file_tree *templates = read_tree(templates_dir);
    struct file_tree *events = read_tree(events_dir);
    struct catalog *catalog = build(templates);
    size_t cases = 0;

    (void)state;
    file_tree_destroy(templates); /* a catalog keeps nothing of the folder it was made of */
    for (size_t i = 0; i < events->count; i++) {
        if (slice_ends_with(slice_of(events->entries[i].path), ".json")) {
            check_case(events, catalog, &events->entries[i]);
            cases++;
        }
    }
    assert_true(cases >= 14);
    catalog_unref(catalog);
    file_tree_destroy(events);
}

static void every_expected_file_has_its_event(void **state)
{
    struct file_tree *events = read_tree(events_dir);

    (void)state;
    for (size_t i = 0; i < events->count; i++) {
        struct slice path = slice_of(events->entries[i].path);
        char name[256];

        if (slice_ends_with(path, ".expected")) {
            snprintf(name, sizeof(name), "%.*s.json", (int)(path.len - strlen(".expected")), path.data);
            assert_non_null(file_tree_find(events, name));
        }
    }
    file_tree_destroy(events);
}

/* What marketing owns changes without a golden file; but it must be free of faults, and every sample must make all the
 * messages that its flow can send. */
static void the_shipped_templates_render_every_sample(void **state)
{
    struct file_tree *templates = read_tree("templates");
    struct catalog *catalog = build(templates);
    size_t cases = 0;

    (void)state;
    for (size_t i = 0; i < templates->count; i++) {
        const struct file_entry *file = &templates->entries[i];
        struct buf out;

        if (!strstr(file->path, "/samples/")) {
            continue;
        }
        buf_init(&out, 0);
        render_all(catalog, file, &out);
        if (strstr(buf_text(&out), "\nerror: ")) {
            fail_msg("%s:\n%s", file->path, buf_text(&out));
        }
        buf_finish(&out);
        cases++;
    }
    assert_true(cases > 0);
    catalog_unref(catalog);
    file_tree_destroy(templates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_gives_the_expected_messages),
        cmocka_unit_test(every_expected_file_has_its_event),
        cmocka_unit_test(the_shipped_templates_render_every_sample),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
