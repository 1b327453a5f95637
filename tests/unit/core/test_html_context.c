#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/html_context.h"

static const struct liquid_options options = {
    .escape = LIQUID_ESCAPE_HTML,
    .surroundings = &html_context_surroundings,
};

static struct liquid_template *compile(const char *text, struct diag_list *diags)
{
    diag_list_init(diags);
    return liquid_compile("t", slice_of(text), 1, &options, diags);
}

static void values_are_refused_where_no_escaping_can_help(void **state)
{
    static const struct {
        const char *text;
        int column;
        const char *message; /* NULL: taken */
    } cases[] = {
        {"<p>{{ u }}</p>", 0, NULL},
        {"<p title=\"{{ u }}\">", 0, NULL},
        {"<p title='a {{ u }}'>", 0, NULL},
        {"<p title={{ u }}>", 10, "a value is printed into an attribute without quotes"},
        {"<p title=a{{ u }}>", 11, "a value is printed into an attribute without quotes"},
        {"<a href= {{ u }}>", 10, "a value is printed into an attribute without quotes"},
        {"<{{ u }}>", 2, "a value is printed into the middle of an HTML tag"},
        {"<p {{ u }}>", 4, "a value is printed into the middle of an HTML tag"},
        {"<p class=\"x\" {{ u }}>", 14, "a value is printed into the middle of an HTML tag"},
        {"<script>var a = '{{ u }}'</script>", 18, "a value is printed into a script"},
        {"<script src=\"https://x.test/a\"></script>{{ u }}", 0, NULL},
        {"<p onclick=\"{{ u }}\">", 13, "a value is printed into a script"},
        {"<style>a { color: {{ u }} }</style><p>{{ u }}", 0, NULL},
        {"<!-- {{ u }} <p {{ u }} --><p>{{ u }}</p>", 0, NULL},
        {"<!--[if mso]><p a={{ u }}><![endif]-->", 19, "a value is printed into an attribute without quotes"},
        {"<!--[if !mso]><!--><p>{{ u }}</p><!--<![endif]-->", 0, NULL},
        {"<br/>{{ u }}", 0, NULL},
        {"1 < 2 {{ u }} <3", 0, NULL},
        {"<!DOCTYPE html>{{ u }}", 0, NULL},
        {"<p{% if u %} class=\"{{ u }}\"{% endif %}>{{ u }}", 0, NULL},
        {"{% if u %}<p class=\"{% endif %}{{ u }}\">", 0, NULL},
        {"<p {% for i in u %}{{ i }}{% endfor %}>", 20, "a value is printed into the middle of an HTML tag"},
        {"{% capture c %}<p {{ u }}>{% endcapture %}", 19, "a value is printed into the middle of an HTML tag"},
        {"<a href=\"{% cycle 'a', 'b' %}\">", 10, "a link must not come from a tag"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct liquid_template *template = compile(cases[i].text, &diags);

        if ((template == NULL) != (cases[i].message != NULL)) {
            fail_msg("%s: %s", cases[i].text, template ? "taken" : diags.items[0].message);
        }
        if (cases[i].message) {
            assert_int_equal(diags.count, 1);
            assert_string_equal(diags.items[0].message, cases[i].message);
            assert_int_equal(diags.items[0].column, cases[i].column);
        }
        liquid_destroy(template);
        diag_list_finish(&diags);
    }
}

static void a_link_goes_only_where_mail_may_lead(void **state)
{
    static const struct {
        const char *text;
        const char *value;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"<a href=\"{{ u }}\">", "https://x.test/?a=1&b=2", "<a href=\"https://x.test/?a=1&amp;b=2\">"},
        {"<a href=\"{{ u }}\">", "mailto:a@x.test", "<a href=\"mailto:a@x.test\">"},
        {"<a href='{{ u }}'>", "tel:+36301234567", "<a href='tel:+36301234567'>"},
        {"<a href=\"{{ u }}\">", "HTTPS://x.test", "<a href=\"HTTPS://x.test\">"},
        {"<a href=\"{{ u }}\">", "javascript:alert(1)", NULL},
        {"<a href=\"{{ u }}\">", "JavaScript:alert(1)", NULL},
        {"<a href=\"{{ u }}\">", " javascript:alert(1)", NULL},
        {"<a href=\"{{ u }}\">", "java\nscript:alert(1)", NULL},
        {"<a href=\"{{ u }}\">", "data:text/html,x", NULL},
        {"<a href=\"{{ u }}\">", "vbscript:x", NULL},
        {"<a href=\"{{ u }}\">", "http://x.test", NULL},
        {"<a href=\"{{ u }}\">", "/relative", NULL},
        {"<a href=\"{{ u }}\">", "https://", NULL},
        {"<a href=\"{{ u }}\">", "https://x.test/\x01", NULL},
        {"<a href=\"{{ u }}\">", "", NULL},
        {"<a href=\"{{ u | raw }}\">", "javascript:x", NULL},
        {"<A HREF = \"{{ u }}\">", "javascript:x", NULL},
        {"<a class=\"b\" href=\"{{ u }}\">", "javascript:x", NULL},
        {"<img alt=\"\" src=\"{{ u }}\">", "data:image/png;base64,x", NULL},
        {"<td background=\"{{ u }}\">", "data:x", NULL},
        {"<!--[if mso]><v:rect href=\"{{ u }}\"><![endif]-->", "javascript:x", NULL},
        {"<a href=\"https://x.test/{{ u }}\">", "javascript:x", "<a href=\"https://x.test/javascript:x\">"},
        {"<a href=\"mailto:{{ u }}\">", "a@x.test", "<a href=\"mailto:a@x.test\">"},
        {"<p title=\"{{ u }}\">", "javascript:x", "<p title=\"javascript:x\">"},
        {"<p>{{ u }}</p>", "javascript:x", "<p>javascript:x</p>"},
        {"{% if u %}<a href=\"{{ u }}\">{% else %}<b>{% endif %}", "javascript:x", NULL},
        {"<a href=\"{% if no %}https://x.test/{% endif %}{{ u }}\">", "javascript:x", NULL},
        {"<a href=\"{% if u %}{{ u }}{% else %}{{ no }}{% endif %}\">", "javascript:x", NULL},
        {"<a href=\"{% if no %}{{ no }}{% else %}{{ u }}{% endif %}\">", "javascript:x", NULL},
        {"<a href=\"{% case 1 %}{% when 1 %}{{ u }}{% endcase %}\">", "javascript:x", NULL},
        {"<a href=\"{% for i in (1..1) %}{{ u }}{% endfor %}\">", "javascript:x", NULL},
        {"<a href=\"{% unless no %}{{ u }}{% endunless %}\">", "javascript:x", NULL},
        {"<a href=\"{% ifchanged %}{{ u }}{% endifchanged %}\">", "javascript:x", NULL},
        {"{% capture c %}javascript:{{ u }}{% endcapture %}<a href=\"{{ c }}\">", "x", NULL},
        {"{% assign c = 'javascript:' | append: u %}<a href=\"{{ c }}\">", "x", NULL},
        {"<a href=\"{{ no }}{{ u }}\">", "javascript:x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *data = json_pack("{s:s}", "u", cases[i].value);
        struct liquid_scope scope = {.data = data, .limits = {1 << 16, 32, 1000}};
        struct liquid_error error = {0};
        struct diag_list diags;
        struct liquid_template *template = compile(cases[i].text, &diags);
        struct buf out;
        bool is_fine;

        buf_init(&out, 0);
        assert_non_null(template);
        is_fine = liquid_render(template, &scope, &out, &error);
        if (is_fine != (cases[i].expected != NULL)) {
            fail_msg("%s with %s: %s", cases[i].text, cases[i].value, is_fine ? "taken" : error.message);
        }
        if (is_fine) {
            assert_string_equal(buf_text(&out), cases[i].expected);
        } else {
            assert_int_equal(error.problem, LIQUID_PROBLEM_NOT_ALLOWED);
            assert_null(strstr(error.message, "script:")); /* what customers sent stays out of logs */
        }
        buf_finish(&out);
        liquid_destroy(template);
        diag_list_finish(&diags);
        json_decref(data);
    }
}

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    (void)name;
    *text = slice_of(arg);
    return true;
}

