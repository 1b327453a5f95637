/*
 * inbox: the calls that came, newest last, each with how it was answered. Bounded: the oldest messages go when there
 * are too many, and before that the oldest bodies when they take too much memory. Ids count from 1 and are never used
 * again.
 */
#ifndef SANDBOX_INBOX_H
#define SANDBOX_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/channel.h"

enum { INBOX_ANSWER_SIZE = 48, INBOX_PROVIDER_ID_SIZE = 64 };

/* Texts are owned by the inbox; NULL when there is none. */
struct inbox_message {
    uint64_t id;
    int64_t wall_ms;
    enum channel channel;
    bool is_accepted;
    uint32_t copy;                  /* the how manieth of its mid; 0: not accepted, or without mid */
    char answer[INBOX_ANSWER_SIZE]; /* "201", "400 duplicate_parameter", "hang_after_accept" */
    char provider_id[INBOX_PROVIDER_ID_SIZE];
    char *mid;
    char *tags; /* "\nmid\nflow\n" */
    char *to;
    char *from;
    char *subject; /* for SMS the beginning of the text */
    int segments;  /* SMS */
    char *head;    /* request line and headers */
    char *body;    /* as received; NULL when not kept */
    size_t body_len;
};

struct inbox;

struct inbox *inbox_create(size_t most_messages, size_t most_body_bytes);
void inbox_destroy(struct inbox *inbox);
void inbox_clear(struct inbox *inbox);

/* Takes over the texts of `message` and gives it an id. */
const struct inbox_message *inbox_add(struct inbox *inbox, const struct inbox_message *message);

/* Borrowed until the inbox changes. */
const struct inbox_message *inbox_find(const struct inbox *inbox, uint64_t id);
bool inbox_has_tag(const struct inbox_message *message, const char *tag);
/* Ids of the oldest and newest message that are there; newest < oldest when it is empty. */
uint64_t inbox_oldest(const struct inbox *inbox);
uint64_t inbox_newest(const struct inbox *inbox);

#endif
