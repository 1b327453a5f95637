#include "core/record.h"

#include <string.h>

#include "base/mem.h"

const struct record_header *record_find_header(const struct record *record, const char *name)
{
    for (size_t i = record->header_count; i > 0; i--) {
        if (strcmp(record->headers[i - 1].name, name) == 0) {
            return &record->headers[i - 1];
        }
    }
    return NULL;
}

/* Copies bytes to *at, with a NUL behind them, and moves *at. What is NULL stays NULL. */
static struct slice put(char **at, struct slice bytes)
{
    struct slice copy = slice_make(bytes.data ? *at : NULL, bytes.len);

    if (bytes.len) {
        memcpy(*at, bytes.data, bytes.len);
    }
    (*at)[bytes.len] = '\0';
    *at += bytes.len + 1;
    return copy;
}

struct record *record_copy(const struct record *record)
{
    size_t size = sizeof(*record) + record->header_count * sizeof(*record->headers) + strlen(record->topic) + 1 +
                  record->key.len + 1 + record->value.len + 1;
    struct record_header *headers;
    struct record *copy;
    char *at;

    for (size_t i = 0; i < record->header_count; i++) {
        size += strlen(record->headers[i].name) + 1 + record->headers[i].value.len + 1;
    }
    copy = xmalloc(size);
    headers = (struct record_header *)(void *)(copy + 1);
    at = (char *)(headers + record->header_count);
    *copy = *record;
    copy->headers = headers;
    copy->topic = put(&at, slice_of(record->topic)).data;
    copy->key = put(&at, record->key);
    copy->value = put(&at, record->value);
    for (size_t i = 0; i < record->header_count; i++) {
        headers[i].name = put(&at, slice_of(record->headers[i].name)).data;
        headers[i].value = put(&at, record->headers[i].value);
    }
    return copy;
}
