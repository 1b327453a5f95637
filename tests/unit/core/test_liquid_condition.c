#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/liquid/liquid.h"

static const char data[] = "{\"tier\": {\"to\": \"gold\", \"level\": 3}, \"points\": 120, \"name\": \"\","
                           " \"tags\": [\"vip\", \"new\"], \"none\": null}";

static const struct {
    const char *name;
    const char *text;
    bool holds;
} cases[] = {
    {"text is equal", "tier.to == \"gold\"", true},
    {"text differs", "tier.to != 'bronze'", true},
    {"text is not equal", "tier.to == 'silver'", false},
    {"number is greater", "points > 100", true},
    {"number is not greater", "points > 120", false},
    {"at least", "points >= 120", true},
    {"at most", "tier.level <= 2.5", false},
    {"list contains", "tags contains 'vip'", true},
    {"list does not contain", "tags contains 'old'", false},
    {"presence", "tier", true},
    {"absence", "nothing", false},
    {"null is absent", "none", false},
    {"empty text is there, yet blank", "name and name == blank", true},
    {"size of a list", "tags.size == 2", true},
    {"and needs both", "points > 100 and tier.to == 'silver'", false},
    {"or needs one", "points < 100 or tier.to == 'gold'", true},
    {"conditions are joined from the right", "true or true and false", true},
    {"and before or from the right", "false and false or true", false},
    {"an undefined variable is nil", "member.age == nil", true},
    {"an undefined variable is not greater", "member.age > 18", false},
    {"what cannot be compared does not hold", "points < 'many'", false},
};

static void conditions_hold_as_they_say(void **state)
{
    json_t *json = json_loads(data, 0, NULL);
    struct liquid_scope scope = {.data = json};
    struct diag_list diags;

    (void)state;
    diag_list_init(&diags);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct liquid_condition *condition = liquid_condition_compile("flow.yaml", slice_of(cases[i].text), 3, &diags);

        assert_non_null(condition);
        if (liquid_condition_holds(condition, &scope) != cases[i].holds) {
            fail_msg("%s: %s", cases[i].name, cases[i].text);
        }
        liquid_condition_destroy(condition);
    }
    assert_int_equal(diags.count, 0);
    diag_list_finish(&diags);
    json_decref(json);
}

static void data_comes_before_more_data(void **state)
{
    json_t *first = json_pack("{s:s}", "kind", "first");
    json_t *second = json_pack("{s:s, s:i}", "kind", "second", "extra", 1);
    struct liquid_scope scope = {.data = first, .more_data = second};
    struct diag_list diags;
    struct liquid_condition *condition;

    (void)state;
    diag_list_init(&diags);
    condition = liquid_condition_compile("flow.yaml", SLICE("kind == 'first' and extra == 1"), 1, &diags);
    assert_non_null(condition);
    assert_true(liquid_condition_holds(condition, &scope));
    liquid_condition_destroy(condition);
    diag_list_finish(&diags);
    json_decref(first);
    json_decref(second);
}

static void a_wrong_condition_is_reported_with_its_place(void **state)
{
    static const struct {
        const char *text;
        int column;
        const char *message;
    } wrong[] = {
        {"points >", 9, "expected a value but found the end"},
        {"points = 3", 8, "unexpected \"=\""},
        {"tier.to == 'gold", 12, "expected a value but found a text without a closing quote"},
        {"a == b | upcase", 8, "unexpected \"|\""},
        {"", 1, "expected a value but found the end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct diag_list diags;

        diag_list_init(&diags);
        assert_null(liquid_condition_compile("flow.yaml", slice_of(wrong[i].text), 7, &diags));
        assert_int_equal(diags.error_count, 1);
        assert_string_equal(diags.items[0].file, "flow.yaml");
        assert_int_equal(diags.items[0].line, 7);
        assert_int_equal(diags.items[0].column, wrong[i].column);
        assert_string_equal(diags.items[0].message, wrong[i].message);
        diag_list_finish(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_hold_as_they_say),
        cmocka_unit_test(data_comes_before_more_data),
        cmocka_unit_test(a_wrong_condition_is_reported_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
