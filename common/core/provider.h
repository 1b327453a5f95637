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

/* What a question "have you got this one?" came to. NOT_FOUND only on a complete answer that says so: whatever else
 * happens (an error, a limit, an answer of another form) is UNKNOWN. */
enum provider_found { PROVIDER_FOUND, PROVIDER_NOT_FOUND, PROVIDER_UNKNOWN };

const char *provider_found_name(enum provider_found found);

struct provider_finding {
    enum provider_found found;
    char reason[VERDICT_REASON_SIZE];   /* UNKNOWN: "http_429", "timeout"; else "" */
    char provider_id[PROVIDER_ID_SIZE]; /* FOUND; "" when the answer has none */
    int64_t retry_after_ms;             /* UNKNOWN; 0: not told */
};

struct provider {
    const char *name; /* "brevo" */
    enum channel channel;
    int64_t key_ttl_ms;        /* how long its idempotency key surely lives; 0: it has none */
    int64_t visibility_lag_ms; /* after this long what it took can surely be found by a question; 0: it cannot be asked */
    int64_t questions_per_hour; /* its smallest plan allows */
    int64_t default_rate;      /* requests per second its smallest plan allows */
    bool takes_traceparent;    /* a header more does its API no harm */
    /* Is the account complete and well-formed for this provider? */
    bool (*check)(const struct provider_account *account, struct err *err);
    /* `key` is what the idempotency key is made of: the mid, but for a deliberate second copy. The tag is the mid. */
    void (*build)(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  const struct mid *key, struct provider_request *request);
    /* An answer that says "I had this key before" is SENT. */
    void (*read)(const struct attempt *attempt, struct verdict *verdict);
    /* Did it take the message that bears this mid as its tag? Both NULL: it cannot be asked. */
    void (*build_query)(const struct provider_account *account, const struct mid *mid, struct provider_request *request);
    void (*read_query)(const struct attempt *attempt, const struct mid *mid, struct provider_finding *finding);
};

void provider_request_init(struct provider_request *request);
/* Ready for the next build(), memory kept. */
void provider_request_clear(struct provider_request *request);
void provider_request_finish(struct provider_request *request);
void provider_request_add_header(struct provider_request *request, const char *name, const char *value);

/* Starting point for a provider's read_query(): UNKNOWN, for the reason that the facts give; "" on a complete answer with
 * status 200, which is to be read. */
void provider_finding_init(const struct attempt *attempt, struct provider_finding *finding);

#endif
