#include "workers/replay/diff_print.h"

#include <string.h>

#include "base/json_text.h"
#include "core/text_diff.h"

static void append_ended(const char *text, struct buf *out)
{
    buf_append_text(out, text);
    if (*text && !slice_ends_with(slice_of(text), "\n")) {
        buf_append_char(out, '\n');
    }
}

/* A subject ends in no newline, which nobody wants to be told. */
static void append_diff(const struct diff_part *part, struct buf *out)
{
    struct buf before, after;
    struct text_diff diff;

    buf_init(&before, 0);
    buf_init(&after, 0);
    append_ended(part->before, &before);
    append_ended(part->after, &after);
    text_diff_init(&diff, TEXT_DIFF_LINES, buf_slice(&before), buf_slice(&after));
    text_diff_append_unified(&diff, out);
    text_diff_finish(&diff);
    buf_finish(&before);
    buf_finish(&after);
}

void diff_print_text(const struct diff_change *change, const struct diff_facts *facts, struct buf *out)
{
    struct diff_part parts[DIFF_MOST_PARTS];
    size_t count = diff_change_parts(change, parts);
    const char *channel = channel_name(facts->group->channel);

    buf_appendf(out, "\n%s, %s, %s: %s, member %s: %s\n", facts->group->flow, channel, facts->group->locale,
                facts->place, facts->member_id[0] ? facts->member_id : "-", diff_change_kind_name(change->kind));
    if (change->before.is_broken && change->kind == DIFF_MENDS) {
        buf_appendf(out, "! before: %s: %s\n", change->before.error.reason, change->before.error.text);
    }
    if (change->after.is_broken) {
        buf_appendf(out, "! %s: %s\n", change->after.error.reason, change->after.error.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        buf_appendf(out, "--- %s/%s/%s.%s: %s\n", facts->before, facts->group->flow, channel, facts->group->locale,
                    parts[i].name);
        buf_appendf(out, "+++ %s/%s/%s.%s: %s\n", facts->after, facts->group->flow, channel, facts->group->locale,
                    parts[i].name);
        append_diff(&parts[i], out);
    }
}

static void append_part(struct json_text *j, const struct diff_part *part)
{
    struct buf diff;

    buf_init(&diff, 0);
    append_diff(part, &diff);
    json_text_open(j, '{');
    json_text_member(j, "part", part->name);
    json_text_member(j, "before", part->before);
    json_text_member(j, "after", part->after);
    json_text_member_slice(j, "diff", buf_slice(&diff));
    json_text_close(j, '}');
    buf_finish(&diff);
}

static void append_error(struct json_text *j, const char *key, const struct diff_side *side)
{
    if (!side->is_broken) {
        return;
    }
    json_text_key(j, key);
    json_text_open(j, '{');
    json_text_member(j, "reason", side->error.reason);
    json_text_member(j, "text", side->error.text);
    json_text_close(j, '}');
}

void diff_print_json(const struct diff_change *change, const struct diff_facts *facts, struct buf *out)
{
    struct diff_part parts[DIFF_MOST_PARTS];
    size_t count = change->after.is_broken ? 0 : diff_change_parts(change, parts);
    struct json_text j;

    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_member(&j, "place", facts->place);
    json_text_member(&j, "member_id", facts->member_id);
    json_text_member(&j, "change", diff_change_kind_name(change->kind));
    append_error(&j, "error_before", &change->before);
    append_error(&j, "error", &change->after);
    json_text_key(&j, "parts");
    json_text_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        append_part(&j, &parts[i]);
    }
    json_text_close(&j, ']');
    json_text_close(&j, '}');
}
