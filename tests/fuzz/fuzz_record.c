/*
 * Fuzzing of a file of records, one JSON object a line, as capture writes and replay reads it. A line that is taken is a
 * record; written again and read again it is the same one, and then the line stays the same, too.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "core/record_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same_bytes(struct slice a, struct slice b)
{
    return !a.data == !b.data && slice_equal(a, b);
}

static void check_same(const struct record *a, const struct record *b)
{
    assert(strcmp(a->topic, b->topic) == 0 && a->partition == b->partition && a->offset == b->offset);
    assert(a->timestamp_ms == b->timestamp_ms && is_same_bytes(a->key, b->key));
    assert(a->header_count == b->header_count);
    for (size_t i = 0; i < a->header_count; i++) {
        assert(strcmp(a->headers[i].name, b->headers[i].name) == 0);
        assert(is_same_bytes(a->headers[i].value, b->headers[i].value));
    }
}

static bool is_writable(const struct record *record)
{
    bool is_fine = utf8_is_valid(slice_of(record->topic));

    for (size_t i = 0; i < record->header_count; i++) {
        is_fine = is_fine && utf8_is_valid(slice_of(record->headers[i].name));
    }
    return is_fine;
}

/* Writes a record, and reads it again into `line`. */
static void write_and_read(const struct record *record, struct buf *text, struct record_json *line)
{
    struct err err = {0};

    record_json_format(record, text);
    assert(!memchr(buf_text(text), '\n', text->len) && utf8_is_valid(buf_slice(text)));
    assert(record_json_parse(line, buf_slice(text), &err) && line->has_place);
    check_same(record, &line->record);
    assert(!record->value.data == !line->record.value.data);
}

/* The first writing may drop spaces around the value; from then on it stays. */
static void check_written(const struct record *record)
{
    struct record_json first, second, third;
    struct buf text[3];

    for (int i = 0; i < 3; i++) {
        buf_init(&text[i], 0);
    }
    record_json_init(&first);
    record_json_init(&second);
    record_json_init(&third);
    write_and_read(record, &text[0], &first);
    write_and_read(&first.record, &text[1], &second);
    write_and_read(&second.record, &text[2], &third);
    assert(slice_equal(buf_slice(&text[1]), buf_slice(&text[2])));
    assert(slice_equal(second.record.value, third.record.value));
    record_json_finish(&first);
    record_json_finish(&second);
    record_json_finish(&third);
    for (int i = 0; i < 3; i++) {
        buf_finish(&text[i]);
    }
}

static void read_line(struct record_json *line, struct slice text)
{
    struct err err = {0};

    if (!record_json_parse(line, text, &err)) {
        assert(err_is_set(&err));
        return;
    }
    assert(!err_is_set(&err) && line->record.partition >= 0 && line->record.offset >= 0);
    assert(line->record.timestamp_ms >= -1 && (!line->has_place || line->record.topic));
    if (is_writable(&line->record)) {
        check_written(&line->record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make((const char *)data, size);
    struct record_json line;

    record_json_init(&line);
    while (rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;

        read_line(&line, slice_make(rest.data, len));
        rest = slice_make(rest.data + len + (end != NULL), rest.len - len - (end != NULL));
    }
    record_json_finish(&line);
    return 0;
}
