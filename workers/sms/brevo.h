/*
 * brevo: SMS through Brevo, POST /v3/transactionalSMS/send.
 *
 * The call knows no idempotency key: an attempt whose outcome is unknown stays unknown. The mid travels as the tag.
 */
#ifndef WORKERS_SMS_BREVO_H
#define WORKERS_SMS_BREVO_H

#include "core/provider.h"

extern const struct provider brevo_sms;

#endif
