#include "workers/operator/entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"
#include "workers/operator/words.h"

/* Entries by mid while they are read. */
struct place {
    struct mid mid;
    size_t index;
    UT_hash_handle hh;
};

struct reading {
    const struct entry_filter *filter;
    struct entries *entries;
    struct place *places;
};

/* --- records ------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct entry_filter *filter, const struct side_note *note)
{
    return (!filter->mid || memcmp(filter->mid, &note->mid, sizeof(note->mid)) == 0) &&
           (!filter->flow || strcmp(filter->flow, note->flow) == 0) &&
           (!filter->reason || strcmp(filter->reason, note->reason) == 0) &&
           (!filter->channel || strcmp(filter->channel, channel_name(note->channel)) == 0);
}

static struct entry *get_entry(struct reading *reading, const struct mid *mid)
{
    struct entries *entries = reading->entries;
    struct place *place;

    HASH_FIND(hh, reading->places, mid, sizeof(*mid), place);
    if (!place) {
        place = xcalloc(1, sizeof(*place));
        place->mid = *mid;
        place->index = entries->count;
        HASH_ADD(hh, reading->places, mid, sizeof(place->mid), place);
        entries->items = xreallocarray(entries->items, entries->count + 1, sizeof(*entries->items));
        entries->items[entries->count++] = (struct entry){.record = NULL};
    }
    return &entries->items[place->index];
}

static void take_record(void *arg, const struct record *record)
{
    struct reading *reading = arg;
    struct side_note note;
    struct err ignored = {0};
    struct entry *entry;

    reading->entries->records++;
    if (!side_note_parse(record, &note, &ignored)) {
        reading->entries->unreadable++;
        return;
    }
    if (!is_wanted(reading->filter, &note)) {
        return;
    }
    entry = get_entry(reading, &note.mid);
    free(entry->record);
    entry->record = record_copy(record);
    entry->note = note;
    entry->is_of_record = side_note_is_of_record(&note);
    entry->count++;
}

static void take_outcome(void *arg, const struct record *record)
{
    struct reading *reading = arg;
    struct place *place;
    struct mid mid;
    json_t *outcome;

    if (!mid_parse(record->key, &mid)) {
        return;
    }
    HASH_FIND(hh, reading->places, &mid, sizeof(mid), place);
    if (!place) {
        return;
    }
    outcome = words_load_outcome(record->value);
    if (outcome) { /* of one key, so in the order in which they were written */
        json_decref(reading->entries->items[place->index].outcome);
        reading->entries->items[place->index].outcome = outcome;
    }
}

/* --- what they are now -------------------------------------------------------------------------------------------- */

const char *entry_outcome_text(const struct entry *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry->outcome, name));

    return text ? text : "";
}

/* The word of the newest outcome, for where Redis has nothing: a record that is no delivery has none until an operator
 * makes one. */
static bool has_ended_so(const struct entry *entry, char state)
{
    return entry->outcome ? strcmp(entry_outcome_text(entry, "state"), state == 'H' ? "held" : "dead") == 0
                          : entry->is_of_record;
}

/* Redis is being rebuilt, and a worker has put back what it knew before the decision. */
static bool is_decided_since(const struct entry *entry, char state)
{
    return entry->outcome && !has_ended_so(entry, state);
}

bool entry_is_under_way(const struct entry *entry)
{
    const char *reason = entry_outcome_text(entry, "reason");

    return entry->is_open && (strcmp(reason, "operator_redrive") == 0 || strcmp(reason, "operator_resend") == 0) &&
           (uint64_t)json_integer_value(json_object_get(entry->outcome, "fence")) == entry->fence;
}

static bool look(struct operator *operator, char state, struct entry *entry, struct err *err)
{
    if (!operator_look(operator, &entry->note.mid, &entry->claim, err)) {
        return false;
    }
    entry->is_open = entry->claim.state ? entry->claim.state == state && !is_decided_since(entry, state)
                                        : has_ended_so(entry, state);
    entry->fence = entry->claim.state ? entry->claim.fence
                                      : (uint64_t)json_integer_value(json_object_get(entry->outcome, "fence"));
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    return a->note.left_at < b->note.left_at ? -1 : a->note.left_at > b->note.left_at;
}

bool entries_read(struct operator *operator, char state, const struct entry_filter *filter, struct entries *entries,
                  struct err *err)
{
    struct reading reading = {.filter = filter, .entries = entries};
    struct place *place, *next;
    bool is_fine;

    *entries = (struct entries){.items = NULL};
    /* An outcome is written after its record here, so the same place in time will do. */
    is_fine = operator_read_topic(operator, state == 'H' ? operator->topics.held : operator->topics.dlq, filter->since,
                                  take_record, &reading, err) &&
              (entries->count == 0 ||
               operator_read_topic(operator, operator->topics.outcomes, filter->since, take_outcome, &reading, err));
    HASH_ITER(hh, reading.places, place, next) {
        HASH_DEL(reading.places, place);
        free(place);
    }
    for (size_t i = 0; i < entries->count && is_fine; i++) {
        is_fine = look(operator, state, &entries->items[i], err);
    }
    if (!is_fine) {
        entries_finish(entries);
        return false;
    }
    if (entries->count > 1) {
        qsort(entries->items, entries->count, sizeof(*entries->items), compare);
    }
    return true;
}

void entries_finish(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].record);
        json_decref(entries->items[i].outcome);
    }
    free(entries->items);
    *entries = (struct entries){.items = NULL};
}
