#include "workers/demo/demo_books.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"

#include "base/mem.h"
#include "core/outcome.h"
#include "core/plan.h"
#include "io/kafka_reader.h"

enum { STATES = OUTCOME_HELD + 1, READ_WAIT_MS = 200 };

/* One delivery that must have an outcome. */
struct entry {
    struct mid mid;
    const struct flow *flow;
    enum channel channel;
    int outcomes; /* distinct states seen: more than one is a contradiction */
    enum outcome_state state;
    bool is_contradictory;
    UT_hash_handle hh;
};

struct demo_books {
    const struct catalog *catalog;
    struct entry *entries; /* hash by mid */
    size_t seen, unexpected;
    size_t broken_expected, broken_seen;
    const struct demo_events *events;
    bool *is_broken_seen; /* per event */
    long accepted, duplicates;
};

static void expect(struct demo_books *books, const struct delivery *delivery, enum channel channel)
{
    struct entry *entry = NULL;

    HASH_FIND(hh, books->entries, &delivery->mid, sizeof(struct mid), entry);
    if (!entry) {
        entry = xcalloc(1, sizeof(*entry));
        entry->mid = delivery->mid;
        entry->flow = delivery->flow;
        entry->channel = channel;
        HASH_ADD(hh, books->entries, mid, sizeof(struct mid), entry);
    }
}

static void expect_event(struct demo_books *books, const struct demo_event *item)
{
    const struct record record = {.topic = "", .timestamp_ms = -1, .value = slice_make(item->value, item->len)};
    struct event event = {0};
    const char *reason = "";
    struct err err = {0};

    if (item->broken) {
        books->broken_expected++;
        return;
    }
    if (event_decode(&record, &event, &reason, &err)) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            struct plan plan;

            if (plan_make(books->catalog, &event, (enum channel)channel, &plan, &reason, &err)) {
                for (size_t i = 0; i < plan.count; i++) {
                    expect(books, &plan.deliveries[i], (enum channel)channel);
                }
            }
        }
    }
    event_finish(&event);
}

struct demo_books *demo_books_create(const struct catalog *catalog, const struct demo_events *events)
{
    struct demo_books *books = xcalloc(1, sizeof(*books));

    books->catalog = catalog;
    books->events = events;
    books->is_broken_seen = xcalloc(events->count, sizeof(bool));
    for (size_t i = 0; i < events->count; i++) {
        expect_event(books, &events->items[i]);
    }
    return books;
}

void demo_books_destroy(struct demo_books *books)
{
    struct entry *entry, *next;

    if (!books) {
        return;
    }
    HASH_ITER(hh, books->entries, entry, next)
    {
        HASH_DEL(books->entries, entry);
        free(entry);
    }
    free(books->is_broken_seen);
    free(books);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void note_outcome(struct demo_books *books, const struct kafka_record *record)
{
    struct outcome_summary summary;
    struct entry *entry = NULL;
    struct err err = {0};

    if (!outcome_parse(record->value, &summary, &err)) {
        books->unexpected++;
        return;
    }
    HASH_FIND(hh, books->entries, &summary.mid, sizeof(struct mid), entry);
    if (!entry) {
        books->unexpected++;
        return;
    }
    if (entry->outcomes == 0) {
        entry->state = summary.state;
        books->seen++;
    } else if (entry->state != summary.state) {
        entry->is_contradictory = true;
    }
    entry->outcomes++;
}

static bool has_header(const struct kafka_record *record, const char *name, const char *value)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0 && slice_is(record->headers[i].value, value)) {
            return true;
        }
    }
    return false;
}

static void note_dead(struct demo_books *books, const struct kafka_record *record)
{
    for (size_t i = 0; i < books->events->count; i++) {
        const struct demo_event *item = &books->events->items[i];

        if (item->broken && slice_equal(record->value, slice_make(item->value, item->len)) &&
            has_header(record, "perkline-reason", item->broken)) {
            books->broken_seen += !books->is_broken_seen[i];
            books->is_broken_seen[i] = true;
            return;
        }
    }
}

