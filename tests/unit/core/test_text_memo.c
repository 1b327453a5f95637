#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text_memo.h"

static void assert_known(const struct text_memo *memo, int64_t number, const char *expected)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(text_memo_append(memo, number, &out), expected != NULL);
    assert_string_equal(buf_text(&out), expected ? expected : "");
    buf_finish(&out);
}

static void a_number_gives_only_its_own_text(void **state)
{
    struct text_memo memo = {0};

    (void)state;
    assert_known(&memo, 0, NULL);
    text_memo_put(&memo, 0, SLICE("zero"));
    text_memo_put(&memo, -1, SLICE("minus one"));
    text_memo_put(&memo, INT64_MIN + 5, SLICE("least"));
    assert_known(&memo, 0, "zero");
    assert_known(&memo, -1, "minus one");
    assert_known(&memo, INT64_MIN + 5, "least");
    assert_known(&memo, TEXT_MEMO_SLOTS, NULL); /* the slot of zero */
}

static void a_number_displaces_one_of_the_same_slot(void **state)
{
    struct text_memo memo = {0};

    (void)state;
    text_memo_put(&memo, 3, SLICE("three"));
    text_memo_put(&memo, 3 + TEXT_MEMO_SLOTS, SLICE("other"));
    assert_known(&memo, 3, NULL);
    assert_known(&memo, 3 + TEXT_MEMO_SLOTS, "other");
}

static void what_does_not_fit_is_not_kept(void **state)
{
    char text[TEXT_MEMO_BYTES + 2] = {0};
    struct text_memo memo = {0};

    (void)state;
    for (int i = 0; i <= TEXT_MEMO_BYTES; i++) {
        text[i] = 'x';
    }
    text_memo_put(&memo, 1, slice_make(text, TEXT_MEMO_BYTES + 1));
    assert_known(&memo, 1, NULL);
    text[TEXT_MEMO_BYTES] = '\0';
    text_memo_put(&memo, 1, slice_make(text, TEXT_MEMO_BYTES));
    assert_known(&memo, 1, text);
    text_memo_put(&memo, 2, SLICE(""));
    assert_known(&memo, 2, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_gives_only_its_own_text),
        cmocka_unit_test(a_number_displaces_one_of_the_same_slot),
        cmocka_unit_test(what_does_not_fit_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
