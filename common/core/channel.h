/*
 * channel: the kinds of message.
 */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include <stdbool.h>

#include "base/slice.h"

enum channel { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_COUNT };

const char *channel_name(enum channel channel);
bool channel_parse(struct slice name, enum channel *channel);

#endif
