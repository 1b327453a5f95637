/*
 * http_call: one plain HTTP request from a test, answered before it returns.
 */
#ifndef SUPPORT_HTTP_CALL_H
#define SUPPORT_HTTP_CALL_H

#include <jansson.h>

#include "base/buf.h"

/* Status, or 0 when nobody answered. `body` and `answer` may be NULL; the answer is appended. */
int http_call(const char *method, const char *url, const char *body, struct buf *answer);

/* New reference. NULL when it is not answered by 200 and JSON. */
json_t *http_call_json(const char *url);

#endif
