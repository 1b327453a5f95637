#include "core/message_render.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/html_text.h"
#include "core/message_filters.h"
#include "core/policy.h"
#include "core/sms_text.h"

enum { MOST_VALUES = 8, HEADER_MOST = 998 }; /* RFC 5322, 2.1.1 */

/* One message being made. */
struct rendering {
    const struct message_inputs *in;
    struct liquid_named_value values[MOST_VALUES];
    struct liquid_scope scope;
    struct message_context context;
    struct render_error *error;
};

static bool __attribute__((format(printf, 3, 4))) fail(struct rendering *r, const char *reason, const char *format, ...)
{
    va_list args;

    r->error->reason = reason;
    va_start(args, format);
    vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    va_end(args);
    return false;
}

/* --- variables -------------------------------------------------------------------------------------------------- */

static void add_value(struct rendering *r, struct slice name, struct liquid_value value)
{
    assert(r->scope.value_count < MOST_VALUES);
    r->values[r->scope.value_count++] = (struct liquid_named_value){name, value};
}

static void add_text(struct rendering *r, struct slice name, struct slice text, bool is_safe)
{
    add_value(r, name, (struct liquid_value){.kind = LIQUID_STRING, .is_safe = is_safe, .string = text});
}

static void add_json(struct rendering *r, struct slice name, json_t *json)
{
    add_value(r, name, (struct liquid_value){.kind = LIQUID_JSON, .json = json});
}

/* The program's names win over members of the data that happen to be called the same. */
static void begin(struct rendering *r, const struct message_inputs *in, struct render_error *error)
{
    json_t *zone = json_object_get(json_object_get(in->event->data, "member"), "timezone");

    r->in = in;
    r->error = error;
    r->context = (struct message_context){
        .locales = in->locales,
        .locale = in->locale,
        .strings = in->strings,
        .zone = slice_make(json_string_value(zone), json_string_length(zone)),
        .now_ms = in->event->time_ms,
    };
    r->scope = (struct liquid_scope){
        .data = in->event->data,
        .values = r->values,
        .now_ms = in->event->time_ms,
        .filter_context = &r->context,
        .limits = {MESSAGE_MOST_BYTES, MESSAGE_MOST_DEPTH, MESSAGE_MOST_STEPS},
    };
    if (in->template->reads_event) {
        add_json(r, SLICE("event"), json_object_get(event_envelope(in->event), "event"));
    }
    add_json(r, SLICE("brand"), in->brand->json);
    add_json(r, SLICE("locale"), locale_json(in->locale));
}

static bool fail_liquid(struct rendering *r, enum liquid_problem problem)
{
    static const char *const reasons[] = {
        [LIQUID_PROBLEM_OTHER] = "template_error",
        [LIQUID_PROBLEM_UNDEFINED] = "undefined_variable",
        [LIQUID_PROBLEM_TOO_LARGE] = "too_large",
        [LIQUID_PROBLEM_NOT_ALLOWED] = "bad_url",
    };

    r->error->reason = reasons[problem];
    return false;
}

static bool render_part(struct rendering *r, const struct template_part *part, struct buf *out)
{
    struct liquid_error error;

    buf_clear(out);
    if (template_part_render(part, &r->scope, out, &error, r->error->text, sizeof(r->error->text))) {
        return true;
    }
    return fail_liquid(r, error.problem);
}

/* --- checks ----------------------------------------------------------------------------------------------------- */

static struct slice trim(struct slice text)
{
    while (text.len && memchr(" \t\r\n", text.data[0], 4)) {
        text = slice_make(text.data + 1, text.len - 1);
    }
    while (text.len && memchr(" \t\r\n", text.data[text.len - 1], 4)) {
        text.len--;
    }
    return text;
}

/* For what stands in a header: a line's end in it is to be found, not to be cut off. */
static struct slice trim_spaces(struct slice text)
{
    while (text.len && text.data[0] == ' ') {
        text = slice_make(text.data + 1, text.len - 1);
    }
    while (text.len && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* Control characters, and the two line separators of Unicode: whatever some mail program takes for a line's end. Other
 * than "\r" and "\n", where there may be lines. */
static bool has_control(struct slice text, bool has_lines)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char *p = (const unsigned char *)text.data + i;

        if (has_lines && (*p == '\r' || *p == '\n')) {
            continue;
        }
        if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && i + 1 < text.len && p[1] >= 0x80 && p[1] <= 0x9f) ||
            (*p == 0xe2 && i + 2 < text.len && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))) {
            return true;
        }
    }
    return false;
}

