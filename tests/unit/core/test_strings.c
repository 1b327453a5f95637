#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/string_uses.h"
#include "core/strings.h"

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

static struct strings *parse(struct locale_set *locales, const char *tag, const char *yaml)
{
    struct diag_list diags;
    struct strings *strings;

    diag_list_init(&diags);
    strings = strings_parse("x.yaml", slice_of(yaml), locale_set_get(locales, tag), &diags);
    assert_int_equal(diags.count, 0);
    diag_list_finish(&diags);
    return strings;
}

static void keys_are_found_by_dotted_path(void **state)
{
    struct strings *strings = parse(*state, "en", "a:\n  b:\n    c: deep\nplain: \"x {n} y\"\n");
    const struct string_entry *entry = strings_find(strings, SLICE("plain"));
    const struct string_pattern *pattern;

    assert_non_null(strings_find(strings, SLICE("a.b.c")));
    assert_null(strings_find(strings, SLICE("a.b")));
    assert_null(strings_find(strings, SLICE("a")));
    assert_null(strings_find(strings, SLICE("")));
    assert_null(strings_find(NULL, SLICE("plain")));
    pattern = string_entry_get(entry, LOCALE_PLURAL_FEW);
    assert_false(string_entry_has_plurals(entry));
    assert_int_equal(pattern->count, 3);
    assert_true(slice_is(pattern->pieces[0].text, "x "));
    assert_true(slice_is(pattern->pieces[1].text, "n") && pattern->pieces[1].is_placeholder);
    assert_true(slice_is(pattern->pieces[2].text, " y"));
    strings_destroy(strings);
}

static void plural_forms_are_told_from_groups(void **state)
{
    struct strings *strings = parse(*state, "en",
                                    "cups: {one: a cup, other: cups}\n"
                                    "days: {one: Monday, two: Tuesday, holiday: Sunday}\n"
                                    "pairs: {one: a, two: b, other: c}\n");
    const struct string_entry *cups = strings_find(strings, SLICE("cups"));
    const struct string_entry *pairs = strings_find(strings, SLICE("pairs"));

    assert_true(string_entry_has_plurals(cups));
    assert_true(slice_is(string_entry_get(cups, LOCALE_PLURAL_ONE)->pieces[0].text, "a cup"));
    assert_true(slice_is(string_entry_get(cups, LOCALE_PLURAL_MANY)->pieces[0].text, "cups"));
    assert_true(slice_is(string_entry_get(pairs, LOCALE_PLURAL_TWO)->pieces[0].text, "b"));
    assert_non_null(strings_find(strings, SLICE("days.holiday")));
    assert_non_null(strings_find(strings, SLICE("days.two")));
    assert_null(strings_find(strings, SLICE("days")));
    strings_destroy(strings);
}

static void the_language_stands_behind_the_region(void **state)
{
    struct strings *language = parse(*state, "pt", "a: pt\nb: pt\n");
    struct strings *region = parse(*state, "pt-BR", "a: br\n");

    strings_set_parent(region, language);
    assert_true(
        slice_is(string_entry_get(strings_find(region, SLICE("a")), LOCALE_PLURAL_OTHER)->pieces[0].text, "br"));
    assert_true(
        slice_is(string_entry_get(strings_find(region, SLICE("b")), LOCALE_PLURAL_OTHER)->pieces[0].text, "pt"));
    strings_destroy(region);
    strings_destroy(language);
}

static void faults_name_their_key(void **state)
{
    static const struct {
        const char *tag;
        const char *yaml;
        int line;
        const char *message;
    } cases[] = {
        {"en", "a: [x]\n", 1, "'a' is no text"},
        {"en", "a:\n  b: null\n", 2, "'a.b' is no text"},
        {"en", "a: {one: x}\n", 1, "lacks the plural form 'other'"},
        {"pl", "a:\n  one: x\n  few: y\n  other: z\n", 2, "lacks the plural form 'many'"},
        {"en", "a: \"{\"\n", 1, "a brace that is no placeholder"},
        {"en", "a: \"{a b}\"\n", 1, "a brace that is no placeholder"},
        {"en", "a: {one: \"{}\", other: x}\n", 1, "a brace that is no placeholder in 'a.one'"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;

        diag_list_init(&diags);
        assert_null(strings_parse("x.yaml", slice_of(cases[i].yaml), locale_set_get(*state, cases[i].tag), &diags));
        assert_int_equal(diags.error_count, 1);
        assert_int_equal(diags.items[0].line, cases[i].line);
        if (!strstr(diags.items[0].message, cases[i].message)) {
            fail_msg("%s: %s", cases[i].yaml, diags.items[0].message);
        }
        diag_list_finish(&diags);
    }
}

static void constant_keys_are_found_in_templates(void **state)
{
    static const char source[] = "<p>{{ 'a.b' | t }}</p>\n"
                                 "é{{ \"c\"|t: count: n }} {{ x | default: 'd' | t: name: 'e' }}\n"
                                 "{{ 'f' | truncate }} {{ 'g' | tt }} {% assign h = 'h' | t -%} 'i' | t\n"
                                 "{% comment %}{{ 'j' | t }}{% endcomment %}{% raw %}{{ 'k' | t }}{% endraw %}\n"
                                 "{{ key | t }}{{ 'unfinished }}";
    static const struct {
        const char *key;
        int line, column;
    } expected[] = {{"a.b", 1, 7}, {"c", 2, 5}, {"d", 2, 40}, {"h", 3, 51}};
    struct string_uses uses;

    (void)state;
    string_uses_init(&uses);
    string_uses_scan(&uses, "f", slice_of(source), 1);
    assert_int_equal(uses.count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < uses.count; i++) {
        assert_string_equal(uses.items[i].key, expected[i].key);
        assert_int_equal(uses.items[i].line, expected[i].line);
        assert_int_equal(uses.items[i].column, expected[i].column);
    }
    string_uses_finish(&uses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_by_dotted_path),         cmocka_unit_test(plural_forms_are_told_from_groups),
        cmocka_unit_test(the_language_stands_behind_the_region), cmocka_unit_test(faults_name_their_key),
        cmocka_unit_test(constant_keys_are_found_in_templates),
    };

    return cmocka_run_group_tests(tests, make_set, drop_set);
}
