#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "run/topics.h"

static void names_are_made_of_the_prefix(void **state)
{
    struct topics topics;
    struct err err = {0};

    (void)state;
    assert_true(topics_init(&topics, "shop-1.loyalty_x", &err));
    assert_string_equal(topics.outcomes, "shop-1.loyalty_x.outcomes");
    assert_string_equal(topics.dlq, "shop-1.loyalty_x.dlq");
    assert_string_equal(topics.held, "shop-1.loyalty_x.held");
    assert_string_equal(topics.retry[PARK_1M], "shop-1.loyalty_x.retry.1m");
    assert_string_equal(topics.retry[PARK_10M], "shop-1.loyalty_x.retry.10m");
    assert_string_equal(topics.retry[PARK_1H], "shop-1.loyalty_x.retry.1h");
    assert_string_equal(topics.retry[PARK_6H], "shop-1.loyalty_x.retry.6h");
}

static void a_prefix_that_is_no_part_of_a_topic_name_is_refused(void **state)
{
    static const char *const bad[] = {"", "a b", "a/b", "a\nb", "caf\xc3\xa9", "*"};
    char longest[202];
    struct topics topics;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};

        assert_false(topics_init(&topics, bad[i], &err));
        assert_non_null(strstr(err.text, "KAFKA_TOPIC_PREFIX"));
    }
    memset(longest, 'a', sizeof(longest));
    longest[201] = '\0';
    assert_false(topics_init(&topics, longest, NULL));
    longest[200] = '\0';
    assert_true(topics_init(&topics, longest, NULL));
}

static void only_retry_topics_have_a_tier(void **state)
{
    struct topics topics;
    enum park_tier tier = PARK_1M;

    (void)state;
    topics_init(&topics, "loyalty", NULL);
    assert_true(topics_find_tier(&topics, "loyalty.retry.1h", &tier));
    assert_int_equal(tier, PARK_1H);
    assert_false(topics_find_tier(&topics, "loyalty.events", &tier));
    assert_false(topics_find_tier(&topics, "loyalty.retry", &tier));
    assert_false(topics_find_tier(&topics, "loyalty.retry.2h", &tier));
    assert_false(topics_find_tier(&topics, "other.retry.1h", &tier));
    assert_int_equal(tier, PARK_1H);
}

static void an_input_that_takes_in_a_topic_of_our_own_is_refused(void **state)
{
    static const struct {
        const char *input, *own; /* NULL: fine */
    } cases[] = {
        {"loyalty.events", NULL},
        {"^loyalty\\.events(\\..*)?$", NULL},
        {"^shop\\.", NULL},
        {"loyalty.dlq.copy", NULL},
        {"loyalty.dlq", "loyalty.dlq"},
        {"loyalty.retry.6h", "loyalty.retry.6h"},
        {"^loyalty", "loyalty.outcomes"},
        {"^.*\\.held$", "loyalty.held"},
        {"^loyalty\\.(events|retry)", "loyalty.retry.1m"},
    };
    struct topics topics;

    (void)state;
    topics_init(&topics, "loyalty", NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const input[] = {"other", cases[i].input, NULL};
        struct err err = {0};

        assert_int_equal(topics_check_input(&topics, input, &err), cases[i].own == NULL);
        if (cases[i].own) {
            assert_non_null(strstr(err.text, cases[i].input));
            assert_non_null(strstr(err.text, cases[i].own));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_made_of_the_prefix),
        cmocka_unit_test(a_prefix_that_is_no_part_of_a_topic_name_is_refused),
        cmocka_unit_test(only_retry_topics_have_a_tier),
        cmocka_unit_test(an_input_that_takes_in_a_topic_of_our_own_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
