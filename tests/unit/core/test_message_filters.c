#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/message_filters.h"

static const char english[] = "hello: \"Hello {name}\"\n"
                              "plain: No values here\n"
                              "points:\n  one: \"{count} point\"\n  other: \"{count} points\"\n"
                              "both: \"{count} of {most}\"\n";

/* Event at 2026-11-21T22:30:00Z: 2 o'clock of the 22nd in Tehran. */
static const int64_t now_ms = 1795300200000;

static char *render(struct locale_set *locales, const char *tag, const char *template_text, const char *data_text,
                    struct liquid_error *error)
{
    struct liquid_options options = {.escape = LIQUID_ESCAPE_HTML, .is_strict = true, .filters = message_filters};
    struct locale *locale = locale_set_get(locales, tag);
    struct message_context context = {.locales = locales, .locale = locale, .now_ms = now_ms};
    json_t *data = json_loads(data_text, 0, NULL);
    struct liquid_scope scope = {.data = data, .now_ms = now_ms, .filter_context = &context};
    struct liquid_template *template;
    struct strings *strings;
    struct diag_list diags;
    struct buf out;
    bool is_done;

    assert_non_null(data);
    diag_list_init(&diags);
    strings = strings_parse("en.yaml", slice_of(english), locale_set_get(locales, "en"), &diags);
    template = liquid_compile("t", slice_of(template_text), 1, &options, &diags);
    if (diags.count) {
        fail_msg("%s: %s", template_text, diags.items[0].message);
    }
    context.strings = strings;
    context.zone = slice_of(json_string_value(json_object_get(data, "zone")));
    buf_init(&out, 0);
    is_done = liquid_render(template, &scope, &out, error);
    liquid_destroy(template);
    strings_destroy(strings);
    diag_list_finish(&diags);
    json_decref(data);
    if (!is_done) {
        buf_finish(&out);
        return NULL;
    }
    return buf_take(&out);
}

struct filter_case {
    const char *tag;
    const char *template;
    const char *data;
    const char *expected;
};

static void check_all(struct locale_set *locales, const struct filter_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct liquid_error error = {.message = ""};
        char *text = render(locales, cases[i].tag, cases[i].template, cases[i].data, &error);

        if (!text || strcmp(text, cases[i].expected) != 0) {
            fail_msg("%s %s: \"%s\" %s", cases[i].template, cases[i].data, text ? text : "(failed)", error.message);
        }
        free(text);
    }
}