static void partials_are_looked_at_as_well(void **state)
{
    static char unquoted[] = "<p>\n<i class={{ u }}>";
    static char link[] = "<a href=\"{{ u }}\">";
    struct liquid_options with_partials = options;
    json_t *data = json_pack("{s:s}", "u", "javascript:x");
    struct liquid_scope scope = {.data = data, .limits = {1 << 16, 32, 1000}};
    struct liquid_error error = {0};
    struct liquid_template *template;
    struct diag_list diags;
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    diag_list_init(&diags);
    with_partials.find_partial = find_partial;
    with_partials.find_arg = unquoted;
    assert_null(liquid_compile("t", SLICE("{% render 'part' %}"), 1, &with_partials, &diags));
    assert_int_equal(diags.count, 1);
    assert_string_equal(diags.items[0].file, "part");
    assert_int_equal(diags.items[0].line, 2);
    with_partials.find_arg = link;
    template = liquid_compile("t", SLICE("{% include 'part' %}"), 1, &with_partials, &diags);
    assert_non_null(template);
    assert_false(liquid_render(template, &scope, &out, &error));
    assert_int_equal(error.problem, LIQUID_PROBLEM_NOT_ALLOWED);
    assert_string_equal(error.file, "part");
    liquid_destroy(template);
    diag_list_finish(&diags);
    buf_finish(&out);
    json_decref(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_refused_where_no_escaping_can_help),
        cmocka_unit_test(a_link_goes_only_where_mail_may_lead),
        cmocka_unit_test(partials_are_looked_at_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
