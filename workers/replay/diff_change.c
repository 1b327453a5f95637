#include "workers/replay/diff_change.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/policy.h"

const char *diff_change_kind_name(enum diff_change_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        DIFF_CHANGES(X)
#undef X
    };

    assert(kind < DIFF_CHANGE_KIND_COUNT);
    return names[kind];
}

/* --- one side ----------------------------------------------------------------------------------------------------- */

/* Consent and address as at the time of the event; nothing is too old for a comparison. */
static void make_side(struct diff_side *side, const struct diff_way *way, enum channel channel,
                      const struct event *event)
{
    const char *reason;

    *side = (struct diff_side){.is_sent = false};
    if (way->plan_problem) {
        side->is_broken = true;
        side->error.reason = "missing_field";
        snprintf(side->error.text, sizeof(side->error.text), "%s", way->plan_problem);
        return;
    }
    if (!way->flow || policy_check(way->flow, channel, event, event->time_ms, &reason) != POLICY_ALLOW) {
        return;
    }
    side->is_sent = catalog_render(way->catalog, way->flow, channel, event, NULL, &side->message, &side->error);
    side->is_broken = !side->is_sent;
}

static void finish_side(struct diff_side *side)
{
    if (side->is_sent) {
        message_finish(&side->message);
    }
}

/* --- what is different -------------------------------------------------------------------------------------------- */

static const char *from_name(const struct message *message)
{
    return message->from_name;
}

static const char *from_address(const struct message *message)
{
    return message->channel == CHANNEL_SMS ? message->sms_sender : message->from_address;
}

static const char *reply_to(const struct message *message)
{
    return message->reply_to;
}

static const char *subject(const struct message *message)
{
    return message->subject;
}

static const char *text(const struct message *message)
{
    return message->text;
}

static const char *html(const struct message *message)
{
    return message->html;
}

static const struct {
    const char *name;
    const char *(*get)(const struct message *message);
} all_parts[] = {
    {"from_name", from_name}, {"from", from_address}, {"reply_to", reply_to},
    {"subject", subject},     {"text", text},         {"html", html},
};

static const char *part_of(const struct diff_side *side, size_t i)
{
    const char *value = side->is_sent ? all_parts[i].get(&side->message) : NULL;

    return value ? value : "";
}

size_t diff_change_parts(const struct diff_change *change, struct diff_part parts[DIFF_MOST_PARTS])
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof(all_parts) / sizeof(all_parts[0]); i++) {
        struct diff_part part = {all_parts[i].name, part_of(&change->before, i), part_of(&change->after, i)};

        if (strcmp(part.before, part.after) != 0) {
            parts[count++] = part;
        }
    }
    return count;
}

static enum diff_change_kind compare(const struct diff_change *change)
{
    const struct diff_side *before = &change->before, *after = &change->after;
    struct diff_part parts[DIFF_MOST_PARTS];

    if (before->is_sent && after->is_sent) {
        return diff_change_parts(change, parts) ? DIFF_OTHER : DIFF_SAME;
    }
    if (after->is_broken) {
        return before->is_broken ? DIFF_SAME : DIFF_BREAKS;
    }
    if (before->is_broken) {
        return DIFF_MENDS;
    }
    return before->is_sent ? DIFF_GONE : after->is_sent ? DIFF_NEW : DIFF_SAME;
}

void diff_change_make(struct diff_change *change, const struct diff_way *before, const struct diff_way *after,
                      enum channel channel, const struct event *event)
{
    make_side(&change->before, before, channel, event);
    make_side(&change->after, after, channel, event);
    change->is_message =
        change->before.is_sent || change->before.is_broken || change->after.is_sent || change->after.is_broken;
    change->kind = compare(change);
}

void diff_change_finish(struct diff_change *change)
{
    finish_side(&change->before);
    finish_side(&change->after);
}
