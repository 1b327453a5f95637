#include "workers/channels.h"

#include <stddef.h>

#include "workers/brevo.h"
#include "workers/email/brevo.h"
#include "workers/sms/brevo.h"

const struct provider *const channels_providers[] = {
    &brevo_email,
    &brevo_sms,
    NULL,
};

const struct provider_probe *const channels_probes[] = {
    &brevo_probe,
    NULL,
};
