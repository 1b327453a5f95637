/* What is no event, or cannot become a message: it ends in the DLQ once, whole and explained, or in a named outcome. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/event.h"
#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/temp_dir.h"

static void write_templates(const struct system *system)
{
    static const char channel_email[] = "class: transactional\ndedupe: [member.id]\ndedupe_for: 30d\n"
                                        "channels:\n  email: { ambiguous: resend }\n";
    char *strict = xasprintf("on: test.strict\n%s", channel_email);
    char *aged = xasprintf("on: test.aged\nmax_age: 1h\n%s", channel_email);

    temp_dir_write(system->templates_dir, "strict/flow.yaml", strict);
    temp_dir_write(system->templates_dir, "strict/email.en.liquid",
                   "---\nsubject: Hello\n---\n<p>Dear member</p>\n<p>{{ gift.name }}</p>\n");
    temp_dir_write(system->templates_dir, "aged/flow.yaml", aged);
    temp_dir_write(system->templates_dir, "aged/email.en.liquid", "---\nsubject: News\n---\n<p>News</p>\n");
    free(strict);
    free(aged);
}

static int set_up(void **state)
{
    const struct system_options options = {0};
    struct system *system = system_create(&options);

    *state = system;
    write_templates(system);
    system_start_ready_worker(system, 0, NULL);
    return 0;
}

/* --- the DLQ ------------------------------------------------------------------------------------------------------ */

enum { DEAD_MOST = 32 };

struct dead {
    struct slice value; /* owned */
    char reason[64], detail[600], topic[128], partition[16], offset[24], trace[64];
};

struct dead_list {
    struct dead items[DEAD_MOST];
    size_t count;
};

static void copy_header(const struct kafka_record *record, const char *name, char *to, size_t size)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            snprintf(to, size, "%.*s", (int)record->headers[i].value.len, record->headers[i].value.data);
        }
    }
}

static void note_dead(void *arg, const struct kafka_record *record)
{
    struct dead_list *list = arg;
    struct dead *dead = &list->items[list->count++];

    assert_true(list->count < DEAD_MOST);
    *dead = (struct dead){.value = {NULL, record->value.len}};
    dead->value.data = record->value.data ? xmemdup(record->value.data, record->value.len) : NULL;
    copy_header(record, "perkline-reason", dead->reason, sizeof(dead->reason));
    copy_header(record, "perkline-detail", dead->detail, sizeof(dead->detail));
    copy_header(record, "perkline-topic", dead->topic, sizeof(dead->topic));
    copy_header(record, "perkline-partition", dead->partition, sizeof(dead->partition));
    copy_header(record, "perkline-offset", dead->offset, sizeof(dead->offset));
    copy_header(record, "x-trace", dead->trace, sizeof(dead->trace));
}

static struct dead_list *read_dlq(struct system *system)
{
    struct dead_list *list = xcalloc(1, sizeof(*list));

    assert_true(system_wait_idle(system));
    kafka_tool_read(system->kafka, system_topic(system, "dlq"), note_dead, list);
    return list;
}

static void free_dead(struct dead_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((char *)list->items[i].value.data);
    }
    free(list);
}

/* --- no events ---------------------------------------------------------------------------------------------------- */

#define ENVELOPE "\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/test\",\"type\":\"test.note\""
#define MEMBER "\"member\":{\"id\":\"m1\"}"

struct bad_record {
    const char *reason;
    struct slice value;
};

/* An event that is whole but for `filling` of `len` bytes in its data. */
static char *make_filled(const char *before, char filling, size_t len, const char *after)
{
    char *text = xmalloc(strlen(before) + len + strlen(after) + 1);

    memcpy(text, before, strlen(before));
    memset(text + strlen(before), filling, len);
    memcpy(text + strlen(before) + len, after, strlen(after) + 1);
    return text;
}