static void values_are_written_as_the_language_does(void **state)
{
    static const struct filter_case cases[] = {
        {"en", "{{ n | number }}", "{\"n\": 1234567}", "1,234,567"},
        {"en", "{{ n | number }}", "{\"n\": -0.5}", "-0.5"},
        {"en", "{{ n | number }}", "{\"n\": \"1234.5\"}", "1,234.5"},
        {"en", "{{ n | number }}", "{\"n\": 9223372036854775807}", "9,223,372,036,854,775,807"},
        {"ro", "{{ n | number }}", "{\"n\": 12345}", "12.345"},
        {"fa-IR", "{{ n | number }}", "{\"n\": 12345}", "۱۲٬۳۴۵"},
        {"en", "{{ n | money: \"EUR\" }}", "{\"n\": 12.5}", "€12.50"},
        {"en", "{{ n | money: c }}", "{\"n\": \"7\", \"c\": \"USD\"}", "$7.00"},
        {"en", "{{ d | local_date }}", "{\"d\": \"2026-12-24\"}", "Dec 24, 2026"},
        {"en", "{{ d | local_date: \"short\" }}", "{\"d\": \"2026-12-24\"}", "12/24/26"},
        {"hu", "{{ d | local_date: \"long\" }}", "{\"d\": \"2026-12-24\"}", "2026. december 24."},
        /* a calendar date is the same day everywhere, a moment is not */
        {"en", "{{ d | local_date }}", "{\"d\": \"2026-12-24\", \"zone\": \"Pacific/Honolulu\"}", "Dec 24, 2026"},
        {"en", "{{ d | local_date }}", "{\"d\": \"2026-12-24T23:30:00Z\", \"zone\": \"Europe/Budapest\"}",
         "Dec 25, 2026"},
        {"en", "{{ d | local_date }}", "{\"d\": \"2026-12-24T23:30:00Z\"}", "Dec 24, 2026"},
        {"en", "{{ d | local_date }}", "{\"d\": \"2026-12-24T23:30:00Z\", \"zone\": \"Europe/Nowhere\"}",
         "Dec 24, 2026"},
        {"en", "{{ 'now' | local_date }}", "{\"zone\": \"Europe/Budapest\"}", "Nov 21, 2026"},
        {"fa", "{{ d | local_date: \"long\" }}", "{\"d\": \"2026-11-21\"}", "۳۰ آبان ۱۴۰۵"},
        {"en", "{{ d | local_date }}", "{\"d\": \"2024-02-29\"}", "Feb 29, 2024"},
    };

    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void time_left_is_never_more_than_there_is(void **state)
{
    static const struct filter_case cases[] = {
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-24\"}", "3 days"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-24\", \"zone\": \"Asia/Tehran\"}", "2 days"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-22\"}", "1 day"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-21\"}", "0 days"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2020-01-01\"}", "0 days"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-23T22:29:59Z\"}", "1 day"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-22T22:29:59Z\"}", "23 hours"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-21T23:29:59Z\"}", "59 minutes"},
        {"en", "{{ d | time_left }}", "{\"d\": \"2026-11-21T22:00:00Z\"}", "0 minutes"},
        {"hu", "{{ d | time_left }}", "{\"d\": \"2026-11-24\"}", "3 nap"},
        {"ro", "{{ d | time_left }}", "{\"d\": \"2026-12-25\"}", "34 de zile"},
    };

    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void texts_are_translated_counted_and_escaped(void **state)
{
    static const struct filter_case cases[] = {
        {"en", "{{ 'plain' | t }}", "{}", "No values here"},
        {"en", "{{ 'hello' | t: name: n }}", "{\"n\": \"<Ada>\"}", "Hello &lt;Ada&gt;"},
        {"en", "{{ 'points' | t: count: n }}", "{\"n\": 1}", "1 point"},
        {"en", "{{ 'points' | t: count: n }}", "{\"n\": 12345}", "12,345 points"},
        {"en", "{{ 'points' | t: count: n }}", "{\"n\": 1.5}", "1.5 points"},
        {"en", "{{ 'points' | t: count: n }}", "{\"n\": \"1\"}", "1 point"},
        {"en", "{{ 'both' | t: most: 2000, count: 5 }}", "{}", "5 of 2,000"},
        {"en", "{{ k | t }}", "{\"k\": \"plain\"}", "No values here"},
    };

    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void what_cannot_be_written_is_named(void **state)
{
    static const struct filter_case cases[] = {
        {"en", "{{ n | number }}", "{\"n\": \"12a\"}", "number: '12a' is no number"},
        {"en", "{{ n | number }}", "{\"n\": \"1e9\"}", "number: '1e9' is no number"},
        {"en", "{{ n | number }}", "{\"n\": \"-\"}", "number: '-' is no number"},
        {"en", "{{ n | number }}", "{\"n\": \"1.\"}", "number: '1.' is no number"},
        {"en", "{{ n | number }}", "{\"n\": 1e300}", "is no number"},
        {"en", "{{ n | number }}", "{\"n\": \"1000000000000000000000\"}", "is no number"},
        {"en", "{{ n | number }}", "{\"n\": null}", "number: the value is missing"},
        {"en", "{{ n | number }}", "{\"n\": [1]}", "is no number"},
        {"en", "{{ n | money }}", "{\"n\": 1}", "money: name the currency"},
        {"en", "{{ n | money: \"FORINT\" }}", "{\"n\": 1}", "money: 'FORINT' is no currency"},
        {"en", "{{ n | money: \"EUR\" }}", "{\"n\": 9223372036854775807}", "is no amount"},
        {"en", "{{ n | local_date }}", "{\"n\": \"2026-02-29\"}", "local_date: '2026-02-29' is no date"},
        {"en", "{{ n | local_date }}", "{\"n\": \"21.11.2026\"}", "is no date"},
        {"en", "{{ n | local_date }}", "{\"n\": 5}", "is no date"},
        {"en", "{{ n | local_date: \"huge\" }}", "{\"n\": \"2026-02-28\"}", "local_date: the style must be"},
        {"en", "{{ n | time_left }}", "{\"n\": \"soon\"}", "time_left: 'soon' is no date"},
        {"en", "{{ 'gone' | t }}", "{}", "t: no text 'gone' in the strings of 'en'"},
        {"en", "{{ 'hello' | t }}", "{}", "t: 'hello' needs a value for {name}"},
        {"en", "{{ 'hello' | t: name: n }}", "{\"n\": null}", "t: 'hello' needs a value for {name}"},
        {"en", "{{ 'points' | t }}", "{}", "needs a number as count"},
        {"en", "{{ 'points' | t: count: n }}", "{\"n\": \"many\"}", "needs a number as count"},
        {"en", "{{ n | t }}", "{\"n\": 5}", "t: '5' is no key"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct liquid_error error = {.message = ""};
        char *text = render(*state, cases[i].tag, cases[i].template, cases[i].data, &error);

        if (text || !strstr(error.message, cases[i].expected)) {
            fail_msg("%s %s: \"%s\" %s", cases[i].template, cases[i].data, text ? text : "", error.message);
        }
    }
}

static int make_set(void **state)
{
    *state = locale_set_create();
    return 0;
}

static int drop_set(void **state)
{
    locale_set_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_the_language_does),
        cmocka_unit_test(time_left_is_never_more_than_there_is),
        cmocka_unit_test(texts_are_translated_counted_and_escaped),
        cmocka_unit_test(what_cannot_be_written_is_named),
    };

    return cmocka_run_group_tests(tests, make_set, drop_set);
}
