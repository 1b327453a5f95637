#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "core/yaml.h"

static void documents_become_json(void **state)
{
    static const struct {
        const char *yaml;
        const char *json;
    } cases[] = {
        {"", "{}"},
        {"# only a comment\n", "{}"},
        {"---\n", "{}"},
        {"---\n...\n", "{}"},
        {"\xef\xbb\xbfkey: bom\n", "{\"key\":\"bom\"}"},
        {"a: 1\nb:\n  c: [x, {d: e}]\n", "{\"a\":1,\"b\":{\"c\":[\"x\",{\"d\":\"e\"}]}}"},
        {"a: {}\nb: []\nc:\n", "{\"a\":{},\"b\":[],\"c\":null}"},
        {"a: &b\n", NULL},
        {"on: x\noff: y\ntrue: z\n1: w\n", "{\"on\":\"x\",\"off\":\"y\",\"true\":\"z\",\"1\":\"w\"}"},
        {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
        {"a: 'it''s'\nb: \"\\u00e9\\n\"\n", "{\"a\":\"it's\",\"b\":\"\\u00e9\\n\"}"},
        {"a: Kov\xc3\xa1"
         "cs\n",
         "{\"a\":\"Kov\\u00e1cs\"}"},
        {"when: tier.to != \"bronze\"   # why\n", "{\"when\":\"tier.to != \\\"bronze\\\"\"}"},
        {"<<: x\n", "{\"<<\":\"x\"}"},
        {"a: '5'\nb: \"true\"\nc: 'null'\n", "{\"a\":\"5\",\"b\":\"true\",\"c\":\"null\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *want = cases[i].json ? json_loads(cases[i].json, 0, NULL) : NULL;
        struct diag_list diags;
        struct yaml *yaml;

        diag_list_init(&diags);
        yaml = yaml_parse("f.yaml", slice_of(cases[i].yaml), 1, &diags);
        if (!want) {
            assert_null(yaml);
        } else if (!yaml || !json_equal(yaml_root(yaml), want)) {
            char *got = yaml ? json_dumps(yaml_root(yaml), 0) : NULL;

            fail_msg("%s: got %s", cases[i].yaml, got ? got : diags.items[0].message);
        } else {
            assert_int_equal(diags.count, 0);
        }
        yaml_destroy(yaml);
        json_decref(want);
        diag_list_finish(&diags);
    }
}

static void plain_scalars_follow_the_core_schema(void **state)
{
    static const struct {
        const char *plain;
        const char *json; /* wanted value; NULL: refused */
    } cases[] = {
        {"null", "null"},       {"~", "null"},          {"NULL", "null"},    {"nUll", "\"nUll\""},
        {"true", "true"},       {"False", "false"},     {"yes", "\"yes\""},  {"no", "\"no\""},
        {"on", "\"on\""},       {"0", "0"},             {"-17", "-17"},      {"+5", "5"},
        {"007", "7"},           {"0o17", "15"},         {"0xFf", "255"},     {"0o8", "\"0o8\""},
        {"0x", "\"0x\""},       {"1_000", "\"1_000\""}, {"1.5", "1.5"},      {"-.5", "-0.5"},
        {"5.", "5.0"},          {"1e3", "1000.0"},      {"1e", "\"1e\""},    {".", "\".\""},
        {"+", "\"+\""},         {"1.2.3", "\"1.2.3\""}, {"400d", "\"400d\""}, {"12:30", "\"12:30\""},
        {"-0x1", "\"-0x1\""},   {"2026-11-21", "\"2026-11-21\""},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", NULL},
        {"0xffffffffffffffffff", NULL},
        {"1e999", NULL},        {".inf", NULL},         {"-.INF", NULL},     {".nan", NULL},
        {".info", "\".info\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *want = cases[i].json ? json_loads(cases[i].json, JSON_DECODE_ANY, NULL) : NULL;
        struct diag_list diags;
        struct yaml *yaml;
        char text[64];

        diag_list_init(&diags);
        snprintf(text, sizeof(text), "a: %s", cases[i].plain);
        yaml = yaml_parse("f.yaml", slice_of(text), 1, &diags);
        if (!yaml != !want ||
            (yaml && !json_equal(json_object_get(yaml_root(yaml), "a"), want))) {
            fail_msg("%s is not %s", cases[i].plain, cases[i].json ? cases[i].json : "refused");
        }
        assert_int_equal(diags.error_count, want ? 0 : 1);
        yaml_destroy(yaml);
        json_decref(want);
        diag_list_finish(&diags);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *name;
        struct slice yaml;
        const char *want; /* as diag_format() prints it; a prefix */
    } cases[] = {
        {"anchor", SLICE("a: &x 1\nb: 2\n"), "f.yaml:1:4: error: anchors (&x)"},
        {"anchor on a list", SLICE("a: &x [1]\n"), "f.yaml:1:4: error: anchors (&x)"},
        {"anchor on a key", SLICE("&x a: 1\n"), "f.yaml:1:1: error: anchors (&x)"},
        {"alias", SLICE("a: *x\n"), "f.yaml:1:4: error: aliases (*x)"},
        {"alias as key", SLICE("*x : 1\n"), "f.yaml:1:1: error: a key must be text"},
        {"tag", SLICE("a: !!str 1\n"), "f.yaml:1:4: error: tags (!)"},
        {"own tag", SLICE("a: !x {}\n"), "f.yaml:1:4: error: tags (!)"},
        {"list as key", SLICE("? [a]\n: 1\n"), "f.yaml:1:3: error: a key must be text"},
        {"empty key", SLICE("a: 1\n\"\": 2\n"), "f.yaml:2:1: error: a key is empty"},
        {"duplicate", SLICE("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: error: \"a\" is there twice"},
        {"deep duplicate", SLICE("x:\n  - {a: 1, a: 1}\n"),
         "f.yaml:2:12: error: \"a\" is there twice"},
        {"two documents", SLICE("a: 1\n---\nb: 2\n"), "f.yaml:2:1: error: a second document"},
        {"list at the top", SLICE("\n- a\n"), "f.yaml:2:1: error: keys and values were expected"},
        {"text at the top", SLICE("hello\n"), "f.yaml:1:1: error: keys and values were expected"},
        {"latin-1", SLICE("a: b\nb: \xc3\xa1\xe9\n"), "f.yaml:2:5: error: this byte is not UTF-8"},
        {"control", SLICE("a: b\nb: x\x01\n"), "f.yaml:2:5: error: not YAML: control characters"},
        {"NUL escape", SLICE("a: \"x\\0\"\n"), "f.yaml:1:4: error: text holds a NUL"},
        {"NUL in a key", SLICE("\"x\\0\": a\n"), "f.yaml:1:1: error: a key holds a NUL"},
        {"tab", SLICE("\xc3\xa1: 1\nb:\n\tc: 1\n"),
         "f.yaml:3:1: error: not YAML: found character that cannot start any token (indent with"},
        {"at sign", SLICE("a: @b\n"),
         "f.yaml:1:4: error: not YAML: found character that cannot start any token (put the text"},
        {"colon", SLICE("a: b: c\n"), "f.yaml:1:5: error: not YAML: mapping values are not"},
        {"open bracket", SLICE("a: [1, 2\n"), "f.yaml:2:1: error: not YAML: did not find expected"},
        {"open quote", SLICE("a: 'x\n"), "f.yaml:2:1: error: not YAML: found unexpected end"},
        {"large", SLICE("a: 99999999999999999999\n"),
         "f.yaml:1:4: error: 99999999999999999999 is too large"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct buf got;

        diag_list_init(&diags);
        buf_init(&got, 0);
        assert_null(yaml_parse("f.yaml", cases[i].yaml, 1, &diags));
        assert_int_equal(diags.error_count, 1);
        diag_format(&diags.items[0], &got);
        if (!slice_starts_with(buf_slice(&got), cases[i].want)) {
            fail_msg("%s: got %s", cases[i].name, buf_text(&got));
        }
        buf_finish(&got);
        diag_list_finish(&diags);
    }
}

/* The innermost list is `depth` levels below the outside, the top being the first. */
static bool takes_depth(int depth)
{
    struct diag_list diags;
    struct yaml *yaml;
    struct buf text;
    bool is_taken;

    diag_list_init(&diags);
    buf_init(&text, 0);
    buf_append_text(&text, "a: ");
    for (int i = 1; i < depth; i++) {
        buf_append_char(&text, '[');
    }
    for (int i = 1; i < depth; i++) {
        buf_append_char(&text, ']');
    }
    yaml = yaml_parse("f.yaml", buf_slice(&text), 1, &diags);
    is_taken = yaml != NULL;
    assert_int_equal(diags.error_count, !is_taken);
    yaml_destroy(yaml);
    buf_finish(&text);
    diag_list_finish(&diags);
    return is_taken;
}

static void nesting_is_taken_to_32_levels(void **state)
{
    (void)state;
    assert_true(takes_depth(32));
    assert_false(takes_depth(33));
    assert_false(takes_depth(5000));
}

static void assert_place(const struct yaml *yaml, const char *path, int want_line, int want_column,
                         int want_key_line, int want_key_column)
{
    int line, column;

    yaml_find_place(yaml, path, &line, &column);
    if (line != want_line || column != want_column) {
        fail_msg("%s: value at %d:%d", path, line, column);
    }
    yaml_find_key_place(yaml, path, &line, &column);
    if (line != want_key_line || column != want_key_column) {
        fail_msg("%s: key at %d:%d", path, line, column);
    }
}

static void places_count_lines_of_the_file_and_code_points(void **state)
{
    struct diag_list diags;
    struct yaml *yaml;

    (void)state;
    diag_list_init(&diags);
    yaml = yaml_parse("f.yaml",
                      SLICE("on: x\n"
                            "channels:\n"
                            "  sms: { \"\xc3\xa1\xc3\xa9\": 1, segments_max: 2 }\n"
                            "dedupe:\n"
                            "  - a\n"
                            "  - b\n"),
                      10, &diags);
    assert_non_null(yaml);
    assert_place(yaml, "", 10, 1, 10, 1);
    assert_place(yaml, "on", 10, 5, 10, 1);
    assert_place(yaml, "channels.sms", 12, 8, 12, 3);
    assert_place(yaml, "channels.sms.segments_max", 12, 33, 12, 19);
    assert_place(yaml, "dedupe.1", 15, 5, 15, 5);
    /* What is not there is at the nearest parent. */
    assert_place(yaml, "channels.sms.when", 12, 8, 12, 3);
    assert_place(yaml, "channels.smsx", 12, 3, 11, 1);
    assert_place(yaml, "nothing.at.all", 10, 1, 10, 1);
    yaml_destroy(yaml);
    diag_list_finish(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_json),
        cmocka_unit_test(plain_scalars_follow_the_core_schema),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(nesting_is_taken_to_32_levels),
        cmocka_unit_test(places_count_lines_of_the_file_and_code_points),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
