#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/front_matter.h"

static void the_two_parts_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *yaml; /* NULL: none */
        const char *body;
        int body_line;
    } cases[] = {
        {"none", "<p>x</p>\n---\n", NULL, "<p>x</p>\n---\n", 1},
        {"ordinary", "---\na: b\n---\nbody\n", "a: b\n", "body\n", 4},
        {"empty", "---\n---\nbody", "", "body", 3},
        {"line ends of Windows", "---\r\na: b\r\n---\r\nbody", "a: b\r\n", "body", 4},
        {"blanks behind the dashes", "--- \na: b\n---\t\nbody", "a: b\n", "body", 4},
        {"a byte order mark", "\xef\xbb\xbf---\na: b\n---\nbody", "a: b\n", "body", 4},
        {"a rule in the body", "---\na: b\n---\nx\n---\ny", "a: b\n", "x\n---\ny", 4},
        {"four dashes are none", "----\nx", NULL, "----\nx", 1},
        {"no body", "---\na: b\n---", "a: b\n", "", 4},
        {"nothing", "", NULL, "", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct front_matter parts;
        struct diag_list diags;

        diag_list_init(&diags);
        assert_true(front_matter_split("f", slice_of(cases[i].text), &parts, &diags));
        if (!slice_is(parts.body, cases[i].body) || parts.body_line != cases[i].body_line ||
            (parts.yaml.data != NULL) != (cases[i].yaml != NULL) ||
            (cases[i].yaml && (!slice_is(parts.yaml, cases[i].yaml) || parts.yaml_line != 2))) {
            fail_msg("%s", cases[i].name);
        }
        assert_int_equal(diags.count, 0);
        diag_list_finish(&diags);
    }
}

static void front_matter_without_an_end_is_refused(void **state)
{
    static const char *const texts[] = {"---\na: b\nbody\n", "---", "---\n", "---\na: b\n--- x\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct front_matter parts;
        struct diag_list diags;

        diag_list_init(&diags);
        assert_false(front_matter_split("f", slice_of(texts[i]), &parts, &diags));
        assert_int_equal(diags.error_count, 1);
        assert_int_equal(diags.items[0].line, 1);
        diag_list_finish(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_parts_are_told_apart),
        cmocka_unit_test(front_matter_without_an_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
