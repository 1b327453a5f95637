/*
 * message: the rendered content of a delivery, ready for a provider. Owns its texts.
 */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/channel.h"
#include "core/flow.h"

enum { VERSION_TEXT_SIZE = 17, FINGERPRINT_TEXT_SIZE = 17 };

struct message {
    enum channel channel;
    enum flow_class class;
    char flow[64];
    char locale[16];                         /* of the template that was used: "hu" */
    char version[VERSION_TEXT_SIZE];         /* of the template set */
    char fingerprint[FINGERPRINT_TEXT_SIZE]; /* of recipient and content; no part of the identity */

    char *to;      /* address or +E.164 number */
    char *to_name; /* may be NULL */

    /* e-mail */
    char *from_address, *from_name, *reply_to; /* NULL: the worker's settings */
    char *subject, *html, *text;
    char *preheader;       /* as it stands in the HTML, for people to look at; NULL: none */
    char *unsubscribe_url; /* https; NULL when class is transactional */

    /* sms: `text` above is the body */
    char *sms_sender; /* NULL: the worker's setting */
    int segments;
    bool is_unicode; /* UCS-2 */
};

void message_finish(struct message *message);
/* Frees all texts. What names the message stays: flow, locale, version, fingerprint. */
void message_drop_texts(struct message *message);
/* Fills `fingerprint` from the content (all fields that a customer sees, and the recipient). */
void message_seal(struct message *message);

#endif
