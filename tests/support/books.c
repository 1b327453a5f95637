#include "tests/support/books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/hash_table.h"
#include "base/mem.h"

enum { FAULTS_SHOWN = 20, SANDBOX_MOST = 100000 };

struct book_entry *books_find(const struct books *books, const char *mid)
{
    for (size_t i = 0; i < books->count; i++) {
        if (strcmp(books->entries[i].mid, mid) == 0) {
            return &books->entries[i];
        }
    }
    return NULL;
}

/* --- while reading: by mid ---------------------------------------------------------------------------------------- */

struct place {
    char mid[64];
    size_t index;
    UT_hash_handle hh;
};

struct reading {
    struct books *books;
    struct place *places;
};

static struct book_entry *get_entry(struct reading *reading, const char *mid, enum channel channel)
{
    struct books *books = reading->books;
    struct place *place = NULL;

    HASH_FIND_STR(reading->places, mid, place);
    if (!place) {
        place = xcalloc(1, sizeof(*place));
        snprintf(place->mid, sizeof(place->mid), "%s", mid);
        place->index = books->count;
        HASH_ADD_STR(reading->places, mid, place);
        books->entries = xreallocarray(books->entries, books->count + 1, sizeof(*books->entries));
        books->entries[books->count] = (struct book_entry){.channel = channel, .state = "", .reason = ""};
        snprintf(books->entries[books->count++].mid, sizeof(place->mid), "%s", mid);
    }
    return &books->entries[place->index];
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static enum channel channel_of(const json_t *object)
{
    enum channel channel;

    if (!channel_parse(slice_of(text_of(object, "channel")), &channel)) {
        die("a message or outcome without a channel");
    }
    return channel;
}

static bool is_operators(const char *reason)
{
    return strncmp(reason, "operator_", strlen("operator_")) == 0;
}

/* An explicit answer that comes late resolves what nobody could know: held may become sent. Else only an operator changes
 * an outcome: by a word of his own, or by letting it begin anew. */
static bool may_follow(const struct book_entry *before, const json_t *after)
{
    const char *state = text_of(after, "state");

    return strcmp(before->state, state) == 0 || (strcmp(before->state, "held") == 0 && strcmp(state, "sent") == 0) ||
           is_operators(before->reason) || is_operators(text_of(after, "reason"));
}

static void note_outcome(void *arg, const struct kafka_record *record)
{
    json_t *outcome = json_loadb(record->value.data, record->value.len, JSON_REJECT_DUPLICATES, NULL);
    struct book_entry *entry;

    if (!outcome) {
        die("an outcome that is no JSON");
    }
    entry = get_entry(arg, text_of(outcome, "mid"), channel_of(outcome));
    entry->is_contradictory |= entry->outcomes > 0 && !may_follow(entry, outcome);
    entry->outcomes++;
    json_decref(entry->outcome);
    entry->outcome = outcome;
    entry->state = text_of(outcome, "state");
    entry->reason = text_of(outcome, "reason");
}

/* Newest first. */
static json_t *read_messages(struct system *system)
{
    char path[64];

    snprintf(path, sizeof(path), "messages?limit=%d", SANDBOX_MOST);
    return system_ask_sandbox(system, path);
}

struct books *books_read(struct system *system)
{
    struct reading reading = {.books = xcalloc(1, sizeof(struct books))};
    json_t *all = read_messages(system);
    struct place *place, *next;
    json_t *message;
    size_t i;

    kafka_tool_read(system->kafka, system_topic(system, "outcomes"), note_outcome, &reading);
    json_array_foreach(json_object_get(all, "messages"), i, message) {
        struct book_entry *entry = get_entry(&reading, text_of(message, "mid"), channel_of(message));

        entry->accepted++;
        entry->first_id = (long long)json_integer_value(json_object_get(message, "id"));
    }
    json_decref(all);
    HASH_ITER(hh, reading.places, place, next) {
        HASH_DEL(reading.places, place);
        free(place);
    }
    return reading.books;
}

void books_destroy(struct books *books)
{
    if (books) {
        for (size_t i = 0; i < books->count; i++) {
            json_decref(books->entries[i].outcome);
        }
        free(books->entries);
        free(books);
    }
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

size_t books_count(const struct books *books, enum channel channel, const char *state)
{
    size_t count = 0;

    for (size_t i = 0; i < books->count; i++) {
        count += books->entries[i].channel == channel && strcmp(books->entries[i].state, state) == 0;
    }
    return count;
}

size_t books_count_all(const struct books *books, const char *state)
{
    size_t count = 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        count += books_count(books, (enum channel)channel, state);
    }
    return count;
}

/* NULL when all is well. A held delivery may be at the provider: nobody knows, that is why it is held. */
static const char *find_fault(const struct book_entry *entry)
{
    if (entry->accepted > 1) {
        return "taken twice by the provider";
    }
    if (entry->is_contradictory) {
        return "has two different outcomes";
    }
    if (strcmp(entry->state, "sent") == 0) {
        return entry->accepted == 1 ? NULL : "sent, says the outcome, and the provider has nothing";
    }
    if (strcmp(entry->state, "held") == 0 || entry->accepted == 0) {
        return NULL;
    }
    return "the provider has it, and the outcome does not say so";
}

char *books_find_faults(const struct books *books)
{
    struct buf text;
    int count = 0;

    buf_init(&text, 0);
    for (size_t i = 0; i < books->count; i++) {
        const struct book_entry *entry = &books->entries[i];
        const char *fault = find_fault(entry);

        if (fault && count++ < FAULTS_SHOWN) {
            buf_appendf(&text, "%s %s (%s %s): %s\n", channel_name(entry->channel), entry->mid, entry->state,
                        entry->reason, fault);
        }
    }
    if (count > FAULTS_SHOWN) {
        buf_appendf(&text, "... %d in all\n", count);
    }
    return buf_take(&text);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

struct last_seq {
    char to[96]; /* channel and address */
    long seq;
    UT_hash_handle hh;
};

/* Newest first, so the numbers must fall. */
static bool is_in_order(struct last_seq **table, const json_t *message)
{
    char to[96];
    long seq = strtol(text_of(message, "subject"), NULL, 10);
    struct last_seq *last = NULL;
    bool is_fine;

    snprintf(to, sizeof(to), "%s %s", text_of(message, "channel"), text_of(message, "to"));
    HASH_FIND_STR(*table, to, last);
    if (!last) {
        last = xcalloc(1, sizeof(*last));
        snprintf(last->to, sizeof(last->to), "%s", to);
        last->seq = seq + 1;
        HASH_ADD_STR(*table, to, last);
    }
    is_fine = seq < last->seq;
    last->seq = seq;
    return is_fine;
}

size_t books_count_disorder(struct system *system)
{
    json_t *all = read_messages(system);
    struct last_seq *table = NULL;
    struct last_seq *last, *next;
    size_t count = 0;
    json_t *message;
    size_t i;

    json_array_foreach(json_object_get(all, "messages"), i, message) {
        count += !is_in_order(&table, message);
    }
    json_decref(all);
    HASH_ITER(hh, table, last, next) {
        HASH_DEL(table, last);
        free(last);
    }
    return count;
}
