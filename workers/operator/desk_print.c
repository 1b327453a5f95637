#include "workers/operator/desk_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "workers/operator/words.h"

static const char *state_of(const struct entry *entry)
{
    return !entry->is_open ? "closed" : entry_is_under_way(entry) ? "under way" : "open";
}

static const char *flow_of(const struct entry *entry)
{
    return entry->is_of_record ? "(no delivery)" : entry->note.flow[0] ? entry->note.flow : "-";
}

void desk_print_list(const struct entries *entries, bool has_closed)
{
    char mid[MID_TEXT_SIZE], time[WORDS_TIME_SIZE];
    size_t open = 0, shown = 0;

    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->items[i];

        open += entry->is_open;
        if (!entry->is_open && !has_closed) {
            continue;
        }
        if (shown++ == 0) {
            printf("%-21s %-32s %-5s %-20s %-28s %-14s %s\n", "left", "mid", "chan.", "flow", "reason", "member", "state");
        }
        mid_format(&entry->note.mid, mid);
        words_format_time(entry->note.left_at, time);
        printf("%-21s %-32s %-5s %-20s %-28s %-14s %s\n", time, mid, channel_name(entry->note.channel), flow_of(entry),
               entry->note.reason, entry_outcome_text(entry, "member_id"), state_of(entry));
    }
    printf("%s%zu open, %zu closed", shown ? "\n" : "", open, entries->count - open);
    if (entries->unreadable) {
        printf(", %" PRId64 " record%s not made by perkline", entries->unreadable, entries->unreadable == 1 ? "" : "s");
    }
    puts("");
}

static void print_event(struct slice value)
{
    char *text = xmemdup(value.data ? value.data : "", value.len);

    utf8_blank_controls(text, value.len, true);
    printf("\n%s\n", text);
    free(text);
}

void desk_print_entry(const struct entry *entry, bool has_epoch, bool has_event)
{
    char mid[MID_TEXT_SIZE], time[WORDS_TIME_SIZE];
    const struct side_note *note = &entry->note;
    struct buf words, reason;

    mid_format(&note->mid, mid);
    words_format_time(note->left_at, time);
    buf_init(&words, 0);
    words_about_claim(&entry->claim, has_epoch, clock_wall_ms(), &words);
    printf("mid        %s\nstate      %s\n", mid, state_of(entry));
    printf("left       %s%s\nchannel    %s\nflow       %s\n", time, entry->count > 1 ? " (the last time)" : "",
           channel_name(note->channel), flow_of(entry));
    buf_init(&reason, 0);
    words_append_reason(note->reason, &reason);
    printf("reason     %s\n", note->flow[0] ? buf_text(&reason) : note->reason);
    buf_finish(&reason);
    if (note->detail[0]) {
        printf("detail     %s\n", note->detail);
    }
    printf("from       %s, partition %d, offset %" PRId64 "\n", note->topic, note->partition, note->offset);
    printf("member     %s\n", entry_outcome_text(entry, "member_id")[0] ? entry_outcome_text(entry, "member_id") : "-");
    printf("Redis      %s\n", buf_text(&words));
    if (entry->outcome) {
        printf("outcome    %s (%s), %s\n", entry_outcome_text(entry, "state"), entry_outcome_text(entry, "reason"),
               entry_outcome_text(entry, "time"));
    } else {
        puts("outcome    none");
    }
    if (has_event) {
        print_event(entry->record->value);
    } else {
        printf("event      %zu bytes (--event prints it: a member's data)\n", entry->record->value.len);
    }
    buf_finish(&words);
}

json_t *desk_entry_json(const struct entry *entry, bool has_event)
{
    const struct side_note *note = &entry->note;
    char mid[MID_TEXT_SIZE], time[CLOCK_ISO_SIZE];
    json_t *json;

    mid_format(&note->mid, mid);
    clock_format_iso(note->left_at, time);
    json = json_pack("{s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:{s:s, s:i, s:I}}", "mid", mid, "is_open",
                     entry->is_open, "is_under_way", entry_is_under_way(entry), "left", time, "channel",
                     channel_name(note->channel), "flow", note->flow, "reason", note->reason, "detail", note->detail,
                     "is_delivery", !entry->is_of_record, "records", (json_int_t)entry->count, "from", "topic", note->topic,
                     "partition", note->partition, "offset", (json_int_t)note->offset);
    if (!json) { /* a header that is no UTF-8 */
        json = json_pack("{s:s, s:b}", "mid", mid, "is_open", entry->is_open);
    }
    if (entry->claim.state) {
        json_object_set_new(json, "redis", json_stringn(&entry->claim.state, 1));
    }
    if (entry->outcome) {
        json_object_set(json, "outcome", entry->outcome);
    }
    if (has_event) {
        json_object_set_new(json, "event", json_stringn(entry->record->value.data, entry->record->value.len));
    }
    return json;
}
