/*
 * Decoding of events, by example: each folder of tests/golden/events/ holds the bytes of a record (`value`; none for a
 * tombstone), optionally its headers (`headers`: one "name: value" a line, \xNN for any byte), and what comes of
 * them (`expected.json`: the event, or reason and detail). GOLDEN_UPDATE=1 rewrites what is expected.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file_tree.h"
#include "base/mem.h"
#include "core/event.h"

#define FOLDER "tests/golden/events"

enum { MOST_HEADERS = 32, RECORD_TIME_MS = 1700000000 };

struct headers {
    struct record_header items[MOST_HEADERS];
    size_t count;
};

/* "a\xffb" to bytes. */
static struct slice unescape(struct slice text)
{
    struct buf bytes;
    size_t len;

    buf_init(&bytes, 0);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte;

        if (i + 4 <= text.len && text.data[i] == '\\' && text.data[i + 1] == 'x' &&
            hex_parse(slice_make(text.data + i + 2, 2), &byte, 1)) {
            buf_append_char(&bytes, (char)byte);
            i += 3;
        } else {
            buf_append_char(&bytes, text.data[i]);
        }
    }
    len = bytes.len;
    return slice_make(buf_take(&bytes), len);
}

static void read_headers(const struct file_entry *file, struct headers *headers)
{
    const char *at = file ? file->data : "";

    headers->count = 0;
    while (*at) {
        size_t line = strcspn(at, "\n");
        size_t name = strcspn(at, ":");

        if (headers->count == MOST_HEADERS || name >= line || at[name + 1] != ' ') {
            fail_msg("%s: not a header: %.*s", file->path, (int)line, at);
        }
        headers->items[headers->count++] = (struct record_header){
            xmemdup(at, name), unescape(slice_make(at + name + 2, line - name - 2))};
        at += line + (at[line] == '\n');
    }
}

static void free_headers(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        free((void *)(uintptr_t)headers->items[i].name);
        free((void *)(uintptr_t)headers->items[i].value.data);
    }
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *describe(const struct event *event)
{
    json_t *json = json_object();

    json_object_set_new(json, "id", text_or_null(event->id));
    json_object_set_new(json, "source", text_or_null(event->source));
    json_object_set_new(json, "type", text_or_null(event->type));
    json_object_set_new(json, "subject", text_or_null(event->subject));
    json_object_set_new(json, "time", text_or_null(event->time));
    json_object_set_new(json, "time_ms", json_integer(event->time_ms));
    json_object_set_new(json, "traceparent", text_or_null(event->traceparent));
    json_object_set_new(json, "member_id", json_string(event->member_id));
    json_object_set(json, "envelope", event_envelope(event));
    json_object_set(json, "data", event->data);
    return json;
}

/* What comes of a record, as the text of expected.json. Caller frees. */
static char *decode(const struct record *record)
{
    const char *reason;
    struct err err = {0};
    struct event event;
    struct buf text;
    json_t *json;
    char *dump;

    if (event_decode(record, &event, &reason, &err)) {
        json = describe(&event);
    } else {
        json = json_pack("{s:s, s:s}", "reason", reason, "detail", err.text);
    }
    event_finish(&event);
    dump = json_dumps(json, JSON_INDENT(2));
    assert_non_null(dump);
    json_decref(json);
    buf_init(&text, 0);
    buf_append_text(&text, dump);
    buf_append_char(&text, '\n');
    free(dump);
    return buf_take(&text);
}

static const struct file_entry *find_file(const struct file_tree *tree, const char *folder,
                                          const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    const struct file_entry *file = file_tree_find(tree, path);

    free(path);
    return file;
}

static void write_expected(const char *folder, const char *text)
{
    char *path = xasprintf("%s/%s/expected.json", FOLDER, folder);
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        fail_msg("cannot write %s", path);
    }
    free(path);
}

static bool check(const struct file_tree *tree, const char *folder)
{
    const struct file_entry *value = find_file(tree, folder, "value");
    const struct file_entry *expected = find_file(tree, folder, "expected.json");
    struct record record = {.topic = "loyalty.events", .timestamp_ms = RECORD_TIME_MS};
    struct headers headers;
    bool is_same;
    char *got;

    read_headers(find_file(tree, folder, "headers"), &headers);
    record.headers = headers.items;
    record.header_count = headers.count;
    if (value) {
        record.value = slice_make(value->data, value->len);
    }
    got = decode(&record);
    is_same = expected && strcmp(expected->data, got) == 0;
    if (!is_same && getenv("GOLDEN_UPDATE")) {
        write_expected(folder, got);
        is_same = true;
    } else if (!is_same) {
        print_error("%s/%s: expected:\n%sgot:\n%s", FOLDER, folder,
                    expected ? expected->data : "(no expected.json)\n", got);
    }
    free_headers(&headers);
    free(got);
    return is_same;
}

static void every_record_decodes_as_expected(void **state)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(FOLDER, &err);
    char folder[256] = "";
    size_t checked = 0, wrong = 0;

    (void)state;
    if (!tree) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < tree->count; i++) {
        char next[sizeof(folder)];

        snprintf(next, sizeof(next), "%.*s", (int)strcspn(tree->entries[i].path, "/"),
                 tree->entries[i].path);
        if (strcmp(next, folder) != 0) {
            memcpy(folder, next, sizeof(folder));
            wrong += !check(tree, folder);
            checked++;
        }
    }
    file_tree_destroy(tree);
    assert_int_equal(wrong, 0);
    assert_true(checked >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_decodes_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
