#include "workers/sandbox/inbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct inbox {
    struct inbox_message *ring; /* message `id` stands at id % cap */
    size_t cap;                 /* grows up to most_messages */
    size_t most_messages;
    uint64_t oldest;
    uint64_t next;
    size_t body_bytes;
    size_t most_body_bytes;
    uint64_t oldest_with_body; /* no older message has one */
};

enum { CAP_AT_FIRST = 256 };

struct inbox *inbox_create(size_t most_messages, size_t most_body_bytes)
{
    struct inbox *inbox = xcalloc(1, sizeof(*inbox));

    assert(most_messages > 0);
    inbox->most_messages = most_messages;
    inbox->most_body_bytes = most_body_bytes;
    inbox->cap = most_messages < CAP_AT_FIRST ? most_messages : CAP_AT_FIRST;
    inbox->ring = xcalloc(inbox->cap, sizeof(*inbox->ring));
    inbox->oldest = 1;
    inbox->next = 1;
    inbox->oldest_with_body = 1;
    return inbox;
}

static struct inbox_message *place(const struct inbox *inbox, uint64_t id)
{
    return &inbox->ring[id % inbox->cap];
}

static void drop_body(struct inbox *inbox, struct inbox_message *message)
{
    if (message->body) {
        inbox->body_bytes -= message->body_len;
        free(message->body);
        message->body = NULL;
    }
}

static void drop_oldest(struct inbox *inbox)
{
    struct inbox_message *message = place(inbox, inbox->oldest);

    drop_body(inbox, message);
    free(message->mid);
    free(message->tags);
    free(message->to);
    free(message->from);
    free(message->subject);
    free(message->head);
    *message = (struct inbox_message){0};
    inbox->oldest++;
    if (inbox->oldest_with_body < inbox->oldest) {
        inbox->oldest_with_body = inbox->oldest;
    }
}

void inbox_clear(struct inbox *inbox)
{
    while (inbox->oldest < inbox->next) {
        drop_oldest(inbox);
    }
}

void inbox_destroy(struct inbox *inbox)
{
    if (inbox) {
        inbox_clear(inbox);
        free(inbox->ring);
        free(inbox);
    }
}

static void grow(struct inbox *inbox)
{
    struct inbox bigger = *inbox;

    bigger.cap = inbox->cap * 2 < inbox->most_messages ? inbox->cap * 2 : inbox->most_messages;
    bigger.ring = xcalloc(bigger.cap, sizeof(*bigger.ring));
    for (uint64_t id = inbox->oldest; id < inbox->next; id++) {
        *place(&bigger, id) = *place(inbox, id);
    }
    free(inbox->ring);
    *inbox = bigger;
}

const struct inbox_message *inbox_add(struct inbox *inbox, const struct inbox_message *message)
{
    struct inbox_message *added;

    if (inbox->next - inbox->oldest == inbox->cap) {
        if (inbox->cap < inbox->most_messages) {
            grow(inbox);
        } else {
            drop_oldest(inbox);
        }
    }
    added = place(inbox, inbox->next);
    *added = *message;
    added->id = inbox->next++;
    inbox->body_bytes += added->body ? added->body_len : 0;
    while (inbox->body_bytes > inbox->most_body_bytes) {
        drop_body(inbox, place(inbox, inbox->oldest_with_body++));
    }
    return added;
}

const struct inbox_message *inbox_find(const struct inbox *inbox, uint64_t id)
{
    return id >= inbox->oldest && id < inbox->next ? place(inbox, id) : NULL;
}

uint64_t inbox_oldest(const struct inbox *inbox)
{
    return inbox->oldest;
}

uint64_t inbox_newest(const struct inbox *inbox)
{
    return inbox->next - 1;
}

bool inbox_has_tag(const struct inbox_message *message, const char *tag)
{
    const char *tags = message->tags;
    size_t len = strlen(tag);

    for (const char *at = tags ? strstr(tags, tag) : NULL; at && len; at = strstr(at + 1, tag)) {
        if (at > tags && at[-1] == '\n' && at[len] == '\n') {
            return true;
        }
    }
    return false;
}
