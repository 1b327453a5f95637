#include "core/message.h"

#include <stdlib.h>

#include "base/digest.h"

enum { FIELD_COUNT = 11 };

void message_drop_texts(struct message *message)
{
    free(message->to);
    free(message->to_name);
    free(message->from_address);
    free(message->from_name);
    free(message->reply_to);
    free(message->subject);
    free(message->preheader);
    free(message->html);
    free(message->text);
    free(message->unsubscribe_url);
    free(message->sms_sender);
    message->to = message->to_name = NULL;
    message->from_address = message->from_name = message->reply_to = NULL;
    message->subject = message->html = message->text = NULL;
    message->preheader = message->unsubscribe_url = message->sms_sender = NULL;
}

void message_finish(struct message *message)
{
    message_drop_texts(message);
    *message = (struct message){0};
}

/* One byte that tells NULL (the worker's setting) from empty, four of length, then the bytes: no two lists of fields
 * read the same. */
static void set_field(struct slice parts[2], char prefix[5], const char *text)
{
    struct slice field = slice_of(text);

    prefix[0] = text ? 1 : 0;
    for (int i = 0; i < 4; i++) {
        prefix[1 + i] = (char)(field.len >> (24 - 8 * i));
    }
    parts[0] = slice_make(prefix, 5);
    parts[1] = field;
}

void message_seal(struct message *message)
{
    const char *const fields[FIELD_COUNT] = {
        channel_name(message->channel), message->to,   message->to_name, message->from_address,    message->from_name,
        message->reply_to,              message->subject, message->html, message->text, message->unsubscribe_url,
        message->sms_sender,
    };
    struct slice parts[2 * FIELD_COUNT];
    char prefixes[FIELD_COUNT][5];
    uint8_t checksum[CHECKSUM_SIZE];

    for (int i = 0; i < FIELD_COUNT; i++) {
        set_field(&parts[2 * i], prefixes[i], fields[i]);
    }
    digest_checksum_parts(parts, 2 * FIELD_COUNT, checksum);
    hex_format(checksum, (FINGERPRINT_TEXT_SIZE - 1) / 2, message->fingerprint);
}
