/* A good catalog: looking up flows, and making messages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "catalog_fixture.h"

/* --- looking up and rendering ----------------------------------------------------------------------------------- */

static int build_good(void **state)
{
    static const char *const texts[] = {good};
    struct diag_list diags;

    diag_list_init(&diags);
    *state = build(texts, 1, &diags);
    for (size_t i = 0; i < diags.count; i++) {
        print_error("%s: %s\n", diags.items[i].file, diags.items[i].message);
    }
    diag_list_finish(&diags);
    return *state ? 0 : -1;
}

static int drop_good(void **state)
{
    catalog_unref(*state);
    return 0;
}

static void flows_are_found_by_name_and_type(void **state)
{
    const struct catalog *catalog = *state;
    const struct flow *flow = catalog_find_flow(catalog, "news");
    size_t count = 99;

    assert_int_equal(catalog_flow_count(catalog), 1);
    assert_non_null(flow);
    assert_ptr_equal(catalog_flow(catalog, 0), flow);
    assert_null(catalog_find_flow(catalog, "new"));
    assert_ptr_equal(catalog_find_by_type(catalog, "loyalty.news", &count)[0], flow);
    assert_int_equal(count, 1);
    assert_null(catalog_find_by_type(catalog, "loyalty.other", &count));
    assert_int_equal(count, 0);
    assert_string_equal(catalog_locales(catalog, flow, CHANNEL_SMS)[0], "en");
    assert_string_equal(catalog_locales(catalog, flow, CHANNEL_SMS)[1], "hu");
    assert_null(catalog_locales(catalog, flow, CHANNEL_SMS)[2]);
}

struct result {
    bool is_made;
    struct message message;
    struct render_error error;
};

