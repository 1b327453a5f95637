/* Ten thousand members pass through, with faults on the way: no address, phone number, name or text of theirs is left in
 * logs, metrics or outcomes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/events.h"
#include "tests/support/system.h"

enum { MEMBERS = 10000, BROKEN = 50 };

/* As tests/support/events.c writes members, and as the flow `note` writes to them. */
static const char *find_person(const char *text)
{
    static const char *const marks[] = {"Ilona", "Secretname", "+3620", "3620000", "Note 1 for"};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strstr(text, marks[i])) {
            return marks[i];
        }
    }
    for (const char *at = text; (at = strstr(at, "member")); at += strlen("member")) {
        const char *digits = at + strlen("member");

        if (isdigit((unsigned char)*digits) && digits[strspn(digits, "0123456789")] == '@') {
            return "an address";
        }
    }
    return NULL;
}

static void assert_nobody(const char *where, const char *text)
{
    const char *found = find_person(text);

    if (found) {
        fail_msg("%s shows in %s", found, where);
    }
}

static void check_part(const char *where, const char *data, size_t len)
{
    char *text = strndup(data ? data : "", len);

    assert_nobody(where, text);
    free(text);
}

static void check_outcome(void *arg, const struct kafka_record *record)
{
    size_t *count = arg;

    check_part("a key", record->key.data, record->key.len);
    check_part("an outcome", record->value.data, record->value.len);
    for (size_t i = 0; i < record->header_count; i++) {
        check_part("a header", record->headers[i].value.data, record->headers[i].value.len);
    }
    ++*count;
}

static void publish_broken(struct system *system)
{
    for (int i = 0; i < BROKEN; i++) {
        events_publish(system, "m1", "{\"specversion\":\"1.0\",\"member\":\"member1@example.com Ilona Secretname +36201\"");
    }
    kafka_tool_flush(system->kafka);
}

static void publish_members(struct system *system, int first, int last)
{
    for (int member = first; member <= last; member++) {
        events_publish_note(system, member, 1);
    }
    kafka_tool_flush(system->kafka);
}

/* One fault after the other: a message that is refused after it may have arrived waits 19 minutes, until the provider can
 * be asked. */
static void of_ten_thousand_members_nothing_personal_is_left_behind(void **state)
{
    struct system *system = *state;
    const char *const env[] = {"LOG_LEVEL=debug", NULL};
    size_t outcomes = 0;
    char *answer, *log;

    system_start_ready_worker(system, 0, env);
    publish_broken(system);
    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_400\",\"probability\":0.02}]}");
    publish_members(system, 1, MEMBERS / 2);
    assert_true(system_wait_idle(system));
    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_500_after\",\"probability\":0.02}]}");
    publish_members(system, MEMBERS / 2 + 1, MEMBERS);
    assert_true(system_wait_idle(system));
    log = process_output(system->workers[0]);
    assert_nobody("the log", log);
    assert_true(strlen(log) > (size_t)MEMBERS * 100); /* there was something to find */
    free(log);
    assert_int_equal(system_ask_worker(system, 0, "/metrics", &answer), 200);
    assert_nobody("/metrics", answer);
    free(answer);
    kafka_tool_read(system->kafka, system_topic(system, "outcomes"), check_outcome, &outcomes);
    assert_true(outcomes >= (size_t)MEMBERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_ten_thousand_members_nothing_personal_is_left_behind, system_set_up, system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
