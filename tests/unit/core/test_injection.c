/*
 * What customers and shops send is hostile: markup, header lines, template syntax, links. Each vector goes through a
 * whole message, as an event brings it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalog.h"

static const char flow_yaml[] = "on: test.any\ndedupe: [member.id]\nchannels:\n  email: {}\n  sms: {segments_max: 10}\n";
static const char brand_yaml[] =
    "name: Shop\nurl: https://shop.example\nsender: {name: Shop, email: shop@shop.example}\nsms_sender: Shop\n";
/* The places where a value may stand, between marks. */
static const char text_and_attribute[] = "---\nsubject: \"about {{ s }}\"\n---\n"
                                         "<p>[[{{ v }}]]</p><p title=\"[[{{ v }}]]\">x</p><p title='[[{{ v }}]]'>x</p>\n";
static const char link[] = "---\nsubject: x\n---\n<a href=\"{{ v }}\">x</a><img alt=\"\" src='{{ v }}'>\n";

static struct catalog *make_catalog(const char *email)
{
    struct file_tree *tree = file_tree_create();
    struct catalog *catalog;
    struct diag_list diags;

    file_tree_add(tree, "_brands/default.yaml", slice_of(brand_yaml));
    file_tree_add(tree, "any/flow.yaml", slice_of(flow_yaml));
    file_tree_add(tree, "any/email.en.liquid", slice_of(email));
    file_tree_add(tree, "any/sms.en.liquid", SLICE("to you: {{ v }}\n"));
    diag_list_init(&diags);
    catalog = catalog_build(tree, &(struct catalog_options){"en"}, &diags);
    if (!catalog) {
        fail_msg("%s", diags.items[0].message);
    }
    diag_list_finish(&diags);
    file_tree_destroy(tree);
    return catalog;
}

struct result {
    bool is_made;
    struct message message; /* to be finished when made */
    struct render_error error;
};

static struct result render_for(const struct catalog *catalog, enum channel channel, const char *name,
                                const char *subject, const char *value)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:{s:s, s:s, s:s, s:s, s:s*}, s:s, s:s}}", "specversion",
                             "1.0", "id", "1", "source", "/t", "type", "test.any", "time", "2026-11-21T10:00:00Z",
                             "data", "member", "id", "42", "email", "a@b.example", "phone", "+36301234567", "locale",
                             "en", "last_name", name, "s", subject, "v", value);
    char *text = json_dumps(json, 0);
    const struct record record = {.topic = "", .timestamp_ms = -1, .value = slice_of(text)};
    struct result result = {.is_made = false};
    struct event event = {0};
    const char *reason;
    struct err err = {0};

    assert_non_null(text);
    if (!event_decode(&record, &event, &reason, &err)) {
        fail_msg("%s", err.text);
    }
    result.is_made = catalog_render(catalog, catalog_find_flow(catalog, "any"), channel, &event, NULL, &result.message,
                                    &result.error);
    event_finish(&event);
    free(text);
    json_decref(json);
    return result;
}

static struct result render(const struct catalog *catalog, enum channel channel, const char *subject, const char *value)
{
    return render_for(catalog, channel, NULL, subject, value);
}

/* --- markup ------------------------------------------------------------------------------------------------------- */

/* Ten beginnings that leave a context by ten ways to run something: a hundred vectors. */
static const char *const ways_out[] = {
    "", "\"", "'", "\">", "'>", "</title>", "</textarea>", "-->", "]]>", "</style></script>",
};
static const char *const attacks[] = {
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    " onmouseover=alert(1) x=",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<style>@import 'https://x.example/x.css';</style>",
    "<meta http-equiv=refresh content='0;url=https://x.example'>",
    "<<SCRIPT>alert(1);//\\<</SCRIPT>",
    "<math><mtext></p><style><!--</style><img src=x onerror=alert(1)>",
};

/* Nothing in it can end a text or an attribute, or begin a tag; every '&' begins one of our own entities. */
static bool is_inert(const char *from, size_t len)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (size_t i = 0; i < len; i++) {
        bool is_entity = false;

        if (strchr("<>\"'", from[i])) {
            return false;
        }
        for (size_t e = 0; e < sizeof(entities) / sizeof(entities[0]); e++) {
            is_entity |= strncmp(from + i, entities[e], strlen(entities[e])) == 0;
        }
        if (from[i] == '&' && !is_entity) {
            return false;
        }
    }
    return true;
}