static struct result render(struct catalog *catalog, enum channel channel, const char *data, const char *locale)
{
    static const char form[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"loyalty.news\","
                               "\"time\":\"2026-11-21T23:30:00Z\",\"data\":%s}";
    char text[4096];
    struct record record = {.topic = "", .timestamp_ms = -1};
    struct event event = {0};
    const char *reason;
    struct err err = {0};
    struct result result = {.error = {.reason = "", .text = ""}};

    snprintf(text, sizeof(text), form, data);
    record.value = slice_of(text);
    if (!event_decode(&record, &event, &reason, &err)) {
        fail_msg("%s", err.text);
    }
    result.is_made = catalog_render(catalog, catalog_find_flow(catalog, "news"), channel, &event, locale,
                                    &result.message, &result.error);
    event_finish(&event);
    return result;
}

#define MEMBER                                                                                                         \
    "\"id\":\"42\",\"first_name\":\"Ilona\",\"last_name\":\"Kov\xc3\xa1"                                               \
    "cs\",\"email\":\"i@x.test\","                                                                                     \
    "\"phone\":\"+36301234567\""

static void an_email_has_all_its_parts(void **state)
{
    struct result r = render(*state, CHANNEL_EMAIL,
                             "{\"member\":{" MEMBER ",\"timezone\":\"Europe/Budapest\"},\"points\":1234,"
                             "\"until\":\"2026-11-30T23:30:00Z\",\"brand\":null}",
                             NULL);

    if (!r.is_made) {
        fail_msg("%s %s", r.error.reason, r.error.text);
    }
    assert_string_equal(r.message.subject, "1,234 points left for Ilona");
    assert_string_equal(r.message.html,
                        "<html lang=\"en\" dir=\"ltr\"><title>1,234 points left for Ilona</title><i>Soon &amp; now</i>"
                        "<p>Hello Ilona</p>\n<p>1,234 until December 1, 2026</p>"
                        "<a href=\"https://kert.example/u?m=42\">x</a><b>Piros Kert</b></html>");
    assert_string_equal(r.message.text, "Hello Ilona\n\n1,234 until December 1, 2026\n-- Piros Kert");
    assert_string_equal(r.message.to, "i@x.test");
    assert_string_equal(r.message.to_name, "Ilona Kov\xc3\xa1"
                                           "cs");
    assert_string_equal(r.message.from_address, "hello@kert.example");
    assert_string_equal(r.message.from_name, "Piros Kert");
    assert_string_equal(r.message.reply_to, "help@kert.example");
    assert_string_equal(r.message.unsubscribe_url, "https://kert.example/u?m=42");
    assert_string_equal(r.message.locale, "en");
    assert_string_equal(r.message.flow, "news");
    assert_string_equal(r.message.version, catalog_version(*state));
    assert_int_equal(strlen(r.message.fingerprint), 16);
    assert_int_equal(r.message.class, FLOW_MARKETING);
    message_finish(&r.message);
}

static void html_is_escaped_and_subjects_and_text_are_not(void **state)
{
    struct result r =
        render(*state, CHANNEL_EMAIL,
               "{\"member\":{\"id\":\"1\",\"first_name\":\"<b>&\"},\"points\":1,\"until\":\"2026-12-24\"}", NULL);

    assert_true(r.is_made);
    assert_string_equal(r.message.subject, "1 point left for <b>&");
    assert_non_null(strstr(r.message.html, "<title>1 point left for &lt;b&gt;&amp;</title>"));
    assert_non_null(strstr(r.message.html, "<p>Hello &lt;b&gt;&amp;</p>"));
    assert_non_null(strstr(r.message.text, "Hello <b>&\n"));
    assert_non_null(strstr(r.message.html, "December 24, 2026"));
    message_finish(&r.message);
}

static void data_is_never_a_template(void **state)
{
    struct result r = render(*state, CHANNEL_EMAIL,
                             "{\"member\":{\"id\":\"1\",\"first_name\":\"{{ brand.name }}{% if %}\"},\"points\":1,"
                             "\"until\":\"2026-12-24\"}",
                             NULL);

    assert_true(r.is_made);
    assert_string_equal(r.message.subject, "1 point left for {{ brand.name }}{% if %}");
    message_finish(&r.message);
}

static void the_locale_falls_back_step_by_step(void **state)
{
    static const struct {
        const char *member_locale; /* JSON */
        const char *asked;
        const char *used;
        const char *text;
    } cases[] = {
        {"\"hu-HU\"", NULL, "hu",
         "1\xc2\xa0"
         "234 pontod van."},
        {"\"hu_hu\"", NULL, "hu",
         "1\xc2\xa0"
         "234 pontod van."},
        {"\"HU\"", NULL, "hu",
         "1\xc2\xa0"
         "234 pontod van."},
        {"\"hu-RO\"", NULL, "hu",
         "1\xc2\xa0"
         "234 pontod van."},
        {"\"de-DE\"", NULL, "en",
         "Ilona: 1,234 points left."}, /* numbers of the template's language, not German ones */
        {"\"en-ZA\"", NULL, "en",
         "Ilona: 1\xc2\xa0"
         "234 points left."},
        {"null", NULL, "en", "Ilona: 1,234 points left."},
        {"12", NULL, "en", "Ilona: 1,234 points left."},
        {"\"../../etc\"", NULL, "en", "Ilona: 1,234 points left."},
        {"\"de\"", "hu", "hu",
         "1\xc2\xa0"
         "234 pontod van."},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char data[512];
        struct result r;

        snprintf(data, sizeof(data), "{\"member\":{" MEMBER ",\"locale\":%s},\"points\":1234}", cases[i].member_locale);
        r = render(*state, CHANNEL_SMS, data, cases[i].asked);
        if (!r.is_made) {
            fail_msg("%s", r.error.text);
        }
        assert_string_equal(r.message.locale, cases[i].used);
        assert_string_equal(r.message.text, cases[i].text);
        assert_string_equal(r.message.to, "+36301234567");
        message_finish(&r.message);
    }
}

static void the_brand_comes_from_the_member_the_data_or_the_event(void **state)
{
    static const struct {
        const char *data;
        const char *sender; /* NULL: no_brand */
    } cases[] = {
        {"{\"member\":{" MEMBER ",\"brand\":\"owl\"},\"points\":1,\"until\":\"2026-12-24\"}", "owl@owl.example"},
        {"{\"member\":{" MEMBER "},\"brand\":\"owl\",\"points\":1,\"until\":\"2026-12-24\"}", "owl@owl.example"},
        {"{\"member\":{" MEMBER "},\"points\":1,\"until\":\"2026-12-24\"},\"brand\":\"owl\"", NULL},
        {"{\"member\":{" MEMBER "},\"brand\":{\"name\":\"x\"},\"points\":1,\"until\":\"2026-12-24\"}",
         "hello@kert.example"},
        {"{\"member\":{" MEMBER ",\"brand\":\"fox\"},\"points\":1,\"until\":\"2026-12-24\"}", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r;

        r = render(*state, CHANNEL_EMAIL, cases[i].data, NULL);
        if (i == 2) { /* the form's closing brace makes it an extension attribute of the event */
            assert_true(r.is_made);
            assert_string_equal(r.message.from_address, "owl@owl.example");
        } else if (cases[i].sender) {
            assert_true(r.is_made);
            assert_string_equal(r.message.from_address, cases[i].sender);
        } else {
            assert_false(r.is_made);
            assert_string_equal(r.error.reason, "no_brand");
        }
        if (r.is_made) {
            message_finish(&r.message);
        }
    }
}

static void a_message_that_cannot_be_made_says_why(void **state)
{
    static const struct {
        const char *name;
        enum channel channel;
        const char *data;
        const char *reason;
        const char *text;
    } cases[] = {
        {"an undefined variable", CHANNEL_EMAIL, "{\"member\":{" MEMBER "},\"until\":\"2026-12-24\"}",
         "undefined_variable", "news/email.en.liquid:2:"},
        {"an undefined variable of the body, on the line of the file", CHANNEL_EMAIL,
         "{\"member\":{" MEMBER "},\"points\":1}", "undefined_variable", "news/email.en.liquid:5:"},
        {"an undefined variable of a partial", CHANNEL_EMAIL,
         "{\"member\":{\"id\":\"1\",\"locale\":\"hu\"},\"points\":1}", "undefined_variable",
         "_partials/hello.liquid:1:"},
        {"a value of the wrong kind", CHANNEL_SMS, "{\"member\":{" MEMBER "},\"points\":\"many\"}", "template_error",
         "needs a number as count"},
        {"a date that is none", CHANNEL_EMAIL, "{\"member\":{" MEMBER "},\"points\":1,\"until\":\"2026-02-30\"}",
         "template_error", "local_date: '2026-02-30' is no date"},
        {"a line break in a subject", CHANNEL_EMAIL,
         "{\"member\":{\"id\":\"1\",\"first_name\":\"a\\r\\nBcc: x\"},\"points\":1,\"until\":\"2026-12-24\"}",
         "bad_header", "news/email.en.liquid: the subject"},
        {"an escape character in a subject", CHANNEL_EMAIL,
         "{\"member\":{\"id\":\"1\",\"first_name\":\"a\\u001bb\"},\"points\":1,\"until\":\"2026-12-24\"}", "bad_header",
         "news/email.en.liquid: the subject"},
        {"a line separator of Unicode in a subject", CHANNEL_EMAIL,
         "{\"member\":{\"id\":\"1\",\"first_name\":\"a\\u2028b\"},\"points\":1,\"until\":\"2026-12-24\"}", "bad_header",
         "news/email.en.liquid: the subject"},
        {"too many segments", CHANNEL_SMS,
         "{\"member\":{" MEMBER
         "},\"points\":1,\"more\":\"\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9"
         "\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9\xd0\xb9 "
         "01234567890123456789012345678901234567890123456789\"}",
         "over_budget", "news/sms.en.liquid: 2 segments (87 units of UCS-2), the flow allows 1"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r = render(*state, cases[i].channel, cases[i].data, NULL);

        if (r.is_made) {
            fail_msg("%s: made", cases[i].name);
        }
        if (strcmp(r.error.reason, cases[i].reason) != 0 || !strstr(r.error.text, cases[i].text)) {
            fail_msg("%s: %s %s", cases[i].name, r.error.reason, r.error.text);
        }
    }
}

static void limits_and_empty_parts_end_a_message(void **state)
{
    static const struct {
        const char *file;
        enum channel channel;
        const char *reason;
        const char *text;
    } cases[] = {
        {"=== news/sms.en.liquid\n{% for i in (1..9000) %}0123456789012345678901234567890123456789{% endfor %}\n",
         CHANNEL_SMS, "too_large", "news/sms.en.liquid:1:"},
        {"=== news/sms.en.liquid\n{% for i in (1..101) %}{% for j in (1..100) %}{% endfor %}{% endfor %}x\n",
         CHANNEL_SMS, "template_error", "news/sms.en.liquid:1:"},
        {"=== news/sms.en.liquid\n{% if nothing %}x{% endif %} \n", CHANNEL_SMS, "template_error", "the body is empty"},
        {"=== news/email.en.liquid\n---\nsubject: \"{% if nothing %}x{% endif %}\"\n---\nx\n", CHANNEL_EMAIL,
         "template_error", "the subject is empty"},
        {"=== news/email.en.liquid\n---\nsubject: x\n---\n{% if nothing %}x{% endif %}\n", CHANNEL_EMAIL,
         "template_error", "the body is empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const texts[] = {good, cases[i].file};
        struct diag_list diags;
        struct catalog *catalog;
        struct result r;

        diag_list_init(&diags);
        catalog = build(texts, 2, &diags);
        assert_non_null(catalog);
        r = render(catalog, cases[i].channel, "{\"member\":{\"id\":\"1\"},\"points\":1}", NULL);
        assert_false(r.is_made);
        if (strcmp(r.error.reason, cases[i].reason) != 0 || !strstr(r.error.text, cases[i].text)) {
            fail_msg("%s: %s %s", cases[i].file, r.error.reason, r.error.text);
        }
        catalog_unref(catalog);
        diag_list_finish(&diags);
    }
}

static void data_may_have_the_names_that_layouts_use(void **state)
{
    static const char *const texts[] = {
        good,
        "=== news/email.en.liquid\n---\nsubject: \"About {{ subject }}\"\n---\n<p>{{ subject }}, {{ content }}</p>\n"};
    struct diag_list diags;
    struct catalog *catalog;
    struct result r;

    (void)state;
    diag_list_init(&diags);
    catalog = build(texts, 2, &diags);
    assert_non_null(catalog);
    r = render(catalog, CHANNEL_EMAIL, "{\"member\":{\"id\":\"1\"},\"subject\":\"tea\",\"content\":\"<b>\"}", NULL);
    assert_true(r.is_made);
    assert_string_equal(r.message.subject, "About tea");
    assert_non_null(strstr(r.message.html, "<title>About tea</title>"));
    assert_non_null(strstr(r.message.html, "<p>tea, &lt;b&gt;</p>"));
    message_finish(&r.message);
    catalog_unref(catalog);
    diag_list_finish(&diags);
}

static void accents_are_dropped_only_when_that_saves_a_segment(void **state)
{
    struct result r =
        render(*state, CHANNEL_SMS,
               "{\"member\":{\"id\":\"1\",\"locale\":\"hu\"},\"points\":1,\"more\":\"\xc3\xa1rv\xc3\xadz\"}", NULL);

    assert_true(r.is_made);
    assert_string_equal(r.message.text, "1 pontod van. \xc3\xa1rv\xc3\xadz");
    assert_true(r.message.is_unicode);
    assert_int_equal(r.message.segments, 1);
    message_finish(&r.message);
    r = render(*state, CHANNEL_SMS,
               "{\"member\":{\"id\":\"1\",\"locale\":\"hu\"},\"points\":1,\"more\":\"\xc3\xa1rv\xc3\xadz "
               "01234567890123456789012345678901234567890123456789012345\"}",
               NULL);
    assert_true(r.is_made);
    assert_non_null(strstr(r.message.text, "arviz 0123"));
    assert_false(r.message.is_unicode);
    assert_int_equal(r.message.segments, 1);
    message_finish(&r.message);
}

static void a_members_own_unsubscribe_link_wins_when_it_is_https(void **state)
{
    static const struct {
        const char *own;
        const char *used;
    } cases[] = {
        {"https://me.test/u", "https://me.test/u"},
        {"http://me.test/u", "https://kert.example/u?m=a%26b"},
        {"https://me.test/u\\nx: y", "https://kert.example/u?m=a%26b"},
        {"javascript:alert(1)", "https://kert.example/u?m=a%26b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char data[512];
        struct result r;

        snprintf(data, sizeof(data),
                 "{\"member\":{\"id\":\"a&b\",\"first_name\":\"x\",\"unsubscribe_url\":\"%s\"},\"points\":1,"
                 "\"until\":\"2026-12-24\"}",
                 cases[i].own);
        r = render(*state, CHANNEL_EMAIL, data, NULL);
        assert_true(r.is_made);
        assert_string_equal(r.message.unsubscribe_url, cases[i].used);
        message_finish(&r.message);
    }
}

static void the_same_event_gives_the_same_message(void **state)
{
    static const char data[] = "{\"member\":{" MEMBER "},\"points\":1234,\"until\":\"2026-12-24\"}";
    struct result a = render(*state, CHANNEL_EMAIL, data, NULL);
    struct result c = render(*state, CHANNEL_SMS, "{\"member\":{" MEMBER "},\"points\":1}", NULL);
    struct result b = render(*state, CHANNEL_EMAIL, data, NULL);

    assert_true(a.is_made && b.is_made && c.is_made);
    assert_string_equal(a.message.html, b.message.html);
    assert_string_equal(a.message.fingerprint, b.message.fingerprint);
    assert_string_not_equal(a.message.fingerprint, c.message.fingerprint);
    message_finish(&a.message);
    message_finish(&b.message);
    message_finish(&c.message);
}

static void a_reference_keeps_the_catalog(void **state)
{
    struct catalog *kept = catalog_ref(*state);

    catalog_unref(kept);
    assert_string_equal(catalog_version(*state), catalog_version(kept));
    catalog_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_and_empty_parts_end_a_message),
        cmocka_unit_test(data_may_have_the_names_that_layouts_use),
        cmocka_unit_test_setup_teardown(flows_are_found_by_name_and_type, build_good, drop_good),
        cmocka_unit_test_setup_teardown(an_email_has_all_its_parts, build_good, drop_good),
        cmocka_unit_test_setup_teardown(html_is_escaped_and_subjects_and_text_are_not, build_good, drop_good),
        cmocka_unit_test_setup_teardown(data_is_never_a_template, build_good, drop_good),
        cmocka_unit_test_setup_teardown(the_locale_falls_back_step_by_step, build_good, drop_good),
        cmocka_unit_test_setup_teardown(the_brand_comes_from_the_member_the_data_or_the_event, build_good, drop_good),
        cmocka_unit_test_setup_teardown(a_message_that_cannot_be_made_says_why, build_good, drop_good),
        cmocka_unit_test_setup_teardown(accents_are_dropped_only_when_that_saves_a_segment, build_good, drop_good),
        cmocka_unit_test_setup_teardown(a_members_own_unsubscribe_link_wins_when_it_is_https, build_good, drop_good),
        cmocka_unit_test_setup_teardown(the_same_event_gives_the_same_message, build_good, drop_good),
        cmocka_unit_test_setup_teardown(a_reference_keeps_the_catalog, build_good, drop_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
