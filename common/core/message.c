#include "core/message.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"

enum { FIELD_COUNT = 10 };

void message_finish(struct message *message)
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
    *message = (struct message){0};
}

/* One byte that tells NULL (the worker's setting) from empty, four of length, then the bytes: no two lists of fields
 * read the same. */
static void append_field(struct buf *all, const char *text)
{
    struct slice field = slice_of(text);
    char prefix[5] = {text ? 1 : 0, (char)(field.len >> 24), (char)(field.len >> 16), (char)(field.len >> 8),
                      (char)field.len};

    buf_append(all, prefix, sizeof(prefix));
    buf_append_slice(all, field);
}

void message_seal(struct message *message)
{
    const char *const fields[FIELD_COUNT] = {
        message->to,       message->to_name, message->from_address, message->from_name,       message->reply_to,
        message->subject,  message->html,    message->text,         message->unsubscribe_url, message->sms_sender,
    };
    uint8_t digest[DIGEST_SIZE];
    struct buf all;
    size_t size = 0;

    for (int i = 0; i < FIELD_COUNT; i++) {
        size += slice_of(fields[i]).len + 5;
    }
    buf_init(&all, size + 64);
    buf_reserve(&all, size + 64);
    append_field(&all, channel_name(message->channel));
    for (int i = 0; i < FIELD_COUNT; i++) {
        append_field(&all, fields[i]);
    }
    digest_sha256(buf_slice(&all), digest);
    hex_format(digest, (FINGERPRINT_TEXT_SIZE - 1) / 2, message->fingerprint);
    buf_finish(&all);
}