static void markup_from_outside_is_text_wherever_it_stands(void **state)
{
    struct catalog *catalog = make_catalog(text_and_attribute);
    size_t checked = 0;

    (void)state;
    for (size_t w = 0; w < sizeof(ways_out) / sizeof(ways_out[0]); w++) {
        for (size_t a = 0; a < sizeof(attacks) / sizeof(attacks[0]); a++) {
            char vector[256];
            struct result r;
            const char *at;

            snprintf(vector, sizeof(vector), "%s%s", ways_out[w], attacks[a]);
            r = render(catalog, CHANNEL_EMAIL, "x", vector);
            assert_true(r.is_made);
            at = r.message.html;
            for (int place = 0; place < 3; place++) {
                const char *start = strstr(at, "[[");
                const char *end = start ? strstr(start, "]]<") : NULL;

                end = end ? end : start ? strstr(start, "]]\"") : NULL;
                end = place == 2 && start ? strstr(start, "]]'") : end;
                if (!start || !end || !is_inert(start + 2, (size_t)(end - start - 2))) {
                    fail_msg("%s: %s", vector, at);
                }
                at = end + 2;
                checked++;
            }
            message_finish(&r.message);
        }
    }
    assert_int_equal(checked, 300);
    catalog_unref(catalog);
}

/* In a link there is nothing to escape: what leads anywhere else is refused, and what is taken stays in its quotes. */
static void markup_from_outside_is_no_link(void **state)
{
    struct catalog *catalog = make_catalog(link);

    (void)state;
    for (size_t w = 0; w < sizeof(ways_out) / sizeof(ways_out[0]); w++) {
        for (size_t a = 0; a < sizeof(attacks) / sizeof(attacks[0]); a++) {
            char vector[256];
            struct result r;

            snprintf(vector, sizeof(vector), "%s%s", ways_out[w], attacks[a]);
            r = render(catalog, CHANNEL_EMAIL, "x", vector);
            assert_false(r.is_made);
            assert_string_equal(r.error.reason, "bad_url");
            snprintf(vector, sizeof(vector), "https://x.example/?%s%s", ways_out[w], attacks[a]);
            r = render(catalog, CHANNEL_EMAIL, "x", vector);
            if (r.is_made) {
                const char *start = strstr(r.message.html, "href=\"") + strlen("href=\"");

                assert_true(is_inert(start, strcspn(start, "\"")));
                assert_true(strncmp(start + strcspn(start, "\""), "\">x</a>", 7) == 0);
                message_finish(&r.message);
            } else {
                assert_string_equal(r.error.reason, "bad_url");
            }
        }
    }
    catalog_unref(catalog);
}

static void a_link_leads_only_where_mail_may_lead(void **state)
{
    static const char *const vectors[] = {
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "jAvAsCrIpT:alert(1)", " javascript:alert(1)",
        "\tjavascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "java\rscript:alert(1)",
        "\x01javascript:alert(1)", "javascript&colon;alert(1)", "&#106;avascript:alert(1)", "javascript://x.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,x", "DATA:x",
        "vbscript:msgbox(1)", "livescript:x", "mocha:x", "view-source:https://x.example", "file:///etc/passwd",
        "ftp://x.example/", "http://x.example/", "HTTP://x.example/", "//x.example/", "/path", "path", "?q", "#f",
        "https:/x.example", "https:x.example", "https//x.example", "https://x.example/ javascript:x", "blob:https://x.example/1",
        "about:blank", "ws://x.example", "jar:https://x.example!/", "intent://x#Intent;end", "\xe2\x80\x8bjavascript:x", "",
    };
    struct catalog *catalog = make_catalog(link);

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct result r = render(catalog, CHANNEL_EMAIL, "x", vectors[i]);

        if (r.is_made) {
            fail_msg("vector %zu leads somewhere: %s", i, r.message.html);
        }
        assert_string_equal(r.error.reason, "bad_url");
    }
    catalog_unref(catalog);
}

/* --- header lines ------------------------------------------------------------------------------------------------- */

static void assert_no_header(const struct catalog *catalog, const char *text)
{
    struct result as_subject = render(catalog, CHANNEL_EMAIL, text, "x");
    struct result as_name = render_for(catalog, CHANNEL_EMAIL, text, "x", "x");

    if (as_subject.is_made || as_name.is_made) {
        fail_msg("taken as a %s: \"%s\"", as_subject.is_made ? "subject" : "name", text);
    }
    assert_string_equal(as_subject.error.reason, "bad_header");
    assert_string_equal(as_name.error.reason, "bad_header");
}

