/*
 * channels: which providers there are for each channel. Adding a provider is a file in the channel's folder and a row
 * here.
 */
#ifndef WORKERS_CHANNELS_H
#define WORKERS_CHANNELS_H

#include "core/provider.h"

/* Of all channels; ends in NULL. */
extern const struct provider *const channels_providers[];

#endif
