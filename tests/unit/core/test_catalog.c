#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalog.h"

/* A folder of templates written as one text: "=== path" begins a file. */
static struct file_tree *make_tree(const char *const texts[], size_t count)
{
    struct file_tree *tree = file_tree_create();

    for (size_t i = 0; i < count; i++) {
        const char *at = texts[i];

        while (at && *at) {
            const char *path = at + strlen("=== ");
            const char *body = strchr(path, '\n') + 1;
            const char *next = strstr(body, "\n=== ");
            char name[128];

            assert_true(strncmp(at, "=== ", 4) == 0);
            snprintf(name, sizeof(name), "%.*s", (int)(body - path - 1), path);
            file_tree_add(tree, name, slice_make(body, next ? (size_t)(next + 1 - body) : strlen(body)));
            at = next ? next + 1 : NULL;
        }
    }
    return tree;
}

static struct catalog *build(const char *const texts[], size_t count, struct diag_list *diags)
{
    struct file_tree *tree = make_tree(texts, count);
    struct catalog *catalog = catalog_build(tree, &(struct catalog_options){"en"}, diags);

    file_tree_destroy(tree);
    return catalog;
}

/* A small folder in which nothing is wrong. */
static const char good[] =
    "=== README.md\nFor people.\n"
    "=== _brands/default.yaml\n"
    "name: Piros Kert\nsender: {name: Piros Kert, email: hello@kert.example}\nreply_to: help@kert.example\n"
    "sms_sender: PirosKert\nurl: https://kert.example\n"
    "unsubscribe_url: \"https://kert.example/u?m={{ member.id | url_encode }}\"\n"
    "=== _brands/owl.yaml\nname: Owl\nsender: {name: Owl Club, email: owl@owl.example}\n"
    "=== _layouts/email.liquid\n"
    "<html lang=\"{{ locale.language }}\" dir=\"{{ locale.dir }}\"><title>{{ subject }}</title>"
    "<i>{{ preheader }}</i>{{ content }}{% if unsubscribe_url %}<a href=\"{{ unsubscribe_url }}\">x</a>{% endif %}"
    "<b>{{ brand.name }}</b></html>\n"
    "=== _layouts/email.text.liquid\n{{ content }}\n-- {{ brand.name }}\n"
    "=== _partials/hello.liquid\n<p>{{ 'hello' | t: name: member.first_name }}</p>\n"
    "=== _strings/en.yaml\n"
    "hello: \"Hello {name}\"\npoints:\n  left:\n    one: \"{count} point left\"\n    other: \"{count} points left\"\n"
    "=== _strings/hu.yaml\n"
    "hello: \"Szia {name}\"\npoints:\n  left:\n    one: \"{count} pontod van\"\n    other: \"{count} pontod van\"\n"
    "=== news/flow.yaml\n"
    "on: loyalty.news\nclass: marketing\ndedupe: [member.id]\nchannels:\n  email: {}\n"
    "  sms: {segments_max: 1, transliterate: true}\n"
    "=== news/email.en.liquid\n"
    "---\nsubject: \"{{ 'points.left' | t: count: points }} for {{ member.first_name }}\"\npreheader: \"Soon & "
    "now\"\n---\n"
    "{% include 'hello' %}<p>{{ points | number }} until {{ until | local_date: \"long\" }}</p>\n"
    "=== news/email.hu.liquid\n"
    "---\nsubject: \"{{ 'points.left' | t: count: points }}\"\n---\n{% include 'hello' %}<p>{{ points | number "
    "}}</p>\n"
    "=== news/sms.en.liquid\n  {{ member.first_name }}: {{ 'points.left' | t: count: points }}. {{ more | default: "
    "\"\" }}\n\n"
    "=== news/sms.hu.liquid\n{{ 'points.left' | t: count: points }}. {{ more | default: \"\" }}\n"
    "=== news/samples/one.json\n"
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
    "t\",\"type\":\"loyalty.news\",\"data\":{\"member\":{\"id\":\"42\"}}}\n";

/* --- faults ----------------------------------------------------------------------------------------------------- */

