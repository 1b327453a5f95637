/*
 * inbox_json: a message of the inbox as JSON.
 */
#ifndef SANDBOX_INBOX_JSON_H
#define SANDBOX_INBOX_JSON_H

#include <jansson.h>

#include "base/json_text.h"
#include "workers/sandbox/inbox.h"

/* Members that lists show too, without the brackets. */
void inbox_json_summary(const struct inbox_message *message, struct json_text *j);
/* What the recipient would see. */
void inbox_json_content(const struct inbox_message *message, struct json_text *j);
/* The body as it was received; new reference. NULL: it is not kept, or no JSON. */
json_t *inbox_json_load_body(const struct inbox_message *message);

#endif
