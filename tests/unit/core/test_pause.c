#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/pause.h"

static struct pause make(enum pause_scope scope, const char *name, const char *reason, int64_t since_ms)
{
    struct pause pause = {.scope = scope, .since_ms = since_ms};

    snprintf(pause.name, sizeof(pause.name), "%s", name);
    snprintf(pause.by, sizeof(pause.by), "ann");
    snprintf(pause.reason, sizeof(pause.reason), "%s", reason);
    return pause;
}

static void add(struct pause_list *list, enum pause_scope scope, const char *name)
{
    struct pause pause = make(scope, name, "why", 1000);
    struct err err = {0};

    assert_true(pause_list_add(list, &pause, &err));
}

static void a_list_is_the_same_after_it_was_written_and_read(void **state)
{
    struct pause_list list = {.serial = 7}, read = {.serial = 0};
    struct pause pause = make(PAUSE_FLOW, "signup", "wrong \"text\" \xc5\x91", 1234);
    struct err err = {0};
    struct buf text;

    (void)state;
    add(&list, PAUSE_ALL, "");
    add(&list, PAUSE_CHANNEL, "sms");
    assert_true(pause_list_add(&list, &pause, &err));
    add(&list, PAUSE_PROVIDER, "brevo");
    buf_init(&text, 0);
    pause_list_format(&list, &text);
    assert_true(pause_list_parse(buf_slice(&text), &read, &err));
    assert_int_equal(read.serial, 7);
    assert_int_equal(read.count, 4);
    for (size_t i = 0; i < read.count; i++) {
        assert_memory_equal(&read.items[i], &list.items[i], sizeof(struct pause));
    }
    buf_finish(&text);
}

static void nothing_ever_paused_is_an_empty_text(void **state)
{
    struct pause_list list = {.serial = 3, .count = 1};
    struct err err = {0};
    struct buf text;

    (void)state;
    assert_true(pause_list_parse(SLICE(""), &list, &err));
    assert_int_equal(list.serial, 0);
    assert_int_equal(list.count, 0);
    buf_init(&text, 0);
    pause_list_format(&list, &text);
    assert_int_equal(text.len, 0);
    buf_finish(&text);
}

static const char *const wrong_texts[] = {
    "x",
    "0 []",
    "-1 []",
    "5",
    "5 ",
    "5 {}",
    "5 [1]",
    "5 [{}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\"}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\",\"since\":-1}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\",\"since\":\"1\"}]",
    "5 [{\"scope\":\"flow\",\"since\":1}]",
    "5 [{\"scope\":\"all\",\"name\":\"a\",\"since\":1}]",
    "5 [{\"scope\":\"planet\",\"name\":\"a\",\"since\":1}]",
    "5 [{\"scope\":\"flow\",\"name\":7,\"since\":1}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\\u0000b\",\"since\":1}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\\nb\",\"since\":1}]",
    "5 [{\"scope\":\"flow\",\"name\":\"a\",\"name\":\"b\",\"since\":1}]",
    "5 [{\"scope\":\"flow\",\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"since\":1}]",
    "5 []]",
};

static void a_text_that_is_no_list_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_texts) / sizeof(wrong_texts[0]); i++) {
        struct pause_list list = {.serial = 3};
        struct err err = {0};

        if (pause_list_parse(slice_of(wrong_texts[i]), &list, &err) || !err_is_set(&err)) {
            fail_msg("taken, or without a reason: %s", wrong_texts[i]);
        }
        assert_int_equal(list.serial, 3);
    }
}

static void what_is_paused_again_keeps_its_time(void **state)
{
    struct pause_list list = {.serial = 1};
    struct pause first = make(PAUSE_FLOW, "signup", "one", 1000), again = make(PAUSE_FLOW, "signup", "two", 2000);
    struct err err = {0};

    (void)state;
    assert_true(pause_list_add(&list, &first, &err));
    assert_true(pause_list_add(&list, &again, &err));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].since_ms, 1000);
    assert_string_equal(list.items[0].reason, "two");
}

static void a_list_has_a_most(void **state)
{
    struct pause_list list = {.serial = 1};
    struct pause pause;
    struct err err = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < PAUSE_MOST; i++) {
        snprintf(name, sizeof(name), "flow%d", i);
        add(&list, PAUSE_FLOW, name);
    }
    pause = make(PAUSE_FLOW, "one-more", "", 1);
    assert_false(pause_list_add(&list, &pause, &err));
    pause = make(PAUSE_FLOW, "flow5", "", 1);
    assert_true(pause_list_add(&list, &pause, &err));
}

static void only_what_was_named_is_lifted(void **state)
{
    struct pause_list list = {.serial = 1};

    (void)state;
    add(&list, PAUSE_FLOW, "email");
    add(&list, PAUSE_CHANNEL, "email");
    add(&list, PAUSE_ALL, "");
    assert_false(pause_list_remove(&list, PAUSE_PROVIDER, "email"));
    assert_true(pause_list_remove(&list, PAUSE_FLOW, "email"));
    assert_false(pause_list_remove(&list, PAUSE_FLOW, "email"));
    assert_null(pause_list_find(&list, PAUSE_FLOW, "email"));
    assert_non_null(pause_list_find(&list, PAUSE_CHANNEL, "email"));
    assert_non_null(pause_list_find(&list, PAUSE_ALL, ""));
}

static void every_scope_has_a_name_that_leads_back(void **state)
{
    enum pause_scope scope = PAUSE_ALL;

    (void)state;
    for (int i = 0; i < PAUSE_SCOPE_COUNT; i++) {
        assert_true(pause_scope_parse(slice_of(pause_scope_name((enum pause_scope)i)), &scope));
        assert_int_equal(scope, i);
    }
    assert_false(pause_scope_parse(SLICE("Flow"), &scope));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_the_same_after_it_was_written_and_read),
        cmocka_unit_test(nothing_ever_paused_is_an_empty_text),
        cmocka_unit_test(a_text_that_is_no_list_is_refused_and_changes_nothing),
        cmocka_unit_test(what_is_paused_again_keeps_its_time),
        cmocka_unit_test(a_list_has_a_most),
        cmocka_unit_test(only_what_was_named_is_lifted),
        cmocka_unit_test(every_scope_has_a_name_that_leads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
