#include "core/channel.h"

static const char *const names[CHANNEL_COUNT] = {"email", "sms"};

const char *channel_name(enum channel channel)
{
    return names[channel];
}

bool channel_parse(struct slice name, enum channel *channel)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (slice_is(name, names[i])) {
            *channel = (enum channel)i;
            return true;
        }
    }
    return false;
}
