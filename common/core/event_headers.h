/*
 * event_headers: how a record carries its event (CloudEvents, Kafka protocol binding): in the value as a whole, or the
 * attributes in headers that begin with "ce_". event_is_binary() of event.h is here, too.
 */
#ifndef CORE_EVENT_HEADERS_H
#define CORE_EVENT_HEADERS_H

#include "core/event.h"

/* application/json, anything/json, anything+json, with or without parameters. */
bool event_is_json_type(struct slice text);
/* The attributes of the headers, into event->attributes. False + reason + err. */
bool event_read_headers(const struct record *record, struct event *event, const char **reason, struct err *err);

#endif
