/* Templates that try to eat the machine end with an error, and soon. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/liquid/liquid.h"

static const struct liquid_limits message_limits = {.output_bytes = 256 << 10, .depth = 32, .steps = 10000};

/* Makes `s` 32 KiB long without a loop: every assign takes it four times. */
#define FOURFOLD "{% assign s = s | append: s | append: s | append: s %}"
#define GROW "{% assign s = 'abcdefgh' %}" FOURFOLD FOURFOLD FOURFOLD FOURFOLD FOURFOLD FOURFOLD

static const struct {
    const char *name;
    const char *template;
    const char *message; /* part of it */
} bombs[] = {
    {"a loop over a huge range", "{% for i in (1..999999999) %}{% endfor %}", "more than 10000 steps"},
    {"a table over a huge range", "{% tablerow i in (1..9223372036854775807) %}{% endtablerow %}", "steps"},
    {"loops in loops", "{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}", "steps"},
    {"a partial that renders itself", "{% render 'self' %}", "nested deeper than 32"},
    {"a partial that includes itself", "{% include 'self' %}", "nested deeper than 32"},
    {"a partial that renders itself twice", "{% render 'twice' %}{% render 'twice' %}", "nested deeper"},
    {"a partial for every number", "{% render 'dot' for (1..999999999) %}", "too many steps"},
    {"text that doubles", "{% assign s = 'ab' %}{% for i in (1..99) %}{% assign s = s | append: s %}{% endfor %}",
     "too much memory"},
    {"capture that doubles",
     "{% assign s = 'ab' %}{% for i in (1..99) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}",
     "more than 262144 bytes of output"},
    {"output that is too long", "{% for i in (1..9999) %}{{ 'abcdefghijklmnopqrstuvwxyz0123456789' }}{% endfor %}",
     "more than 262144 bytes of output"},
    {"a huge range as text", "{{ (1..999999999) | join: ', ' }}", "too much"},
    {"a huge range as a list", "{{ (1..999999999) | reverse | size }}", "too much memory"},
    {"the largest range as a list", "{{ (-9223372036854775807..9223372036854775807) | sort | size }}",
     "too much memory"},
    {"a huge range that is summed", "{{ (1..999999999) | sum }}", "too much time"},
    {"a huge range that is searched", "{{ (1..999999999) | find: 'x' }}", "find"},
    {"a split into many pieces", GROW "{{ s | split: '' | join: ' ' | split: '' | size }}", "too much"},
    {"text that is replaced by longer text", GROW "{{ s | replace: 'a', s | size }}", "too much memory"},
    {"text between all letters", GROW "{{ s | replace: '', s | size }}", "too much memory"},
    {"glue that is long", GROW "{{ (1..9999) | join: s | size }}", "too much memory"},
    {"uniq over many", "{{ (1..50000) | uniq | size }}", "too much"},
    {"long text looked at again and again",
     GROW "{% for i in (1..9999) %}{% if s contains 'abcdefghijk' %}x{% endif %}{{ s.size }}{% endfor %}",
     "too much time"},
    {"long texts compared again and again",
     GROW "{% capture t %}{{ s }}{% endcapture %}"
          "{% for i in (1..9999) %}{% if s == t %}{% assign x = 1 %}{% endif %}{% endfor %}",
     "too much time"},
    {"a long text filtered again and again",
     GROW "{% for i in (1..9999) %}{% assign t = s | upcase | size %}{% endfor %}", "too much"},
    {"a wide date", "{% for i in (1..9999) %}{{ 'now' | date: '%1000Y%1000Y%1000Y%1000Y' }}{% endfor %}", "more than"},
    {"many groups of cycle", "{% for i in (1..9999) %}{% cycle i: 'a', 'b' %}{% endfor %}", "too much time"},
};

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    (void)arg;
    if (strcmp(name, "self") == 0) {
        *text = SLICE("{% render 'self' %}");
        return true;
    }
    if (strcmp(name, "twice") == 0) {
        *text = SLICE("{% render 'twice' %}{% render 'twice' %}");
        return true;
    }
    *text = SLICE(".");
    return true;
}

