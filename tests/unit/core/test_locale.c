#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/locale.h"

static const int64_t nov_21_2026 = 1795219200000; /* 2026-11-21T00:00:00Z */

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

/* No-break and narrow no-break spaces differ between versions of CLDR; what matters is that there is a space. Marks of
 * direction are dropped for the same reason. */
static void plain_spaces(struct buf *text)
{
    char *to = text->data;

    for (const char *p = text->data; *p;) {
        if (memcmp(p, "\xc2\xa0", 2) == 0) {
            *to++ = ' ';
            p += 2;
        } else if (strncmp(p, "\xe2\x80\xaf", 3) == 0) {
            *to++ = ' ';
            p += 3;
        } else if (strncmp(p, "\xe2\x80\x8e", 3) == 0) {
            p += 3;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
}

static void tags_are_brought_to_one_form(void **state)
{
    static const struct {
        const char *text;
        const char *tag; /* NULL: refused */
    } cases[] = {
        {"hu", "hu"},
        {"hu-HU", "hu-HU"},
        {"hu_HU", "hu-HU"},
        {"HU-hu", "hu-HU"},
        {"zh_hant_tw", "zh-Hant-TW"},
        {"sr-latn", "sr-Latn"},
        {"es-419", "es-419"},
        {"fil", "fil"},
        {"", NULL},
        {"h", NULL},
        {"hu-", NULL},
        {"hu--HU", NULL},
        {"-hu", NULL},
        {"hungarian", NULL},
        {"hu-H", NULL},
        {"hu-HU-x", NULL},
        {"hu-HUN", NULL},
        {"12", NULL},
        {"hu HU", NULL},
        {"hu-HU.UTF-8", NULL},
        {"../../x", NULL},
        {"zh-Hant-TW-1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char tag[LOCALE_TAG_SIZE];
        bool is_tag = locale_tag_parse(slice_of(cases[i].text), tag);

        if (cases[i].tag) {
            assert_true(is_tag);
            assert_string_equal(tag, cases[i].tag);
        } else if (is_tag) {
            fail_msg("taken: \"%s\"", cases[i].text);
        }
    }
    assert_true(locale_tag_has_same_language("hu-HU", "hu"));
    assert_false(locale_tag_has_same_language("hu", "h"));
    assert_false(locale_tag_has_same_language("fil", "fi"));
}

static void a_language_nobody_knows_is_noticed(void **state)
{
    (void)state;
    assert_true(locale_is_known_language("hy"));
    assert_true(locale_is_known_language("fa-IR"));
    assert_false(locale_is_known_language("qx"));
}

static void numbers_follow_the_language(void **state)
{
    static const struct {
        const char *tag;
        const char *integer;
        const char *fraction;
    } cases[] = {
        {"en", "12,345", "-12,345.5"},    {"hu-HU", "12 345", "-12 345,5"}, {"ro", "12.345", "-12.345,5"},
        {"bg", "12 345", "-12 345,5"},    {"hy", "12 345", "-12 345,5"},    {"fa-IR", "۱۲٬۳۴۵", "−۱۲٬۳۴۵٫۵"},
        {"de-CH", "12’345", "-12’345.5"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct locale *locale = locale_set_get(*state, cases[i].tag);
        struct buf out;

        buf_init(&out, 0);
        locale_format_int(locale, 12345, &out);
        plain_spaces(&out);
        assert_string_equal(out.data, cases[i].integer);
        buf_clear(&out);
        locale_format_number(locale, -12345.5, &out);
        plain_spaces(&out);
        assert_string_equal(out.data, cases[i].fraction);
        buf_finish(&out);
    }
}

static void what_was_formatted_before_does_not_change_what_comes(void **state)
{
    struct locale *locale = locale_set_get(*state, "en");
    struct buf first, second;

    buf_init(&first, 0);
    buf_init(&second, 0);
    for (int round = 0; round < 2; round++) {
        for (int day = -40; day < 40; day++) {
            struct buf *out = round ? &second : &first;

            locale_format_date(locale, LOCALE_DATE_LONG, day * (int64_t)86400000 + 5, out);
            locale_format_date(locale, LOCALE_DATE_SHORT, day * (int64_t)86400000 + 86399999, out);
            locale_format_int(locale, day * 1000, out);
        }
    }
    assert_string_equal(first.data, second.data);
    assert_non_null(strstr(first.data, "December 31, 196912/31/69-1,000January 1, 19701/1/700"));
    buf_finish(&first);
    buf_finish(&second);
}

static void extreme_numbers_fit(void **state)
{
    static const char *const tags[] = {"en", "fa", "hu", "ff-Adlm"};

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        struct locale *locale = locale_set_get(*state, tags[i]);
        struct buf out;

        buf_init(&out, 0);
        locale_format_int(locale, INT64_MIN, &out);
        locale_format_int(locale, INT64_MAX, &out);
        locale_format_number(locale, -999999999999999900.0, &out);
        assert_true(locale_format_money(locale, 999999999999999900.0, SLICE("XOF"), &out));
        assert_true(out.len > 80);
        buf_finish(&out);
    }
}

static void money_names_its_currency(void **state)
{
    static const struct {
        const char *tag;
        const char *currency;
        const char *text; /* NULL: refused */
    } cases[] = {
        {"en", "EUR", "€12,500.50"}, {"hu", "HUF", "12 500,50 Ft"}, {"de", "EUR", "12.500,50 €"},
        {"en", "JPY", "¥12,500"},    {"fa", "EUR", "€۱۲٬۵۰۰٫۵۰"},   {"en", "eur", NULL},
        {"en", "EURO", NULL},        {"en", "XQZ", NULL},           {"en", "", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        bool is_known;

        buf_init(&out, 0);
        is_known =
            locale_format_money(locale_set_get(*state, cases[i].tag), 12500.5, slice_of(cases[i].currency), &out);
        assert_int_equal(is_known, cases[i].text != NULL);
        if (is_known) {
            plain_spaces(&out);
            assert_string_equal(out.data, cases[i].text);
        }
        assert_int_equal(out.len > 0, is_known);
        buf_finish(&out);
    }
}

static void dates_follow_the_language_and_its_calendar(void **state)
{
    static const struct {
        const char *tag;
        enum locale_date_style style;
        const char *text;
    } cases[] = {
        {"en", LOCALE_DATE_LONG, "November 21, 2026"},
        {"en-GB", LOCALE_DATE_LONG, "21 November 2026"},
        {"en", LOCALE_DATE_FULL, "Saturday, November 21, 2026"},
        {"hu", LOCALE_DATE_SHORT, "2026. 11. 21."},
        {"hu", LOCALE_DATE_LONG, "2026. november 21."},
        {"ro", LOCALE_DATE_LONG, "21 noiembrie 2026"},
        {"bg", LOCALE_DATE_LONG, "21 ноември 2026 г."},
        {"hy", LOCALE_DATE_LONG, "21 նոյեմբերի, 2026 թ."},
        {"fa-IR", LOCALE_DATE_LONG, "۳۰ آبان ۱۴۰۵"},
        {"fa", LOCALE_DATE_MEDIUM, "۳۰ آبان ۱۴۰۵"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;

        buf_init(&out, 0);
        locale_format_date(locale_set_get(*state, cases[i].tag), cases[i].style, nov_21_2026, &out);
        plain_spaces(&out);
        assert_string_equal(out.data, cases[i].text);
        buf_finish(&out);
    }
}

static void spans_of_time_agree_with_their_number(void **state)
{
    static const struct {
        const char *tag;
        enum locale_unit unit;
        int64_t count;
        const char *text;
    } cases[] = {
        {"en", LOCALE_DAY, 1, "1 day"},   {"en", LOCALE_DAY, 3, "3 days"}, {"en", LOCALE_MINUTE, 59, "59 minutes"},
        {"hu", LOCALE_DAY, 3, "3 nap"},   {"ro", LOCALE_DAY, 3, "3 zile"}, {"ro", LOCALE_DAY, 20, "20 de zile"},
        {"bg", LOCALE_HOUR, 3, "3 часа"}, {"fa", LOCALE_DAY, 7, "۷ روز"},  {"hy", LOCALE_DAY, 1, "1 օր"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;

        buf_init(&out, 0);
        locale_format_span(locale_set_get(*state, cases[i].tag), cases[i].unit, cases[i].count, &out);
        plain_spaces(&out);
        assert_string_equal(out.data, cases[i].text);
        buf_finish(&out);
    }
}

static void plurals_are_those_of_the_language(void **state)
{
    static const struct {
        const char *tag;
        double number;
        const char *category;
    } cases[] = {
        {"en", 1, "one"},   {"en", 0, "other"}, {"en", 1.5, "other"}, {"ro", 1, "one"},
        {"ro", 5, "few"},   {"ro", 0, "few"},   {"ro", 20, "other"},  {"fa", 0, "one"},
        {"fa", 2, "other"}, {"pl", 5, "many"},  {"ar", 2, "two"},     {"ar", 0, "zero"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum locale_plural plural = locale_plural_of(locale_set_get(*state, cases[i].tag), cases[i].number);

        assert_string_equal(locale_plural_name(plural), cases[i].category);
    }
}

static void a_language_needs_only_the_plurals_that_whole_numbers_reach(void **state)
{
    struct locale *french = locale_set_get(*state, "fr");
    struct locale *romanian = locale_set_get(*state, "ro");
    struct locale *czech = locale_set_get(*state, "cs");

    assert_true(locale_needs_plural(romanian, LOCALE_PLURAL_FEW));
    assert_false(locale_needs_plural(romanian, LOCALE_PLURAL_MANY));
    assert_false(locale_needs_plural(french, LOCALE_PLURAL_MANY)); /* millions */
    assert_false(locale_needs_plural(czech, LOCALE_PLURAL_MANY));  /* fractions */
    assert_true(locale_needs_plural(czech, LOCALE_PLURAL_FEW));
    assert_true(locale_needs_plural(french, LOCALE_PLURAL_OTHER));
}

static void an_unknown_region_gives_the_language(void **state)
{
    assert_string_equal(locale_tag(locale_set_get(*state, "hu-HU")), "hu-HU");
    assert_string_equal(locale_tag(locale_set_get(*state, "hu-BR")), "hu");
    assert_string_equal(locale_tag(locale_set_get(*state, "zh-TW")), "zh-TW");
    assert_ptr_equal(locale_set_get(*state, "hu-BR"), locale_set_get(*state, "hu"));
}

static void a_locale_describes_itself_to_templates(void **state)
{
    json_t *json = locale_json(locale_set_get(*state, "fa-IR"));

    assert_string_equal(json_string_value(json_object_get(json, "tag")), "fa-IR");
    assert_string_equal(json_string_value(json_object_get(json, "language")), "fa");
    assert_string_equal(json_string_value(json_object_get(json, "dir")), "rtl");
    assert_true(locale_is_rtl(locale_set_get(*state, "fa")));
    assert_false(locale_is_rtl(locale_set_get(*state, "hy")));
}

static void zones_have_the_offset_of_the_moment(void **state)
{
    static const struct {
        const char *zone;
        int64_t at;
        int64_t hours; /* -99: unknown zone */
    } cases[] = {
        {"Europe/Budapest", 1795219200000, 1}, /* winter */
        {"Europe/Budapest", 1783123200000, 2}, /* 2026-07-04 */
        {"America/New_York", 1795219200000, -5},
        {"UTC", 1795219200000, 0},
        {"Europe/Atlantis", 0, -99},
        {"GMT+3", 0, -99},
        {"", 0, -99},
        {"Europe/Budapest\xff", 0, -99},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, -99},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t offset = -1;
        bool is_known = locale_set_find_offset(*state, slice_of(cases[i].zone), cases[i].at, &offset);

        assert_int_equal(is_known, cases[i].hours != -99);
        if (is_known) {
            assert_int_equal(offset, cases[i].hours * 3600 * 1000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_brought_to_one_form),
        cmocka_unit_test(a_language_nobody_knows_is_noticed),
        cmocka_unit_test(numbers_follow_the_language),
        cmocka_unit_test(what_was_formatted_before_does_not_change_what_comes),
        cmocka_unit_test(extreme_numbers_fit),
        cmocka_unit_test(money_names_its_currency),
        cmocka_unit_test(dates_follow_the_language_and_its_calendar),
        cmocka_unit_test(spans_of_time_agree_with_their_number),
        cmocka_unit_test(plurals_are_those_of_the_language),
        cmocka_unit_test(a_language_needs_only_the_plurals_that_whole_numbers_reach),
        cmocka_unit_test(an_unknown_region_gives_the_language),
        cmocka_unit_test(a_locale_describes_itself_to_templates),
        cmocka_unit_test(zones_have_the_offset_of_the_moment),
    };

    return cmocka_run_group_tests(tests, make_set, drop_set);
}
