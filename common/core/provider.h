/*
 * provider: an HTTP API that delivers a channel. Pure: builds a request from a message, reads a verdict from an answer,
 * never does I/O itself. Adding one is a file in the channel's folder and a row in its table.
 */
#ifndef CORE_PROVIDER_H
#define CORE_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/channel.h"
#include "core/message.h"
#include "core/mid.h"
#include "core/verdict.h"

/* What the settings say about the account; texts are borrowed and outlive every request. */
struct provider_account {
    const char *base_url;     /* "https://api.brevo.com" */
    const char *api_key;
    const char *from_address; /* EMAIL_FROM, address part */
    const char *from_name;    /* EMAIL_FROM, display name; may be NULL */
    const char *reply_to;     /* may be NULL */
    const char *sms_from;
};

enum { PROVIDER_MOST_HEADERS = 8 };

/* Filled by build(). `url` and `body` are the caller's buffers; header values are borrowed from the account or static. */
struct provider_request {
    const char *method; /* "POST" unless build() says otherwise */
    struct buf url;
    struct buf body;
    struct {
        const char *name;
        const char *value;
    } headers[PROVIDER_MOST_HEADERS];
    size_t header_count;
};

struct provider {
    const char *name; /* "brevo" */
    enum channel channel;
    int64_t key_ttl_ms;       /* how long its idempotency key surely lives; 0: it has none */
    int64_t default_rate;     /* requests per second its smallest plan allows */
    /* Is the account complete and well-formed for this provider? */
    bool (*check)(const struct provider_account *account, struct err *err);
    void (*build)(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  struct provider_request *request);
    void (*read)(const struct attempt *attempt, struct verdict *verdict);
};

void provider_request_init(struct provider_request *request);
/* Ready for the next build(), memory kept. */
void provider_request_clear(struct provider_request *request);
void provider_request_finish(struct provider_request *request);
void provider_request_add_header(struct provider_request *request, const char *name, const char *value);

#endif
