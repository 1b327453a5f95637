#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/embed.h"

EMBED_FILE(embedded_text, "tests/unit/base/embedded.txt")
EMBED_FILE(embedded_again, "tests/unit/base/embedded.txt")

static void a_file_is_there_byte_for_byte_and_ends_in_nul(void **state)
{
    (void)state;
    assert_int_equal(embedded_text_len(), 35);
    assert_string_equal(embedded_text_data, "first line\nsecond line, no line end");
}

static void two_files_do_not_disturb_each_other(void **state)
{
    (void)state;
    assert_ptr_not_equal(embedded_text_data, embedded_again_data);
    assert_int_equal(embedded_again_len(), embedded_text_len());
    assert_memory_equal(embedded_again_data, embedded_text_data, embedded_text_len() + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_there_byte_for_byte_and_ends_in_nul),
        cmocka_unit_test(two_files_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