/* Refused, never silently cut: the message goes to the DLQ. (Spaces at the two ends are not part of it.) */
static void a_line_break_or_a_control_in_a_subject_or_a_name_is_refused(void **state)
{
    static const char *const vectors[] = {
        "\r\nBcc: x@x.example", "\nBcc: x@x.example", "\rBcc: x@x.example", "a\r\n\r\n<html>", "a\n\nbody",
        "a\r\n\tfolded", "a\r\n folded", "\rx", "\nx", "\r\nx", "a\vb", "a\fb", "\r\nContent-Type: text/html\r\n\r\nx",
        "a\r\n.\r\nMAIL FROM:<x>", "\n\rX: y", "a\xe2\x80\xa8" "Bcc: x", "a\xe2\x80\xa9" "Bcc: x",
        "x\r\n", "x\n ", "x \r", "x\r\n\r\n", "\n", "\t", "x\xe2\x80\xa8", "\xe2\x80\xa9x",
    };
    struct catalog *catalog = make_catalog("---\nsubject: \"{{ s }}\"\n---\n<p>x</p>\n");

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_no_header(catalog, vectors[i]);
    }
    for (unsigned c = 1; c < 0xa0; c = c == ' ' - 1 ? 0x7f : c + 1) {
        /* One byte, or two in UTF-8; at the beginning, between and at the end. */
        const char control[] = {c < 0x80 ? (char)c : '\xc2', c < 0x80 ? '\0' : (char)c, '\0'};
        char text[8];

        for (int place = 0; place < 3; place++) {
            snprintf(text, sizeof(text), "%s%s%s", place > 0 ? "a" : "", control, place < 2 ? "b" : "");
            assert_no_header(catalog, text);
        }
    }
    catalog_unref(catalog);
}

static void spaces_around_a_subject_and_a_name_are_no_part_of_them(void **state)
{
    struct catalog *catalog = make_catalog("---\nsubject: \" {{ s }} \"\n---\n<p>x</p>\n");
    struct result r = render_for(catalog, CHANNEL_EMAIL, " Kov\xc3\xa1" "cs  ", "  a b ", "x");

    (void)state;
    assert_true(r.is_made);
    assert_string_equal(r.message.subject, "a b");
    assert_string_equal(r.message.to_name, "Kov\xc3\xa1" "cs");
    message_finish(&r.message);
    catalog_unref(catalog);
}

static void a_control_in_an_sms_is_refused_but_for_the_ends_of_lines(void **state)
{
    struct catalog *catalog = make_catalog(text_and_attribute);

    (void)state;
    for (char c = 1; c < ' '; c++) {
        const char text[] = {'a', c, 'b', '\0'};
        struct result r = render(catalog, CHANNEL_SMS, "x", text);

        assert_int_equal(r.is_made, c == '\n' || c == '\r');
        if (r.is_made) {
            message_finish(&r.message);
        } else {
            assert_string_equal(r.error.reason, "bad_text");
        }
    }
    assert_string_equal(render(catalog, CHANNEL_SMS, "x", "a\x7f").error.reason, "bad_text");
    assert_string_equal(render(catalog, CHANNEL_SMS, "x", "a\xc2\x9b" "b").error.reason, "bad_text");
    catalog_unref(catalog);
}

/* --- template syntax ---------------------------------------------------------------------------------------------- */

static void template_syntax_from_outside_is_text(void **state)
{
    static const char *const vectors[] = {
        "{{ member.email }}", "{% include 'x' %}", "{{ 7 | times: 7 }}", "{% for i in (1..9999999) %}x{% endfor %}",
        "{%- raw -%}", "{% endraw %}{{ event.id }}", "{{", "}}", "{% comment %}", "{# x #}", "${7*7}", "<%= 7*7 %>",
        "{{ 'x' | raw }}", "{% assign s = 1 %}", "{% render 'any' %}", "{{ locale }}",
    };
    struct catalog *catalog = make_catalog(text_and_attribute);

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char expected[128];
        struct result r = render(catalog, CHANNEL_EMAIL, vectors[i], "x");

        assert_true(r.is_made);
        snprintf(expected, sizeof(expected), "about %s", vectors[i]);
        assert_string_equal(r.message.subject, expected);
        message_finish(&r.message);
        r = render(catalog, CHANNEL_SMS, "x", vectors[i]);
        assert_true(r.is_made);
        snprintf(expected, sizeof(expected), "to you: %s", vectors[i]);
        assert_string_equal(r.message.text, expected);
        message_finish(&r.message);
    }
    catalog_unref(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_from_outside_is_text_wherever_it_stands),
        cmocka_unit_test(markup_from_outside_is_no_link),
        cmocka_unit_test(a_link_leads_only_where_mail_may_lead),
        cmocka_unit_test(a_line_break_or_a_control_in_a_subject_or_a_name_is_refused),
        cmocka_unit_test(spaces_around_a_subject_and_a_name_are_no_part_of_them),
        cmocka_unit_test(a_control_in_an_sms_is_refused_but_for_the_ends_of_lines),
        cmocka_unit_test(template_syntax_from_outside_is_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
