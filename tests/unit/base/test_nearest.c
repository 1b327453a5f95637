#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/args.h"
#include "base/nearest.h"

static void distances_count_letters_inserted_dropped_replaced_and_swapped(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},           {"limit", "limit", 0},  {"limit", "limi", 1},  {"limit", "limits", 1},
        {"limit", "lamit", 1}, {"limit", "ilmit", 1},  {"limit", "limti", 1}, {"limit", "ilmti", 2},
        {"ab", "", 2},         {"abc", "", 3},         {"limit", "lim", 2},   {"limit", "li", 3},
        {"abcd", "dcba", 3},   {"kitten", "sitting", 3}, {"xlimit", "limitx", 2}, {"ca", "abc", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(nearest_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void very_long_words_are_far_from_everything(void **state)
{
    char longest[NEAREST_MOST_LEN + 1], too_long[NEAREST_MOST_LEN + 2];

    (void)state;
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(nearest_distance(longest, longest), 0);
    assert_int_equal(nearest_distance(longest, longest + 1), 1);
    assert_int_equal(nearest_distance(too_long, too_long), NEAREST_MOST_DISTANCE + 1);
    assert_int_equal(nearest_distance(longest, too_long), NEAREST_MOST_DISTANCE + 1);
}

static void the_nearest_name_is_found_or_none(void **state)
{
    static const char *const names[] = {"limit", "list", "from", "to", NULL};
    static const char *const none[] = {NULL};

    (void)state;
    assert_string_equal(nearest_find("limt", names), "limit");
    assert_string_equal(nearest_find("lst", names), "list");
    assert_string_equal(nearest_find("form", names), "from");
    assert_string_equal(nearest_find("lit", names), "list");
    assert_string_equal(args_nearest("tp", names), "to");
    assert_null(nearest_find("xy", names));
    assert_null(nearest_find("", names));
    assert_null(nearest_find("channels", names));
    assert_null(nearest_find("limit", none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_count_letters_inserted_dropped_replaced_and_swapped),
        cmocka_unit_test(very_long_words_are_far_from_everything),
        cmocka_unit_test(the_nearest_name_is_found_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
