#include "run/parcel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Copies text behind *at, with a NUL, and moves *at. */
static struct slice store_bytes(char **at, const char *data, size_t len)
{
    struct slice copy = slice_make(*at, len);

    if (len) {
        memcpy(*at, data, len);
    }
    (*at)[len] = '\0';
    *at += len + 1;
    return data ? copy : slice_make(NULL, 0);
}

static size_t store_size(const struct kafka_record *from)
{
    size_t size = strlen(from->topic) + 1 + from->key.len + 1 + from->value.len + 1;

    for (size_t i = 0; i < from->header_count; i++) {
        size += strlen(from->headers[i].name) + 1 + from->headers[i].value.len + 1;
    }
    return size;
}

struct parcel *parcel_create(const struct kafka_record *from)
{
    struct parcel *parcel = xcalloc(1, sizeof(*parcel));
    size_t headers_size = from->header_count * sizeof(struct record_header);
    struct record_header *headers;
    char *at;

    parcel->received_us = clock_mono_us();
    parcel->store = xmalloc(headers_size + store_size(from));
    headers = (struct record_header *)(void *)parcel->store;
    at = parcel->store + headers_size;
    parcel->record = (struct record){
        .topic = store_bytes(&at, from->topic, strlen(from->topic)).data,
        .partition = from->partition,
        .offset = from->offset,
        .timestamp_ms = from->timestamp_ms,
        .headers = headers,
        .header_count = from->header_count,
    };
    parcel->record.key = store_bytes(&at, from->key.data, from->key.len);
    parcel->record.value = store_bytes(&at, from->value.data, from->value.len);
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i].name = store_bytes(&at, from->headers[i].name, strlen(from->headers[i].name)).data;
        headers[i].value = store_bytes(&at, from->headers[i].value.data, from->headers[i].value.len);
    }
    return parcel;
}

void parcel_add_tasks(struct parcel *parcel, size_t count)
{
    parcel->tasks = xcalloc(count, sizeof(*parcel->tasks));
    parcel->task_count = parcel->open_tasks = count;
    for (size_t i = 0; i < count; i++) {
        parcel->tasks[i].parcel = parcel;
    }
}

void parcel_forget_plan(struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->task_count; i++) {
        message_finish(&parcel->tasks[i].message);
        loop_timer_destroy(parcel->tasks[i].timer);
        free(parcel->tasks[i].trace);
    }
    free(parcel->tasks);
    event_finish(&parcel->event);
    catalog_unref(parcel->catalog);
    free(parcel->note);
    parcel->tasks = NULL;
    parcel->catalog = NULL;
    parcel->note = NULL;
    parcel->task_count = parcel->open_tasks = 0;
    parcel->is_event = false;
}

void parcel_destroy(struct parcel *parcel)
{
    if (!parcel) {
        return;
    }
    parcel_forget_plan(parcel);
    free(parcel->store);
    free(parcel);
}

size_t parcel_size(const struct parcel *parcel)
{
    return sizeof(*parcel) + parcel->record.value.len * 16 + parcel->task_count * sizeof(struct task);
}

void parcel_origin(const struct parcel *parcel, const char **topic, int32_t *partition, int64_t *offset)
{
    *topic = parcel->note ? parcel->note->topic : parcel->record.topic;
    *partition = parcel->note ? parcel->note->partition : parcel->record.partition;
    *offset = parcel->note ? parcel->note->offset : parcel->record.offset;
}

void task_set_reason(struct task *task, const char *reason)
{
    snprintf(task->reason, sizeof(task->reason), "%s", reason);
}
