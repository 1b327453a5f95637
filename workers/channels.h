/*
 * channels: which providers there are for each channel. Adding a provider is a file in the channel's folder and a row
 * here.
 */
#ifndef WORKERS_CHANNELS_H
#define WORKERS_CHANNELS_H

#include "base/buf.h"
#include "core/provider.h"

/* NULL when the channel has no provider of that name. */
const struct provider *channels_find_provider(enum channel channel, const char *name);

/* "brevo, other": the names of a channel's providers, for messages to people. */
void channels_print_providers(enum channel channel, struct buf *out);

#endif
