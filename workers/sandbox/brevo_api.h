/*
 * brevo_api: what Brevo makes of a request body: the call it asks for, or the refusal with Brevo's code. Pure.
 *
 * The idempotency key is honoured only as a UUID in the body's `headers` object under the name `idempotencyKey`.
 * Anywhere else, or spelled otherwise, it is ignored without a word, as Brevo does.
 */
#ifndef SANDBOX_BREVO_API_H
#define SANDBOX_BREVO_API_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/slice.h"
#include "core/channel.h"
#include "workers/sandbox/keys.h"

enum { CALL_MID_SIZE = 65, REFUSAL_MESSAGE_SIZE = 160 };

/* Texts are borrowed from `json`. */
struct call {
    enum channel channel;
    json_t *json;            /* owned; NULL when the body was only scanned */
    char mid[CALL_MID_SIZE]; /* the first tag, cut; "" when there is none */
    bool has_key;
    uint8_t key[KEY_SIZE];
    bool is_drop;   /* X-Sib-Sandbox: drop */
    const char *to; /* of the first recipient */
    size_t to_count;
    const char *from;    /* address or SMS sender */
    const char *subject; /* NULL for SMS */
    const char *text;    /* SMS: the content */
};

struct refusal {
    int status;
    const char *code;
    char message[REFUSAL_MESSAGE_SIZE];
};

/* True: `call` is to be finished with call_finish(). False: `refusal` tells why. */
bool brevo_api_parse(enum channel channel, struct slice body, struct call *call, struct refusal *refusal);
/* The same for benchmarks: finds tag and key by their place in the bytes, checks nothing. */
void brevo_api_scan(enum channel channel, struct slice body, struct call *call);
void call_finish(struct call *call);

/* Tags of a body: [mid, flow, ...] or the SMS tag as an array of one. New reference, or NULL. */
json_t *brevo_api_tags(enum channel channel, const json_t *body);

#endif
