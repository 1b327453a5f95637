/*
 * attempt: what the HTTP client found out about one exchange, as providers read it (core/verdict.h). The reply is borrowed.
 */
#ifndef RUN_ATTEMPT_H
#define RUN_ATTEMPT_H

#include "core/verdict.h"
#include "io/http.h"

struct attempt attempt_of_reply(const struct http_reply *reply);

#endif
