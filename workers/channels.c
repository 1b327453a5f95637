#include "workers/channels.h"

#include <stddef.h>

#include "workers/email/brevo.h"
#include "workers/sms/brevo.h"

const struct provider *const channels_providers[] = {
    &brevo_email,
    &brevo_sms,
    NULL,
};