static void every_kind_of_bad_record_is_in_the_dlq_once_whole_and_explained(void **state)
{
    struct system *system = *state;
    char *large = make_filled("{" ENVELOPE ",\"data\":{" MEMBER ",\"x\":\"", 'a', EVENT_MOST_BYTES, "\"}}");
    char *largest = make_filled("", 'b', 1040000, "");
    char *deep = make_filled("{" ENVELOPE ",\"data\":{" MEMBER ",\"x\":", '[', EVENT_MOST_DEPTH, "");
    const struct bad_record bad[] = {
        {"not_json", SLICE("points=120;member=42")},
        {"not_json", SLICE("{" ENVELOPE ",\"data\":{" MEMBER "}")},
        {"too_large", slice_of(large)},
        {"too_large", slice_of(largest)},
        {"too_deep", slice_of(deep)},
        {"duplicate_key", SLICE("{" ENVELOPE ",\"id\":\"y\",\"data\":{" MEMBER "}}")},
        {"not_utf8", SLICE("{" ENVELOPE ",\"data\":{" MEMBER ",\"x\":\"\xff\"}}")},
        {"missing_attribute", SLICE("{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/test\",\"data\":{" MEMBER "}}")},
        {"missing_attribute", SLICE("{" ENVELOPE "}")},
        {"empty", {NULL, 0}},
        {"empty", SLICE("")},
        {"missing_field", SLICE("{" ENVELOPE ",\"data\":{" MEMBER "}}")}, /* note.seq, which makes its identity */
    };
    const struct kafka_header trace = {"x-trace", SLICE("abc")};
    struct dead_list *dead;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct kafka_tool_message message = {
            .partition = 1, .key = SLICE("m1"), .value = bad[i].value, .headers = &trace, .header_count = 1};

        kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
    }
    kafka_tool_flush(system->kafka);
    dead = read_dlq(system);
    assert_int_equal(dead->count, sizeof(bad) / sizeof(bad[0]));
    for (size_t i = 0; i < dead->count; i++) {
        const struct dead *one = &dead->items[i];
        long offset = strtol(one->offset, NULL, 10);

        assert_in_range(offset, 0, dead->count - 1);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(dead->items[k].offset, one->offset);
        }
        assert_string_equal(one->reason, bad[offset].reason);
        assert_true(slice_equal(one->value, bad[offset].value));
        assert_true((one->value.data == NULL) == (bad[offset].value.data == NULL)); /* a tombstone stays one */
        assert_string_equal(one->topic, system_topic(system, "events"));
        assert_string_equal(one->partition, "1");
        assert_string_equal(one->trace, "abc");
    }
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), 0);
    assert_int_equal(process_status(system->workers[0]), PROCESS_RUNS);
    free_dead(dead);
    free(large);
    free(largest);
    free(deep);
}

static void a_variable_that_is_not_there_sends_nothing_and_names_its_line(void **state)
{
    struct system *system = *state;
    struct dead_list *dead;

    events_publish(system, "m7",
                   "{\"specversion\":\"1.0\",\"id\":\"s\",\"source\":\"/test\",\"type\":\"test.strict\",\"data\":{\"member\":{"
                   "\"id\":\"m7\",\"email\":\"m7@example.com\",\"locale\":\"en\",\"consent\":{\"email\":true}}}}");
    kafka_tool_flush(system->kafka);
    dead = read_dlq(system);
    assert_int_equal(dead->count, 1);
    assert_string_equal(dead->items[0].reason, "undefined_variable");
    assert_non_null(strstr(dead->items[0].detail, "strict/email.en.liquid:5"));
    assert_non_null(strstr(dead->items[0].detail, "gift"));
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), 0);
    free_dead(dead);
}

/* --- events that become no message -------------------------------------------------------------------------------- */

static void an_event_of_unknown_type_is_counted_and_committed(void **state)
{
    static const char label[] = "unknown_type";
    struct system *system = *state;

    events_publish(system, "m1", "{\"specversion\":\"1.0\",\"id\":\"u\",\"source\":\"/test\",\"type\":\"test.nobody\","
                                 "\"data\":{\"member\":{\"id\":\"m1\"}}}");
    kafka_tool_flush(system->kafka);
    assert_true(system_wait_idle(system));
    assert_true(system_metric(system, 0, "perkline_records_total", label) == 2); /* once on each channel */
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "dlq")), 0);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), 0);
}

struct refusal {
    const char *name, *type, *time, *member;
    const char *state, *email_reason, *sms_reason; /* NULL: no delivery on that channel */
};

static const struct refusal refusals[] = {
    {"no recipient", "test.note", NULL, "", "suppressed", "no_address", "no_address"},
    {"an address that is none", "test.note", NULL, ",\"email\":\"a@@b\",\"phone\":\"12\"", "suppressed", "bad_address",
     "bad_address"},
    {"no consent", "test.note", NULL,
     ",\"email\":\"a@example.com\",\"phone\":\"+36201234567\",\"consent\":{\"email\":false,\"sms\":false}", "suppressed",
     "no_consent", "no_consent"},
    {"too old", "test.aged", "2020-01-01T00:00:00Z", ",\"email\":\"a@example.com\",\"consent\":{\"email\":true}",
     "expired", "too_old", NULL},
};