static void bombs_end_with_an_error(void **state)
{
    struct liquid_options options = {.find_partial = find_partial};

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct liquid_scope scope = {.limits = message_limits};
        struct diag_list diags;
        struct liquid_template *template;
        struct liquid_error error;
        struct buf out;

        diag_list_init(&diags);
        buf_init(&out, 0);
        template = liquid_compile("bomb", slice_of(bombs[i].template), 1, &options, &diags);
        assert_non_null(template);
        if (liquid_render(template, &scope, &out, &error)) {
            fail_msg("%s: was rendered", bombs[i].name);
        }
        if (!strstr(error.message, bombs[i].message)) {
            fail_msg("%s: %s", bombs[i].name, error.message);
        }
        assert_true(out.len <= message_limits.output_bytes);
        liquid_destroy(template);
        buf_finish(&out);
        diag_list_finish(&diags);
    }
}

static void the_kind_of_error_is_told(void **state)
{
    static const struct {
        const char *template;
        enum liquid_problem problem;
    } cases[] = {
        {"{{ nothing }}", LIQUID_PROBLEM_UNDEFINED},
        {"{% for i in (1..9999) %}{{ 'abcdefghijklmnopqrstuvwxyz0123456789' }}{% endfor %}", LIQUID_PROBLEM_TOO_LARGE},
        {"{{ 1 | divided_by: 0 }}", LIQUID_PROBLEM_OTHER},
    };
    struct liquid_options options = {.is_strict = true};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct liquid_scope scope = {.limits = message_limits};
        struct diag_list diags;
        struct liquid_template *template;
        struct liquid_error error;
        struct buf out;

        diag_list_init(&diags);
        buf_init(&out, 0);
        template = liquid_compile("t", slice_of(cases[i].template), 1, &options, &diags);
        assert_non_null(template);
        assert_false(liquid_render(template, &scope, &out, &error));
        assert_int_equal(error.problem, cases[i].problem);
        liquid_destroy(template);
        buf_finish(&out);
        diag_list_finish(&diags);
    }
}

static void nesting_that_is_too_deep_does_not_compile(void **state)
{
    struct diag_list diags;
    struct buf text;

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        static const char *const pieces[] = {"{% if a %}", "{{ a[", "{{ ("};

        diag_list_init(&diags);
        buf_init(&text, 0);
        for (int i = 0; i < 100000; i++) {
            buf_append_text(&text, kind == 0 || i == 0 ? pieces[kind] : kind == 1 ? "a[" : "(");
        }
        buf_append_text(&text, "}}");
        assert_null(liquid_compile("deep", buf_slice(&text), 1, NULL, &diags));
        assert_true(diags.error_count > 0);
        assert_string_equal(diags.items[0].message, "nested too deep");
        buf_finish(&text);
        diag_list_finish(&diags);
    }
}

static void the_limit_counts_from_what_the_buffer_holds(void **state)
{
    struct liquid_scope scope = {.limits = {.output_bytes = 10, .depth = 10, .steps = 10}};
    struct diag_list diags;
    struct liquid_template *template;
    struct liquid_error error;
    struct buf out;

    (void)state;
    diag_list_init(&diags);
    buf_init(&out, 100);
    buf_append_text(&out, "what is there stays: ");
    template = liquid_compile("t", SLICE("0123456789"), 1, NULL, &diags);
    assert_true(liquid_render(template, &scope, &out, &error));
    assert_string_equal(buf_text(&out), "what is there stays: 0123456789");
    assert_int_equal(out.max, 100);
    liquid_destroy(template);
    buf_finish(&out);
    diag_list_finish(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bombs_end_with_an_error),
        cmocka_unit_test(the_kind_of_error_is_told),
        cmocka_unit_test(nesting_that_is_too_deep_does_not_compile),
        cmocka_unit_test(the_limit_counts_from_what_the_buffer_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