static bool read_topic(struct demo_books *books, const struct kafka_settings *kafka, const char *topic,
                       void (*note)(struct demo_books *, const struct kafka_record *), struct err *err)
{
    struct kafka_reader *reader = kafka_reader_open(kafka, topic, err);
    const struct kafka_record *record;
    bool is_end = false;
    bool is_fine = reader != NULL;

    while (is_fine && !is_end) {
        record = NULL;
        is_fine = kafka_reader_next(reader, READ_WAIT_MS, &record, &is_end, err);
        if (is_fine && record) {
            note(books, record);
        }
    }
    kafka_reader_close(reader);
    return is_fine;
}

bool demo_books_read(struct demo_books *books, const struct kafka_settings *kafka, const struct topics *topics,
                     struct err *err)
{
    struct entry *entry, *next;

    HASH_ITER(hh, books->entries, entry, next)
    {
        entry->outcomes = 0;
        entry->is_contradictory = false;
    }
    memset(books->is_broken_seen, 0, books->events->count * sizeof(bool));
    books->seen = books->unexpected = books->broken_seen = 0;
    return read_topic(books, kafka, topics->outcomes, note_outcome, err) &&
           read_topic(books, kafka, topics->dlq, note_dead, err);
}

void demo_books_set_sandbox(struct demo_books *books, long accepted, long duplicates)
{
    books->accepted = accepted;
    books->duplicates = duplicates;
}

/* --- balance ------------------------------------------------------------------------------------------------------ */

size_t demo_books_expected(const struct demo_books *books)
{
    return HASH_COUNT(books->entries);
}

size_t demo_books_seen(const struct demo_books *books)
{
    return books->seen;
}

bool demo_books_are_complete(const struct demo_books *books)
{
    return books->seen == HASH_COUNT(books->entries) && books->broken_seen == books->broken_expected;
}

struct row {
    size_t expected, states[STATES], missing;
};

static struct row count_row(const struct demo_books *books, const struct flow *flow, enum channel channel)
{
    struct row row = {0};
    const struct entry *entry;

    for (entry = books->entries; entry; entry = entry->hh.next) {
        if (entry->flow == flow && entry->channel == channel) {
            row.expected++;
            if (entry->outcomes > 0) {
                row.states[entry->state]++;
            } else {
                row.missing++;
            }
        }
    }
    return row;
}

static size_t print_table(const struct demo_books *books, FILE *to)
{
    size_t sent = 0;

    fprintf(to, "\n%-20s %-8s %9s %6s %11s %8s %6s %6s %8s\n", "flow", "channel", "expected", "sent", "suppressed",
            "expired", "dead", "held", "missing");
    for (size_t i = 0; i < catalog_flow_count(books->catalog); i++) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            const struct flow *flow = catalog_flow(books->catalog, i);
            struct row row = count_row(books, flow, (enum channel)channel);

            if (row.expected == 0) {
                continue;
            }
            fprintf(to, "%-20s %-8s %9zu %6zu %11zu %8zu %6zu %6zu %8zu\n", flow->name,
                    channel_name((enum channel)channel), row.expected, row.states[OUTCOME_SENT],
                    row.states[OUTCOME_SUPPRESSED], row.states[OUTCOME_EXPIRED], row.states[OUTCOME_DEAD],
                    row.states[OUTCOME_HELD], row.missing);
            sent += row.states[OUTCOME_SENT];
        }
    }
    return sent;
}

static size_t count_contradictions(const struct demo_books *books)
{
    const struct entry *entry;
    size_t count = 0;

    for (entry = books->entries; entry; entry = entry->hh.next) {
        count += entry->is_contradictory;
    }
    return count;
}

bool demo_books_print(const struct demo_books *books, FILE *to)
{
    size_t sent = print_table(books, to);
    size_t contradictions = count_contradictions(books);
    bool is_balanced = demo_books_are_complete(books) && books->duplicates == 0 && contradictions == 0 &&
                       books->unexpected == 0 && (long)sent == books->accepted;

    fprintf(to, "\nbroken records in the DLQ with their reason: %zu of %zu\n", books->broken_seen,
            books->broken_expected);
    fprintf(to, "messages that the sandbox holds: %ld (outcomes \"sent\": %zu)\n", books->accepted, sent);
    fprintf(to, "duplicates sent: %ld\n", books->duplicates);
    if (contradictions || books->unexpected) {
        fprintf(to, "deliveries with two different outcomes: %zu, outcomes that nobody asked for: %zu\n", contradictions,
                books->unexpected);
    }
    fprintf(to, "the books %s\n", is_balanced ? "balance" : "DO NOT BALANCE");
    return is_balanced;
}