static void check_reasons(const struct books *books, const struct refusal *refusal, const char *member)
{
    size_t count = 0;

    for (size_t i = 0; i < books->count; i++) {
        const struct book_entry *entry = &books->entries[i];

        if (strcmp(json_string_value(json_object_get(entry->outcome, "member_id")), member) != 0) {
            continue;
        }
        count++;
        assert_int_equal(entry->outcomes, 1);
        assert_string_equal(entry->state, refusal->state);
        assert_string_equal(entry->reason,
                            entry->channel == CHANNEL_EMAIL ? refusal->email_reason : refusal->sms_reason);
    }
    assert_int_equal(count, refusal->sms_reason ? 2 : 1);
}

static void whoever_may_or_can_not_be_reached_has_a_named_outcome(void **state)
{
    struct system *system = *state;
    struct books *books;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *refusal = &refusals[i];
        char *text = xasprintf("{\"specversion\":\"1.0\",\"id\":\"r%zu\",\"source\":\"/test\",\"type\":\"%s\"%s%s%s,\"data\":{"
                               "\"note\":{\"seq\":1},\"member\":{\"id\":\"m%zu\",\"locale\":\"en\"%s}}}",
                               i, refusal->type, refusal->time ? ",\"time\":\"" : "", refusal->time ? refusal->time : "",
                               refusal->time ? "\"" : "", i, refusal->member);

        events_publish(system, "key", text);
        free(text);
    }
    kafka_tool_flush(system->kafka);
    assert_true(system_wait_idle(system));
    books = books_read(system);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        char member[16];

        snprintf(member, sizeof(member), "m%zu", i);
        check_reasons(books, &refusals[i], member);
    }
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), 0);
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "requests"), 0);
    books_destroy(books);
}

/* --- unusual, and yet fine ---------------------------------------------------------------------------------------- */

static void a_language_without_templates_falls_back_to_the_default(void **state)
{
    struct system *system = *state;
    struct books *books;

    events_publish(system, "m9",
                   "{\"specversion\":\"1.0\",\"id\":\"l\",\"source\":\"/test\",\"type\":\"test.note\",\"data\":{\"note\":{"
                   "\"seq\":1},\"member\":{\"id\":\"m9\",\"email\":\"m9@example.com\",\"phone\":\"+36201234567\",\"locale\":"
                   "\"cy-GB\",\"consent\":{\"email\":true,\"sms\":true}}}}");
    kafka_tool_flush(system->kafka);
    assert_true(system_wait_idle(system));
    books = books_read(system);
    assert_int_equal(books_count_all(books, "sent"), 2);
    for (size_t i = 0; i < books->count; i++) {
        assert_string_equal(json_string_value(json_object_get(books->entries[i].outcome, "locale")), "en");
    }
    books_destroy(books);
}

static void an_event_in_binary_mode_is_the_same_event(void **state)
{
    static const struct kafka_header headers[] = {
        {"ce_specversion", SLICE("1.0")}, {"ce_id", SLICE("b")}, {"ce_source", SLICE("/test")},
        {"ce_type", SLICE("test.note")},  {"content-type", SLICE("application/json")},
    };
    struct system *system = *state;
    const struct kafka_tool_message message = {
        .partition = -1,
        .key = SLICE("m3"),
        .value = SLICE("{\"note\":{\"seq\":1},\"member\":{\"id\":\"m3\",\"email\":\"m3@example.com\",\"phone\":\"+36201234567\","
              "\"locale\":\"en\",\"consent\":{\"email\":true,\"sms\":true}}}"),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0])};
    struct books *books;

    kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
    events_publish_note(system, 3, 1); /* the same business fact, as one JSON text */
    kafka_tool_flush(system->kafka);
    assert_true(system_wait_idle(system));
    books = books_read(system);
    assert_int_equal(books->count, 2);
    assert_int_equal(books_count_all(books, "sent"), 2);
    books_destroy(books);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_bad_record_is_in_the_dlq_once_whole_and_explained),
        TEST(a_variable_that_is_not_there_sends_nothing_and_names_its_line),
        TEST(an_event_of_unknown_type_is_counted_and_committed),
        TEST(whoever_may_or_can_not_be_reached_has_a_named_outcome),
        TEST(a_language_without_templates_falls_back_to_the_default),
        TEST(an_event_in_binary_mode_is_the_same_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
