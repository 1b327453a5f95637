#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/message.h"

enum { FIELDS = 10 };

static char **field(struct message *message, int index)
{
    char **const fields[FIELDS] = {
        &message->to,      &message->to_name, &message->from_address, &message->from_name,       &message->reply_to,
        &message->subject, &message->html,    &message->text,         &message->unsubscribe_url, &message->sms_sender,
    };

    return fields[index];
}

static struct message make(void)
{
    struct message message = {.channel = CHANNEL_EMAIL, .class = FLOW_MARKETING};

    for (int i = 0; i < FIELDS; i++) {
        *field(&message, i) = xasprintf("field %d", i);
    }
    message_seal(&message);
    return message;
}

static void set(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

static void a_fingerprint_is_16_hex_digits_and_repeats(void **state)
{
    struct message a = make(), b = make();

    (void)state;
    assert_int_equal(strlen(a.fingerprint), 16);
    assert_int_equal(strspn(a.fingerprint, "0123456789abcdef"), 16);
    assert_string_equal(a.fingerprint, b.fingerprint);
    message_finish(&a);
    message_finish(&b);
}

/* Made with another tool from the same bytes, so that no later change alters fingerprints that are stored. */
static void the_form_of_the_fingerprint_does_not_change(void **state)
{
    struct message sms = {.channel = CHANNEL_SMS, .to = xstrdup("+36301234567"), .text = xstrdup("Hello")};

    (void)state;
    message_seal(&sms);
    assert_string_equal(sms.fingerprint, "c3c8a6d6ccedca18");
    message_finish(&sms);
}

static void each_field_that_a_customer_sees_changes_it(void **state)
{
    (void)state;
    for (int i = 0; i < FIELDS; i++) {
        struct message message = make();
        char before[FINGERPRINT_TEXT_SIZE], with_empty[FINGERPRINT_TEXT_SIZE];

        memcpy(before, message.fingerprint, sizeof(before));
        set(field(&message, i), "other");
        message_seal(&message);
        assert_string_not_equal(message.fingerprint, before);
        set(field(&message, i), "");
        message_seal(&message);
        memcpy(with_empty, message.fingerprint, sizeof(with_empty));
        set(field(&message, i), NULL);
        message_seal(&message);
        assert_string_not_equal(message.fingerprint, with_empty);
        assert_string_not_equal(message.fingerprint, before);
        message_finish(&message);
    }
}

static void the_channel_changes_it_and_the_version_does_not(void **state)
{
    struct message message = make();
    char before[FINGERPRINT_TEXT_SIZE];

    (void)state;
    memcpy(before, message.fingerprint, sizeof(before));
    memcpy(message.version, "0123456789abcdef", 17);
    memcpy(message.locale, "hu", 3);
    message_seal(&message);
    assert_string_equal(message.fingerprint, before);
    message.channel = CHANNEL_SMS;
    message_seal(&message);
    assert_string_not_equal(message.fingerprint, before);
    message_finish(&message);
}

static void bytes_that_move_between_fields_change_it(void **state)
{
    struct message a = {.subject = xstrdup("ab"), .html = xstrdup("c")};
    struct message b = {.subject = xstrdup("a"), .html = xstrdup("bc")};

    (void)state;
    message_seal(&a);
    message_seal(&b);
    assert_string_not_equal(a.fingerprint, b.fingerprint);
    message_finish(&a);
    message_finish(&b);
}

static void finishing_leaves_nothing_and_may_be_repeated(void **state)
{
    struct message message = make();

    (void)state;
    message_finish(&message);
    for (int i = 0; i < FIELDS; i++) {
        assert_null(*field(&message, i));
    }
    assert_string_equal(message.fingerprint, "");
    message_finish(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_is_16_hex_digits_and_repeats),
        cmocka_unit_test(the_form_of_the_fingerprint_does_not_change),
        cmocka_unit_test(each_field_that_a_customer_sees_changes_it),
        cmocka_unit_test(the_channel_changes_it_and_the_version_does_not),
        cmocka_unit_test(bytes_that_move_between_fields_change_it),
        cmocka_unit_test(finishing_leaves_nothing_and_may_be_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
