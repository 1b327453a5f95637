#include "workers/sandbox/inbox_json.h"

#include "base/clock.h"
#include "base/digest.h"
#include "core/sms_text.h"

enum { BODY_HASH_SIZE = 8 };

static void print_tags(const char *tags, struct json_text *j)
{
    const char *at = tags && tags[0] ? tags + 1 : "";

    json_text_key(j, "tags");
    json_text_open(j, '[');
    while (*at) {
        size_t len = strcspn(at, "\n");

        json_text_string(j, slice_make(at, len));
        at += len + (at[len] == '\n');
    }
    json_text_close(j, ']');
}

/* So that two requests can be told to be the same, byte for byte, without reading either. */
static void print_body_hash(const struct inbox_message *message, struct json_text *j)
{
    uint8_t hash[DIGEST_SIZE];
    char text[2 * BODY_HASH_SIZE + 1];

    if (message->body) {
        digest_sha256(slice_make(message->body, message->body_len), hash);
        hex_format(hash, BODY_HASH_SIZE, text);
        json_text_member(j, "body_hash", text);
    }
}

void inbox_json_summary(const struct inbox_message *message, struct json_text *j)
{
    char time[CLOCK_ISO_SIZE];

    clock_format_iso(message->wall_ms, time);
    json_text_member_int(j, "id", (int64_t)message->id);
    json_text_member(j, "time", time);
    json_text_member(j, "channel", channel_name(message->channel));
    json_text_key(j, "accepted");
    json_text_bool(j, message->is_accepted);
    json_text_member(j, "answer", message->answer);
    json_text_member_int(j, "copy", message->copy);
    json_text_member_if(j, "mid", message->mid);
    print_tags(message->tags, j);
    json_text_member_if(j, "to", message->to);
    json_text_member_if(j, "from", message->from);
    json_text_member_if(j, "subject", message->subject);
    json_text_member_if(j, "message_id", message->provider_id);
    if (message->channel == CHANNEL_SMS) {
        json_text_member_int(j, "segments", message->segments);
    }
    print_body_hash(message, j);
}

json_t *inbox_json_load_body(const struct inbox_message *message)
{
    return message->body ? json_loadb(message->body, message->body_len, 0, NULL) : NULL;
}

void inbox_json_content(const struct inbox_message *message, struct json_text *j)
{
    json_t *body = inbox_json_load_body(message);
    bool is_sms = message->channel == CHANNEL_SMS;
    const json_t *text = json_object_get(body, is_sms ? "content" : "textContent");
    struct sms_size size;

    json_text_member_if(j, "html", json_string_value(json_object_get(body, "htmlContent")));
    json_text_member_if(j, "text", json_string_value(text));
    if (is_sms && json_is_string(text)) {
        size = sms_measure(slice_make(json_string_value(text), json_string_length(text)));
        json_text_member_int(j, "units", size.units);
        json_text_key(j, "unicode");
        json_text_bool(j, size.is_unicode);
    }
    json_decref(body);
}
