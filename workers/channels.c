#include "workers/channels.h"

#include <string.h>

#include "workers/email/brevo.h"
#include "workers/sms/brevo.h"

static const struct provider *const providers[] = {
    &brevo_email,
    &brevo_sms,
};

enum { PROVIDER_COUNT = sizeof(providers) / sizeof(providers[0]) };

const struct provider *channels_find_provider(enum channel channel, const char *name)
{
    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        if (providers[i]->channel == channel && strcmp(providers[i]->name, name) == 0) {
            return providers[i];
        }
    }
    return NULL;
}

void channels_print_providers(enum channel channel, struct buf *out)
{
    const char *separator = "";

    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        if (providers[i]->channel == channel) {
            buf_append_text(out, separator);
            buf_append_text(out, providers[i]->name);
            separator = ", ";
        }
    }
}
