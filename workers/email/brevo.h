/*
 * brevo: e-mail through Brevo, POST /v3/smtp/email.
 *
 * The mid travels as the idempotency key (a UUID in the body's `headers` object: as an HTTP header, or spelled
 * otherwise, it is silently ignored) and as the first tag. The key lives 30 minutes by the guide, 15 by the older
 * changelog; the shorter is believed.
 */
#ifndef WORKERS_EMAIL_BREVO_H
#define WORKERS_EMAIL_BREVO_H

#include "core/provider.h"

extern const struct provider brevo_email;

#endif
