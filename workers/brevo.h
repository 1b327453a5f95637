/*
 * brevo: what Brevo's e-mail and SMS calls have in common: the account, the address of a call, the headers, and
 * how an answer is read (Brevo's API reference, "Response and error codes" and "Rate limits").
 *
 * Status first, then `code`: the list of codes is open, some are free text ("Request already processed"), and `code`
 * may be missing.
 */
#ifndef WORKERS_BREVO_H
#define WORKERS_BREVO_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "core/provider.h"
#include "core/provider_probe.h"

/* What an answer with status 400 and this code means; tables end in a row without a code. Codes are compared in lower
 * case with '_' for every blank and hyphen. */
struct brevo_rule {
    const char *code;
    enum verdict_kind kind;
};

/* Key and base URL are there and well-formed. */
bool brevo_check(const struct provider_account *account, struct err *err);

/* Method, URL and headers; the body is the caller's. */
void brevo_begin_request(const struct provider_account *account, const char *path, struct provider_request *request);

/* Did it take the message that bears our tag? The statistics of both channels are asked and answer in one way. */
void brevo_build_query(const struct provider_account *account, const char *path, const struct mid *mid,
                       struct provider_request *request);
void brevo_read_query(const struct attempt *attempt, const struct mid *mid, struct provider_finding *finding);

/* Everything of the verdict but the provider's id. Returns the answer's JSON (the caller owns it), or NULL when there
 * is none that can be used. `rules` are those of the call; what all calls share is known here. */
json_t *brevo_read(const struct attempt *attempt, const struct brevo_rule rules[], struct verdict *verdict);
/* The whole verdict on a message: with the provider's id when it was taken. */
void brevo_read_message(const struct attempt *attempt, const struct brevo_rule rules[], struct verdict *verdict);

/* GET /v3/account: the key is good, and there is credit. */
extern const struct provider_probe brevo_probe;

#endif
