#include "tests/fuzz/record_input.h"

#include <stdlib.h>

#include "base/mem.h"

static void add_header(struct record_input *input, struct slice line)
{
    const char *colon = memchr(line.data, ':', line.len);
    size_t name_len = colon ? (size_t)(colon - line.data) : line.len;
    size_t value_at = name_len + 2 <= line.len ? name_len + 2 : line.len;

    input->headers[input->record.header_count++] = (struct record_header){
        xmemdup(line.data, name_len), slice_make(line.data + value_at, line.len - value_at)};
}

void record_input_split(struct record_input *input, const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;

    input->record = (struct record){.topic = "loyalty.events", .timestamp_ms = 1, .headers = input->headers};
    while (size > 0 && input->record.header_count < RECORD_INPUT_MOST_HEADERS) {
        const char *end = memchr(at, '\n', size);
        size_t len = end ? (size_t)(end - at) : size;
        size_t taken = len + (end != NULL);

        if (len > 0) {
            add_header(input, slice_make(at, len));
        }
        at += taken;
        size -= taken;
        if (len == 0) {
            break;
        }
    }
    input->record.value = slice_make(at, size);
}

void record_input_finish(struct record_input *input)
{
    for (size_t i = 0; i < input->record.header_count; i++) {
        free((char *)(uintptr_t)input->headers[i].name);
    }
}
