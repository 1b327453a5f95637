/* All four flows in all six languages on both channels, from the event in Kafka to the message at the provider. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"

enum { EVENTS = LOYALTY_TYPES * LOYALTY_LOCALES };

static const char *const flows[LOYALTY_TYPES] = {"signup", "tier_upgrade", "points_expiring", "redemption_ready"};

/* Member of the event: 100 * type + locale. */
static void publish_all(struct system *system)
{
    for (int type = 0; type < LOYALTY_TYPES; type++) {
        for (int locale = 0; locale < LOYALTY_LOCALES; locale++) {
            int member = 100 * type + locale;
            char *text = events_loyalty(loyalty_types[type], loyalty_locales[locale], member);
            char key[16];

            snprintf(key, sizeof(key), "m%d", member);
            events_publish(system, key, text);
            free(text);
        }
    }
    kafka_tool_flush(system->kafka);
}

/* One run for all tests: they look at what it left behind. */
static int set_up(void **state)
{
    const struct system_options options = {.has_repository_templates = true};
    struct system *system = system_create(&options);

    *state = system;
    system_start_ready_worker(system, 0, NULL);
    publish_all(system);
    publish_all(system);
    return system_wait_idle(system) ? 0 : -1;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void each_message_is_sent_once_though_each_event_came_twice(void **state)
{
    judge_all_sent(*state, EVENTS, EVENTS, 0);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void check_outcome(const struct book_entry *entry, bool seen[LOYALTY_TYPES][LOYALTY_LOCALES][CHANNEL_COUNT])
{
    const json_t *o = entry->outcome;
    const json_t *event = json_object_get(o, "event");
    const json_t *from = json_object_get(o, "from");
    long member = strtol(text_of(o, "member_id") + 1, NULL, 10);
    long type = member / 100, locale = member % 100;

    assert_int_equal(entry->outcomes, 1);
    assert_in_range(type, 0, LOYALTY_TYPES - 1);
    assert_in_range(locale, 0, LOYALTY_LOCALES - 1);
    assert_false(seen[type][locale][entry->channel]);
    seen[type][locale][entry->channel] = true;
    assert_string_equal(text_of(o, "state"), "sent");
    assert_string_equal(text_of(o, "flow"), flows[type]);
    assert_memory_equal(text_of(o, "locale"), loyalty_locales[locale], 2);
    assert_int_equal(strlen(text_of(o, "template_version")), 16);
    assert_string_equal(text_of(o, "provider"), "brevo");
    assert_string_not_equal(text_of(o, "provider_id"), "");
    assert_int_equal(json_integer_value(json_object_get(o, "attempts")), 1);
    assert_string_equal(text_of(event, "type"), loyalty_types[type]);
    assert_string_equal(text_of(event, "source"), "/test");
    assert_string_not_equal(text_of(event, "id"), "");
    assert_string_not_equal(text_of(event, "time"), "");
    assert_non_null(strstr(text_of(from, "topic"), ".events"));
    assert_true(json_is_integer(json_object_get(from, "partition")));
    assert_true(json_is_integer(json_object_get(from, "offset")));
    assert_string_not_equal(text_of(o, "time"), "");
    assert_true(json_is_integer(json_object_get(json_object_get(o, "timings_ms"), "total")));
}

static void each_event_flow_and_channel_has_one_outcome_with_all_its_fields(void **state)
{
    bool seen[LOYALTY_TYPES][LOYALTY_LOCALES][CHANNEL_COUNT] = {0};
    struct books *books = books_read(*state);

    assert_int_equal(books->count, 2 * EVENTS);
    for (size_t i = 0; i < books->count; i++) {
        check_outcome(&books->entries[i], seen);
    }
    books_destroy(books);
}

static void refuse_person(const char *where, const char *text)
{
    static const char *const words[] = {"@example.com", "+3620", "Ilona", "Secretname", "Larkspur Club", "HELLO200", NULL};

    for (size_t i = 0; words[i]; i++) {
        if (strstr(text, words[i])) {
            fail_msg("%s names \"%s\"", where, words[i]);
        }
    }
}

static void no_outcome_and_no_log_line_names_a_person(void **state)
{
    struct system *system = *state;
    struct books *books = books_read(system);
    char *log = process_output(system->workers[0]);

    for (size_t i = 0; i < books->count; i++) {
        char *text = json_dumps(books->entries[i].outcome, JSON_COMPACT);

        refuse_person("the outcome", text);
        free(text);
    }
    assert_non_null(strstr(log, "\"state\":\"sent\"")); /* there is something to be looked at */
    refuse_person("the log", log);
    free(log);
    books_destroy(books);
}

static json_t *read_request(const struct system *system, const json_t *summary)
{
    char path[64];
    json_t *message, *body;

    snprintf(path, sizeof(path), "messages/%lld", (long long)json_integer_value(json_object_get(summary, "id")));
    message = system_ask_sandbox(system, path);
    body = json_loads(text_of(json_object_get(message, "request"), "body"), 0, NULL);
    assert_non_null(body);
    json_decref(message);
    return body;
}

/* mid as a UUID: the same 16 bytes but for version and variant. */
static void check_key(const char *key, const char *mid)
{
    uint8_t bytes[16];
    char expected[UUID_TEXT_SIZE];

    assert_true(hex_parse(slice_of(mid), bytes, sizeof(bytes)));
    uuid_format(bytes, expected);
    assert_string_equal(key, expected);
}

static void check_email(const struct books *books, const json_t *request)
{
    const json_t *tags = json_object_get(request, "tags");
    const char *mid = json_string_value(json_array_get(tags, 0));
    const struct book_entry *entry = books_find(books, mid ? mid : "");

    assert_non_null(entry);
    assert_string_equal(json_string_value(json_array_get(tags, 1)), text_of(entry->outcome, "flow"));
    check_key(text_of(json_object_get(request, "headers"), "idempotencyKey"), mid);
    assert_string_not_equal(text_of(request, "subject"), "");
    assert_non_null(strstr(text_of(request, "htmlContent"), "<h1"));
    assert_string_not_equal(text_of(request, "textContent"), "");
    assert_null(strstr(text_of(request, "htmlContent"), "{{"));
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 128) {
        text++;
    }
    return *text == '\0';
}

static bool is_written_in_other_letters(const char *locale)
{
    return strcmp(locale, "bg") == 0 || strcmp(locale, "fa") == 0 || strcmp(locale, "hy") == 0;
}

static void check_text(const struct books *books, const json_t *request)
{
    const struct book_entry *entry = books_find(books, text_of(request, "tag"));
    const char *content = text_of(request, "content");
    bool is_unicode = json_is_true(json_object_get(request, "unicodeEnabled"));

    assert_non_null(entry);
    assert_int_equal(entry->channel, CHANNEL_SMS);
    assert_string_equal(text_of(request, "type"), "transactional");
    assert_string_not_equal(content, "");
    if (is_written_in_other_letters(text_of(entry->outcome, "locale"))) {
        assert_false(is_ascii(content));
        assert_true(is_unicode);
    }
    if (is_ascii(content) && !strchr(content, '`')) {
        assert_false(is_unicode);
    }
}

static void requests_carry_class_tags_key_and_alphabet(void **state)
{
    struct system *system = *state;
    struct books *books = books_read(system);
    json_t *all = system_ask_sandbox(system, "messages?limit=1000");
    json_t *summary;
    size_t i;

    assert_int_equal(json_array_size(json_object_get(all, "messages")), 2 * EVENTS);
    json_array_foreach(json_object_get(all, "messages"), i, summary) {
        json_t *request = read_request(system, summary);

        if (strcmp(text_of(summary, "channel"), "email") == 0) {
            check_email(books, request);
        } else {
            check_text(books, request);
        }
        json_decref(request);
    }
    json_decref(all);
    books_destroy(books);
}

static void sigterm_drains_and_leaves_nothing_to_do(void **state)
{
    struct system *system = *state;

    assert_int_equal(system_stop_worker(system, 0), 0);
    assert_true(process_has_printed(system->workers[0], "\"complete\":\"yes\""));
    assert_true(system_is_idle(system));
}

static void a_restarted_worker_sends_nothing_again(void **state)
{
    struct system *system = *state;

    system_start_ready_worker(system, 0, NULL);
    publish_all(system);
    judge_all_sent(system, EVENTS, EVENTS, 0);
    assert_int_equal(system_stop_worker(system, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_is_sent_once_though_each_event_came_twice),
        cmocka_unit_test(each_event_flow_and_channel_has_one_outcome_with_all_its_fields),
        cmocka_unit_test(no_outcome_and_no_log_line_names_a_person),
        cmocka_unit_test(requests_carry_class_tags_key_and_alphabet),
        cmocka_unit_test(sigterm_drains_and_leaves_nothing_to_do),
        cmocka_unit_test(a_restarted_worker_sends_nothing_again),
    };

    return cmocka_run_group_tests(tests, set_up, system_tear_down);
}