/* --- recipient, sender, unsubscribe ----------------------------------------------------------------------------- */

static char *copy(struct slice text)
{
    return text.len ? xmemdup(text.data, text.len) : NULL;
}

/* "Ilona Kovács" for message->to_name; NULL when the member has no name, or a longer one than a header may have. */
static bool take_name(struct rendering *r, char **taken)
{
    json_t *member = json_object_get(r->in->event->data, "member");
    json_t *first = json_object_get(member, "first_name");
    json_t *last = json_object_get(member, "last_name");
    json_t *whole = json_object_get(member, "name");
    struct buf name;
    struct slice text;
    bool is_fine;

    buf_init(&name, 4 * HEADER_MOST);
    if (json_is_string(whole)) {
        buf_append(&name, json_string_value(whole), json_string_length(whole));
    } else {
        buf_append(&name, json_string_value(first), json_string_length(first));
        buf_append_char(&name, ' ');
        buf_append(&name, json_string_value(last), json_string_length(last));
    }
    text = trim_spaces(buf_slice(&name));
    is_fine = !has_control(text, false);
    *taken = is_fine && !name.overflowed && text.len <= HEADER_MOST ? copy(text) : NULL;
    buf_finish(&name);
    return is_fine || fail(r, "bad_header", "%s: the member's name has a line break or a control character",
                           r->in->template->path);
}

static bool is_https(struct slice url)
{
    return slice_starts_with(url, "https://") && url.len > 8 && url.len <= HEADER_MOST && !has_control(url, false) &&
           !memchr(url.data, ' ', url.len);
}

/* Marketing mail only: the member's own link, else the brand's with the member in it. */
static bool find_unsubscribe_url(struct rendering *r, struct slice *url)
{
    const struct message_inputs *in = r->in;
    json_t *own = json_object_get(json_object_get(in->event->data, "member"), "unsubscribe_url");
    struct buf *out = &in->buffers->url;
    struct liquid_error error;

    *url = slice_make(json_string_value(own), json_string_length(own));
    if (in->flow->class != FLOW_MARKETING) {
        *url = slice_make(NULL, 0);
        return true;
    }
    if (is_https(*url) || !in->brand->unsubscribe_url) {
        url->len = is_https(*url) ? url->len : 0;
        return true;
    }
    buf_clear(out);
    if (!liquid_render(in->brand->unsubscribe_url, &r->scope, out, &error)) {
        fail_liquid(r, error.problem);
        snprintf(r->error->text, sizeof(r->error->text), "%s:%d: unsubscribe_url: %s", error.file, error.line,
                 error.message);
        return false;
    }
    *url = trim_spaces(buf_slice(out));
    if (!is_https(*url)) {
        return fail(r, "bad_header", "_brands/%s.yaml: unsubscribe_url is no https address for this member",
                    in->brand->name);
    }
    return true;
}

/* --- e-mail ----------------------------------------------------------------------------------------------------- */

static bool render_subject(struct rendering *r, struct slice *subject)
{
    const struct message_template *template = r->in->template;

    if (!render_part(r, template->subject, &r->in->buffers->subject)) {
        return false;
    }
    *subject = trim_spaces(buf_slice(&r->in->buffers->subject));
    if (subject->len == 0) {
        return fail(r, "template_error", "%s: the subject is empty", template->path);
    }
    if (has_control(*subject, false) || subject->len > HEADER_MOST) {
        return fail(r, "bad_header",
                    "%s: the subject has a line break or a control character, or is longer than %d bytes",
                    template->path, HEADER_MOST);
    }
    return true;
}

/* What only layouts see, so that data of the same names reaches the bodies. */
struct frame_texts {
    struct slice subject, preheader;
};

/* Renders `part` and, when there is one, the layout around it. */
static bool render_whole(struct rendering *r, const struct template_part *part, const struct template_part *layout,
                         const struct frame_texts *texts, struct slice *result)
{
    struct message_buffers *buffers = r->in->buffers;
    struct slice body;

    if (!render_part(r, part, &buffers->body)) {
        return false;
    }
    body = buf_slice(&buffers->body);
    if (part->form == TEMPLATE_FORM_TEXT_OF_HTML) {
        buf_clear(&buffers->text);
        html_text_tidy(body, &buffers->text);
        body = buf_slice(&buffers->text);
    }
    body = trim(body);
    if (body.len == 0) {
        return fail(r, "template_error", "%s: the body is empty", part->path);
    }
    *result = body;
    if (layout) {
        size_t outside = r->scope.value_count;

        add_text(r, SLICE("content"), body, true);
        add_text(r, SLICE("subject"), texts->subject, false);
        add_text(r, SLICE("preheader"), texts->preheader, false);
        if (!render_part(r, layout, &buffers->whole)) {
            return false;
        }
        r->scope.value_count = outside;
        *result = trim(buf_slice(&buffers->whole));
    }
    return true;
}