static void check_diag(const char *name, const struct diag_list *diags, const char *expected)
{
    struct buf all;
    bool is_there = false;

    buf_init(&all, 0);
    for (size_t i = 0; i < diags->count; i++) {
        size_t start = all.len;

        diag_format(&diags->items[i], &all);
        is_there |= strcmp(all.data + start, expected) == 0;
        buf_append_char(&all, '\n');
    }
    if (!is_there) {
        fail_msg("%s: expected\n%s\nbut got\n%s", name, expected, buf_text(&all));
    }
    buf_finish(&all);
}

static void every_fault_is_named_with_its_place(void **state)
{
    /* Each file is laid over the good folder; a file of the same name replaces it. */
    static const struct {
        const char *name;
        const char *file;
        const char *diag;
    } cases[] = {
        {"bad YAML in a brand", "=== _brands/owl.yaml\nname: [x\n",
         "_brands/owl.yaml:2:1: error: not YAML: did not find expected ',' or ']' (check indentation, quotes and "
         "brackets "
         "of this line and the one before)"},
        {"unknown key in front matter", "=== news/email.en.liquid\n---\nsubject: x\npreheder: y\n---\nz\n",
         "news/email.en.liquid:3:1: error: unknown key 'preheder' in the front matter (did you mean 'preheader'?)"},
        {"front matter that never ends", "=== news/email.en.liquid\n---\nsubject: x\n",
         "news/email.en.liquid:1:1: error: the front matter never ends (end it with a line of three dashes)"},
        {"no subject", "=== news/email.en.liquid\n<p>x</p>\n",
         "news/email.en.liquid:1: error: the e-mail has no subject (begin the file with ---, subject: \"...\", ---)"},
        {"no body", "=== news/email.en.liquid\n---\nsubject: x\n---\n\n",
         "news/email.en.liquid:4: error: the template has no body"},
        {"front matter in an SMS", "=== news/sms.en.liquid\n---\nsubject: x\n---\nz\n",
         "news/sms.en.liquid:2:1: error: unknown key 'subject' in the front matter"},
        {"unknown layout", "=== news/email.en.liquid\n---\nsubject: x\nlayout: emial\n---\nz\n",
         "news/email.en.liquid:3:9: error: there is no layout 'emial' in _layouts (did you mean 'email'?)"},
        {"unknown partial", "=== news/email.en.liquid\n---\nsubject: x\n---\nz\n{% include 'helo' %}\n",
         "news/email.en.liquid:5:1: error: there is no partial \"helo\" (did you mean 'hello'?)"},
        {"unknown filter, on the line of the file",
         "=== news/email.en.liquid\n---\nsubject: x\n---\nz\n\n{{ a | nubmer }}\n",
         "news/email.en.liquid:6:8: error: unknown filter \"nubmer\" (did you mean \"number\"?)"},
        {"a fault in a partial", "=== _partials/hello.liquid\n<p>\n{% if %}</p>\n",
         "_partials/hello.liquid:2:7: error: expected a value but found the end"},
        {"a text that is not translated", "=== news/sms.hu.liquid\nx {{ 'points.lost' | t: count: 1 }}\n",
         "news/sms.hu.liquid:1:6: error: no text 'points.lost' in _strings for locale 'hu' (did you mean "
         "'points.left'?)"},
        {"a text that a partial needs is missing in one language",
         "=== _strings/hu.yaml\npoints: {left: {one: a, other: b}}\n",
         "_partials/hello.liquid:1:7: error: no text 'hello' in _strings for locale 'hu'"},
        {"a plural form is missing", "=== _strings/ro.yaml\npoints:\n  left:\n    one: a\n    other: b\n",
         "_strings/ro.yaml:3:5: error: 'points.left' lacks the plural form 'few', which the language 'ro' needs"},
        {"a brace that is no placeholder", "=== _strings/ro.yaml\na: \"x {y\"\n",
         "_strings/ro.yaml:1:4: error: a brace that is no placeholder in 'a' (write {name}, with letters, digits and "
         "'_')"},
        {"a text that is a number", "=== _strings/ro.yaml\na: 12\n",
         "_strings/ro.yaml:1:4: error: 'a' is no text (put it in quotes)"},
        {"strings of no locale", "=== _strings/romanian.yaml\na: b\n",
         "_strings/romanian.yaml: error: 'romanian' is no locale (name it like hu.yaml or pt-BR.yaml)"},
        {"a sender that is no address", "=== _brands/owl.yaml\nsender:\n  email: \"owl\"\n",
         "_brands/owl.yaml:2:10: error: 'sender.email' must be an e-mail address"},
        {"a sender name that would end the header", "=== _brands/owl.yaml\nsender:\n  name: \"a\\nb: c\"\n",
         "_brands/owl.yaml:2:9: error: 'sender.name' must be a text on one line"},
        {"an unsubscribe link without TLS", "=== _brands/owl.yaml\nunsubscribe_url: http://x.test\n",
         "_brands/owl.yaml:1:18: error: 'unsubscribe_url' must be an address that starts with https://"},
        {"a folder without flow.yaml", "=== other/sms.en.liquid\nx\n",
         "other: error: the flow has no flow.yaml (every folder is a flow; add flow.yaml with the key 'on')"},
        {"an unknown channel", "=== news/emial.en.liquid\nx\n",
         "news/emial.en.liquid: error: there is no channel 'emial' (did you mean 'email'?)"},
        {"a name that is not understood", "=== news/email.liquid\nx\n",
         "news/email.liquid: error: the file's name is not understood (name it like email.hu.liquid, sms.hu.liquid or "
         "samples/x.json)"},
        {"a bad locale", "=== news/email.hungarian.liquid\nx\n",
         "news/email.hungarian.liquid: error: 'hungarian' is no locale (a locale is written like hu or pt-BR)"},
        {"two files of one locale", "=== news/sms.HU.liquid\nx\n",
         "news/sms.hu.liquid: error: a second file for the locale 'hu', beside news/sms.HU.liquid"},
        {"a text part without its HTML", "=== news/email.ro.text.liquid\nx\n",
         "news/email.ro.text.liquid: error: the text part belongs to news/email.ro.liquid, which is not there"},
        {"a channel without any template", "=== lone/flow.yaml\non: x.y\ndedupe: [member.id]\nchannels: {sms: {}}\n",
         "lone/flow.yaml: error: the channel sms is on and has no template (add lone/sms.en.liquid)"},
        {"a channel without the default locale",
         "=== lone/flow.yaml\non: x.y\ndedupe: [member.id]\nchannels: {sms: {}}\n=== lone/sms.hu.liquid\nx\n",
         "lone/flow.yaml: error: the channel sms has no template for the default locale 'en' (add "
         "lone/sms.en.liquid)"},
        {"a sample of an unknown brand",
         "=== "
         "news/samples/one.json\n{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"loyalty.news\","
         "\"data\":{\"member\":{\"id\":\"42\",\"brand\":\"fox\"}}}\n",
         "news/samples/one.json: error: the sample names the brand 'fox', which is not in _brands"},
        {"a sample that is no event", "=== news/samples/one.json\n{\"specversion\":\"1.0\"}\n",
         "news/samples/one.json: error: the sample is no event: id is missing (missing_attribute)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const texts[] = {good, cases[i].file};
        struct diag_list diags;
        struct catalog *catalog;

        diag_list_init(&diags);
        catalog = build(texts, 2, &diags);
        if (catalog) {
            fail_msg("%s: taken", cases[i].name);
        }
        assert_true(diags.error_count > 0);
        check_diag(cases[i].name, &diags, cases[i].diag);
        diag_list_finish(&diags);
    }
}

static void a_fault_that_many_share_is_told_once(void **state)
{
    static const char *const texts[] = {good, "=== _partials/hello.liquid\n<p>\n{% bogus %}</p>\n"};
    struct diag_list diags;

    (void)state;
    diag_list_init(&diags);
    assert_null(build(texts, 2, &diags));
    assert_int_equal(diags.count, 1);
    assert_string_equal(diags.items[0].file, "_partials/hello.liquid");
    assert_int_equal(diags.items[0].line, 2);
    assert_int_equal(diags.error_count, 1);
    diag_list_finish(&diags);
}

static void harmless_oddities_are_warnings(void **state)
{
    static const struct {
        const char *file;
        const char *diag;
    } cases[] = {
        {"=== _layuots/x.liquid\nx\n",
         "_layuots/x.liquid: warning: the folder '_layuots' means nothing (did you mean '_layouts'?)"},
        {"=== notes.txt\nx\n", "notes.txt: warning: the file belongs to no flow"},
        {"=== _brands/x.yml\nx\n", "_brands/x.yml: warning: the file is not used (files here end in .yaml)"},
        {"=== _brands/x.yaml\nreplyto: x\n",
         "_brands/x.yaml:1:10: warning: 'replyto' is no key that the program knows (did you mean 'reply_to'?)"},
        {"=== lone/flow.yaml\non: x.y\ndedupe: [member.id]\nchannels: {sms: {}}\n=== lone/sms.en.liquid\nx\n"
         "=== lone/email.en.liquid\nx\n",
         "lone/email.en.liquid: warning: the flow does not send on the channel email, so the file is not used (name "
         "the "
         "channel in flow.yaml)"},
        {"=== lone/flow.yaml\non: x.y\ndedupe: [member.id]\nchannels: {sms: {}}\n=== lone/sms.en.liquid\nx\n"
         "=== lone/samples/a.json\n"
         "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
         "t\",\"type\":\"x.z\",\"data\":{\"member\":{\"id\":\"42\"}}}\n",
         "lone/samples/a.json: warning: the sample is of type x.z, the flow is on x.y"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const texts[] = {good, cases[i].file};
        struct diag_list diags;
        struct catalog *catalog;

        diag_list_init(&diags);
        catalog = build(texts, 2, &diags);
        check_diag(cases[i].file, &diags, cases[i].diag);
        assert_non_null(catalog);
        assert_int_equal(diags.count, 1);
        catalog_unref(catalog);
        diag_list_finish(&diags);
    }
}

/* --- versions --------------------------------------------------------------------------------------------------- */

static void version_of(const char *file, char version[17])
{
    const char *const texts[] = {good, file};
    struct diag_list diags;
    struct catalog *catalog;

    diag_list_init(&diags);
    catalog = build(texts, 2, &diags);
    assert_non_null(catalog);
    snprintf(version, 17, "%s", catalog_version(catalog));
    catalog_unref(catalog);
    diag_list_finish(&diags);
}

static void the_version_changes_with_what_is_sent(void **state)
{
    static const struct {
        const char *file;
        bool is_changed;
    } cases[] = {
        {"", false},
        {"=== README.md\nOther words.\n", false},
        {"=== news/notes.md\nx\n", false},
        {"=== news/samples/one.json\n"
         "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/"
         "t\",\"type\":\"loyalty.news\",\"data\":{\"member\":{\"id\":\"1\"}}}\n",
         false},
        {"=== _partials/hello.liquid\n<p>{{ 'hello' | t: name: member.first_name }}!</p>\n", true},
        {"=== _partials/unused.liquid\nx\n", true},
        {"=== _brands/owl.yaml\nname: Owl!\n", true},
        {"=== _strings/ro.yaml\na: b\n", true},
        {"=== news/sms.ro.liquid\nx\n", true},
    };
    char first[17], version[17];

    (void)state;
    version_of("", first);
    assert_int_equal(strlen(first), 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        version_of(cases[i].file, version);
        if ((strcmp(first, version) != 0) != cases[i].is_changed) {
            fail_msg("%s", cases[i].file);
        }
    }
}

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
        cmocka_unit_test(every_fault_is_named_with_its_place),
        cmocka_unit_test(a_fault_that_many_share_is_told_once),
        cmocka_unit_test(harmless_oddities_are_warnings),
        cmocka_unit_test(the_version_changes_with_what_is_sent),
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
