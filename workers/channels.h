/*
 * channels: which providers there are for each channel. Adding a provider is a file in the channel's folder and a row
 * here.
 */
#ifndef WORKERS_CHANNELS_H
#define WORKERS_CHANNELS_H

#include "core/provider.h"
#include "core/provider_probe.h"

/* Of all channels; ends in NULL. */
extern const struct provider *const channels_providers[];
/* One for each account; ends in NULL. */
extern const struct provider_probe *const channels_probes[];

#endif
