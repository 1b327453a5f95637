/*
 * event_json: JSON that came from outside, read with the limits of an event.
 *
 * jansson parses; what it does not check (depth) is checked before, and its errors become the stable words of
 * event.h. Details name byte offsets and never quote the bytes: they may hold a member's data.
 */
#ifndef CORE_EVENT_JSON_H
#define CORE_EVENT_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* The caller owns the returned value (any array or object). NULL + reason + err. */
json_t *event_json_parse(struct slice bytes, const char **reason, struct err *err);

#endif