static bool render_email(struct rendering *r, struct message *message)
{
    const struct message_template *template = r->in->template;
    const struct layout *layout = template->layout;
    const struct brand *brand = r->in->brand;
    struct frame_texts texts = {.preheader = {"", 0}};
    struct slice url, result;

    if (!find_unsubscribe_url(r, &url)) {
        return false;
    }
    if (url.len) {
        add_text(r, SLICE("unsubscribe_url"), url, false);
    }
    if (!render_subject(r, &texts.subject) || !take_name(r, &message->to_name)) {
        return false;
    }
    if (template->preheader) {
        if (!render_part(r, template->preheader, &r->in->buffers->preheader)) {
            return false;
        }
        texts.preheader = trim(buf_slice(&r->in->buffers->preheader));
    }
    if (!render_whole(r, template->body, layout ? layout->html : NULL, &texts, &result)) {
        return false;
    }
    message->html = xmemdup(result.data, result.len);
    if (!render_whole(r, template->text, layout ? layout->text : NULL, &texts, &result)) {
        return false;
    }
    message->text = xmemdup(result.data, result.len);
    message->subject = xmemdup(texts.subject.data, texts.subject.len);
    message->preheader = copy(texts.preheader);
    message->unsubscribe_url = copy(url);
    message->from_address = xstrdup(brand->sender_email);
    message->from_name = xstrdup(brand->sender_name);
    message->reply_to = xstrdup(template->reply_to ? template->reply_to : brand->reply_to);
    return true;
}

/* --- SMS -------------------------------------------------------------------------------------------------------- */

static bool render_sms(struct rendering *r, struct message *message)
{
    const struct message_template *template = r->in->template;
    const struct flow_channel *channel = &r->in->flow->channels[CHANNEL_SMS];
    struct buf *plain = &r->in->buffers->whole;
    struct sms_size size;
    struct slice body;

    if (!render_part(r, template->body, &r->in->buffers->body)) {
        return false;
    }
    body = trim(buf_slice(&r->in->buffers->body));
    if (body.len == 0) {
        return fail(r, "template_error", "%s: the body is empty", template->path);
    }
    if (has_control(body, true)) {
        return fail(r, "bad_text", "%s: the text has a control character", template->path);
    }
    buf_clear(plain);
    if (channel->is_transliterated && sms_transliterate(body, plain)) {
        body = buf_slice(plain);
    }
    size = sms_measure(body);
    if (channel->segments_max > 0 && size.segments > channel->segments_max) {
        return fail(r, "over_budget", "%s: %d segments (%d %s), the flow allows %d", template->path, size.segments,
                    size.units, size.is_unicode ? "units of UCS-2" : "septets", channel->segments_max);
    }
    message->text = xmemdup(body.data, body.len);
    message->segments = size.segments;
    message->is_unicode = size.is_unicode;
    message->sms_sender = xstrdup(r->in->brand->sms_sender);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------- */

void message_buffers_init(struct message_buffers *buffers)
{
    buf_init(&buffers->subject, 0);
    buf_init(&buffers->preheader, 0);
    buf_init(&buffers->body, 0);
    buf_init(&buffers->text, 0);
    buf_init(&buffers->whole, 0);
    buf_init(&buffers->url, 0);
}

void message_buffers_finish(struct message_buffers *buffers)
{
    buf_finish(&buffers->subject);
    buf_finish(&buffers->preheader);
    buf_finish(&buffers->body);
    buf_finish(&buffers->text);
    buf_finish(&buffers->whole);
    buf_finish(&buffers->url);
}

bool message_render(const struct message_inputs *inputs, struct message *message, struct render_error *error)
{
    struct rendering r;
    const char *reason;
    const char *address;
    bool is_done;

    *message = (struct message){.channel = inputs->template->channel, .class = inputs->flow->class};
    snprintf(message->flow, sizeof(message->flow), "%s", inputs->flow->name);
    snprintf(message->locale, sizeof(message->locale), "%s", inputs->template->tag);
    begin(&r, inputs, error);
    is_done = message->channel == CHANNEL_EMAIL ? render_email(&r, message) : render_sms(&r, message);
    if (!is_done) {
        message_finish(message);
        return false;
    }
    address = policy_find_address(message->channel, inputs->event, &reason);
    message->to = xstrdup(address ? address : "");
    return true;
}
