/* What makes a catalog, and what is wrong with one that is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "catalog_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_named_with_its_place),
        cmocka_unit_test(a_fault_that_many_share_is_told_once),
        cmocka_unit_test(harmless_oddities_are_warnings),
        cmocka_unit_test(the_version_changes_with_what_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
