#include "io/kafka_consumer_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Only counts where `waiting` is NULL. Returns the bytes of names and values. */
static size_t copy_headers(rd_kafka_headers_t *headers, struct waiting *waiting, char *to, size_t *count)
{
    const char *name;
    const void *value;
    size_t len, sum = 0;

    for (*count = 0; rd_kafka_header_get_all(headers, *count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++*count) {
        size_t name_size = strlen(name) + 1;

        if (waiting) {
            char *at = to + sum;

            memcpy(at, name, name_size);
            if (len > 0) {
                memcpy(at + name_size, value, len);
            }
            waiting->headers[*count] = (struct kafka_header){at, {value ? at + name_size : NULL, len}};
        }
        sum += name_size + len;
    }
    return sum;
}

/* NULL stays NULL: there is a difference between nothing and no value. */
static struct slice copy_bytes(char **to, const void *data, size_t len)
{
    struct slice copy = {data ? *to : NULL, len};

    if (len > 0) {
        memcpy(*to, data, len);
    }
    *to += len;
    return copy;
}

struct waiting *waiting_create(const char *topic, const rd_kafka_message_t *message)
{
    bool is_end = message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    const void *payload = is_end ? NULL : message->payload; /* that of an error is its text */
    size_t len = payload ? message->len : 0;
    rd_kafka_headers_t *headers = NULL;
    size_t count = 0, header_bytes = 0, size;
    struct waiting *waiting;
    char *at;

    if (!is_end && rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        header_bytes = copy_headers(headers, NULL, NULL, &count);
    }
    size = sizeof(*waiting) + count * sizeof(waiting->headers[0]) + header_bytes + message->key_len + len;
    waiting = xmalloc(size);
    at = (char *)&waiting->headers[count];
    *waiting = (struct waiting){.size = size, .is_end = is_end};
    if (count > 0) {
        at += copy_headers(headers, waiting, at, &count);
    }
    waiting->record = (struct kafka_record){
        .topic = topic,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
        .key = copy_bytes(&at, message->key, message->key_len),
        .value = copy_bytes(&at, payload, len),
        .headers = waiting->headers,
        .header_count = count,
    };
    return waiting;
}

void waiting_destroy(struct waiting *waiting)
{
    free(waiting);
}
