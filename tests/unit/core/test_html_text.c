#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/html_text.h"

struct text_case {
    const char *name;
    const char *html;
    const char *text;
};

static void check(const struct text_case *cases, size_t count, bool is_tidied)
{
    for (size_t i = 0; i < count; i++) {
        struct buf converted, tidied;
        struct buf *out = is_tidied ? &tidied : &converted;

        buf_init(&converted, 0);
        buf_init(&tidied, 0);
        html_text_convert(slice_of(cases[i].html), &converted);
        html_text_tidy(buf_slice(&converted), &tidied);
        if (strcmp(buf_text(out), cases[i].text) != 0) {
            fail_msg("%s:\n<<%s>>\nexpected\n<<%s>>", cases[i].name, buf_text(out), cases[i].text);
        }
        buf_finish(&converted);
        buf_finish(&tidied);
    }
}

static void markup_becomes_plain_text(void **state)
{
    static const struct text_case cases[] = {
        {"nothing", "", ""},
        {"paragraphs", "<p>One</p>\n<p>Two</p>", "One\n\nTwo\n"},
        {"blanks collapse", "<p>  a \n\t b  </p>", "a b\n"},
        {"inline tags leave no trace", "a<b>b</b>c <i>d</i>", "abc d\n"},
        {"breaks", "a<br>b<br/><br />c", "a\nb\n\nc\n"},
        {"lists", "<ul><li>One</li>\n<li><p>Two</p></li></ul>after", "- One\n- Two\n\nafter\n"},
        {"headings", "<h1>Hi</h1>text", "Hi\n\ntext\n"},
        {"rows and cells", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
        {"links", "<a href=\"https://x.test/?a=1&amp;b=2\">Go</a>!", "Go (https://x.test/?a=1&b=2)!\n"},
        {"a link that shows its address", "<a href='https://x.test'>https://x.test</a>", "https://x.test\n"},
        {"mail and phone", "<a href=mailto:a@x.test>a@x.test</a> <a href=\"tel:+361\">call</a>",
         "a@x.test call (+361)\n"},
        {"a link without text", "<a href=\"https://x.test\"></a>", "https://x.test\n"},
        {"an anchor", "<a href=\"#top\">up</a><a name=x>y</a>", "upy\n"},
        {"an image speaks by its alt", "<img src=\"a.png\" alt=\"Gold &amp; more\"> <img src=b.png>", "Gold & more\n"},
        {"a rule", "a<hr>b", "a\n\n---\n\nb\n"},
        {"what is never shown", "<head><title>t</title></head><style>p{}</style><!-- x <p> -->a<script>1<2</script>",
         "a\n"},
        {"entities", "&lt;&eacute;&#337;&#x151;&hellip;&nbsp;&bogus; &amp", "<éőő… &bogus; &amp\n"},
        {"numbers that are no character", "&#0;&#xd800;&#99999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"},
        {"a bare less-than", "1 < 2 and 3 <4", "1 < 2 and 3 <4\n"},
        {"soft hyphens vanish", "a&shy;b", "ab\n"},
        {"names of any case", "<P>a</P><BR><UL><LI>b</UL>", "a\n\n- b\n"},
        {"a tag that never ends", "a<p class=\"x", "a\n"},
        {"a comment that never ends", "a<!-- b", "a\n"},
        {"a quote inside a value", "<a href='https://x.test/\"q\"' title=\"a > b\">q</a>",
         "q (https://x.test/\"q\")\n"},
    };

    (void)state;
    check(cases, sizeof(cases) / sizeof(cases[0]), true);
}

static void liquid_stays_as_written(void **state)
{
    static const struct text_case cases[] = {
        {"output", "<p>Hi {{ member.first_name | default: \"<you>\" }}!</p>",
         "\035Hi {{ member.first_name | default: \"<you>\" }}!"},
        {"output in a link", "<a class=\"{{ c }}\" href=\"{{ url }}?m={{ id }}&amp;x=1\">Go</a>",
         "Go ({{ url }}?m={{ id }}&x=1)"},
        {"tags with angle brackets inside an element", "<p {% if a > b %}class=\"x\"{% endif %}>t</p>", "\035t"},
        {"breaks are written on the side they belong to", "A{% if x %}<p>B</p>{% endif %}<p>C</p>",
         "A{% if x %}\035B\035{% endif %}\035C"},
        {"loops repeat their breaks", "<ul>{% for r in a %}<li>{{ r }}</li>{% endfor %}</ul>",
         "\035{% for r in a %}\036- {{ r }}\036{% endfor %}"},
        {"whitespace control", "a {%- if x -%} b {%- endif %} c", "a {%- if x -%} b {%- endif %} c"},
        {"comments are dropped", "a{% comment %} <p>{{ x }}</p> {% endcomment %}b", "ab"},
        {"comments in comments", "a{% comment %}{% comment %}{% endcomment %}x{%- endcomment -%}b", "ab"},
        {"raw blocks", "{% raw %}<b>{{ x }}</b>{% if %}{% endraw %}", "{% raw %}{{ x }}{% if %}{% endraw %}"},
        {"an entity never becomes Liquid", "&#123;&#123; x }}", "{{ '{' }}{{ '{' }} x }}"},
        {"braces never join over a tag", "{<b>{</b> x }}", "{{ '{' }}{{ '{' }} x }}"},
        {"an output that never ends goes to the compiler", "a {{ b <p>c", "a {{ b <p>c"},
    };

    (void)state;
    check(cases, sizeof(cases) / sizeof(cases[0]), false);
}

static const char letters[] = "wxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyzwxyz";

static void tidying_keeps_lines_and_drops_holes(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } cases[] = {
        {"", ""},
        {"\n\n a", "a\n"},
        {"a \n\n\n\n  b\n\n", "a\n\nb\n"},
        {"a\r\nb", "a\nb\n"},
        {"a  \t b", "a b\n"},
        {" \n \n", ""},
        {"a\n \n \nb", "a\n\nb\n"},
        {"a\036 \036b", "a\nb\n"},
        {"a\036\035\036b", "a\n\nb\n"},
        {"\035a\n\036b\035", "a\nb\n"},
        {"a\035\n\n\nb", "a\n\nb\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text;

        buf_init(&text, 0);
        html_text_tidy(slice_of(cases[i].from), &text);
        assert_string_equal(buf_text(&text), cases[i].to);
        assert_int_equal(text.len, strlen(cases[i].to));
        buf_finish(&text);
    }
}

/* Words are skipped in blocks; what ends them may stand anywhere in one. */
static void gaps_are_found_wherever_they_stand(void **state)
{
    static const struct {
        const char *gap, *becomes;
    } rows[] = {
        {"  ", " "},       {" \t", " "}, {" \n ", "\n"},           {"\036", "\n"},
        {" \035", "\n\n"}, {" ", " "},   {"\xc3\xa9 ", "\xc3\xa9 "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int before = 1; before < 70; before++) {
            char from[160], want[160];
            struct buf text;

            snprintf(from, sizeof(from), "%.*s%s%.*s", before, letters, rows[i].gap, 70 - before, letters);
            snprintf(want, sizeof(want), "%.*s%s%.*s\n", before, letters, rows[i].becomes, 70 - before, letters);
            buf_init(&text, 0);
            html_text_tidy(slice_of(from), &text);
            assert_string_equal(buf_text(&text), want);
            buf_finish(&text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_plain_text),
        cmocka_unit_test(liquid_stays_as_written),
        cmocka_unit_test(tidying_keeps_lines_and_drops_holes),
        cmocka_unit_test(gaps_are_found_wherever_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
