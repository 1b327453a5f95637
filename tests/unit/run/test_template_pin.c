#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "run/template_pin.h"

#define A "00000000000000aa"
#define B "00000000000000bb"
#define C "00000000000000cc"

static void check_text(const struct template_pin *pin, const char *expected)
{
    struct buf text;

    buf_init(&text, 0);
    template_pin_format(pin, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_finish(&text);
}

static void a_pin_is_read_as_it_was_written(void **state)
{
    static const char *const texts[] = {"1 " A " ", "7 " A " " B, "12 " B " " C "," A};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct template_pin pin;

        assert_true(template_pin_parse(slice_of(texts[i]), &pin));
        assert_int_equal(pin.count, i);
        check_text(&pin, texts[i]);
    }
}

static void what_is_no_pin_means_that_nobody_chose(void **state)
{
    static const char *const texts[] = {
        "",          "1",         "0 " A " ",        "-1 " A " ",           "x " A " " B,
        "1 00aa " B, "1 " A " x", "1 " A " " B ",x", "1 00000000000000AA ", "99999999999999999999 " A " ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct template_pin pin = {.serial = 5};

        assert_false(template_pin_parse(slice_of(texts[i]), &pin));
        assert_int_equal(pin.serial, 0);
        assert_int_equal(pin.count, 0);
        check_text(&pin, "");
    }
}

static void a_choice_replaces_what_was_added_and_not_itself(void **state)
{
    struct template_pin pin = {0};

    (void)state;
    template_pin_add(&pin, B);
    template_pin_add(&pin, B);
    template_pin_choose(&pin, A);
    check_text(&pin, "1 " A " " B);
    assert_true(template_pin_replaces(&pin, B));
    assert_false(template_pin_replaces(&pin, A));
    assert_false(template_pin_replaces(&pin, C));
    template_pin_add(&pin, A);
    template_pin_choose(&pin, B); /* and back */
    check_text(&pin, "2 " B " " A);
}

static void the_oldest_of_too_many_gives_way(void **state)
{
    struct template_pin pin = {0};
    char version[VERSION_TEXT_SIZE];

    (void)state;
    for (int i = 0; i <= TEMPLATE_PIN_MOST; i++) {
        snprintf(version, sizeof(version), "%016x", i);
        template_pin_add(&pin, version);
    }
    assert_int_equal(pin.count, TEMPLATE_PIN_MOST);
    assert_false(template_pin_replaces(&pin, "0000000000000000"));
    assert_true(template_pin_replaces(&pin, "0000000000000001"));
    assert_true(template_pin_replaces(&pin, version));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_pin_means_that_nobody_chose),
        cmocka_unit_test(a_choice_replaces_what_was_added_and_not_itself),
        cmocka_unit_test(the_oldest_of_too_many_gives_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
