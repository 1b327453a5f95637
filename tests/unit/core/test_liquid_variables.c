/* What lint is told about the variables of a template. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/liquid/liquid.h"

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    (void)arg;
    if (strcmp(name, "loop") == 0) {
        *text = SLICE("{% include 'loop' %}{{ again }}");
        return true;
    }
    *text = SLICE("{{ item.title }}{{ shared }}");
    return strcmp(name, "item") == 0;
}

static void write_variable(void *arg, const struct liquid_variable *variable)
{
    buf_appendf(arg, "%s%s%s %s:%d:%d\n", variable->is_parameter ? "?" : "", variable->path,
                variable->is_guarded ? " guarded" : "", variable->file, variable->line, variable->column);
}

static const struct {
    const char *name;
    const char *template;
    const char *variables;
} cases[] = {
    {"a path", "{{ member.first_name }}", "member.first_name t:1:4\n"},
    {"a path in brackets", "{{ a['b c'].d }}", "a.b c.d t:1:4\n"},
    {"a name in brackets", "{{ ['a b'].c }}", "a b.c t:1:4\n"},
    {"a computed part ends the path", "{{ a[b].c }}{{ a[0].b }}", "a t:1:4\nb guarded t:1:6\na t:1:16\n"},
    {"default guards", "{{ a | default: b | upcase }}", "a guarded t:1:4\nb t:1:17\n"},
    {"arguments of filters", "{{ 'x' | append: a }}", "a t:1:18\n"},
    {"a condition guards its branch", "{% if a %}{{ a }}{% else %}{{ a }}{% endif %}",
     "a guarded t:1:7\na guarded t:1:14\na t:1:31\n"},
    {"a condition on more guards less", "{% if a.b %}{{ a }}{{ a.c }}{% endif %}",
     "a.b guarded t:1:7\na guarded t:1:16\na.c t:1:23\n"},
    {"or guards nothing", "{% if a or b %}{{ a }}{% endif %}", "a guarded t:1:7\nb guarded t:1:12\na t:1:19\n"},
    {"and guards both", "{% if a and b != blank %}{{ a }}{{ b }}{% endif %}",
     "a guarded t:1:7\nb guarded t:1:13\na guarded t:1:29\nb guarded t:1:36\n"},
    {"unless a value is blank it is there", "{% unless a == blank %}{{ a }}{% endunless %}",
     "a guarded t:1:11\na guarded t:1:27\n"},
    {"else of a blank value guards", "{% if a == nil %}{{ a }}{% else %}{{ a }}{% endif %}",
     "a guarded t:1:7\na t:1:21\na guarded t:1:38\n"},
    {"a case guards its values", "{% case a %}{% when 'x' %}{{ a }}{% else %}{{ a }}{% endcase %}",
     "a guarded t:1:9\na guarded t:1:30\na t:1:47\n"},
    {"own names are not reported",
     "{% assign x = a | upcase %}{{ x }}{% capture y %}{{ b }}{% endcapture %}{{ y.z }}{% increment n %}{{ n }}",
     "a t:1:15\nb t:1:53\n"},
    {"another name is reported as what it stands for", "{% assign x = a.b %}{{ x.c }}",
     "a.b guarded t:1:15\na.b.c t:1:24\n"},
    {"a name with two meanings is the template's own",
     "{% assign u = a %}{% if b.c %}{% assign u = b.c %}{% endif %}{{ u }}",
     "a guarded t:1:15\nb.c guarded t:1:25\nb.c guarded t:1:45\n"},
    {"before it is assigned a name is the data's", "{{ x }}{% assign x = x | default: 1 %}{{ x }}",
     "x t:1:4\nx guarded t:1:22\n"},
    {"items of loops stand for those of the list", "{% for i in a.list %}{{ i.b }}{{ forloop.index }}{{ c }}{% endfor %}{{ i }}",
     "a.list guarded t:1:13\na.list[].b t:1:25\nc t:1:53\ni t:1:72\n"},
    {"loops in loops", "{% for r in list %}{% for s in r.subs %}{{ s.x }}{% endfor %}{% endfor %}",
     "list guarded t:1:13\nlist[].subs guarded t:1:32\nlist[].subs[].x t:1:44\n"},
    {"an item's condition guards the item", "{% for r in list %}{% if r.url %}{{ r.url }}{% endif %}{% endfor %}",
     "list guarded t:1:13\nlist[].url guarded t:1:26\nlist[].url guarded t:1:37\n"},
    {"partials of include", "{% for item in list %}{% include 'item' %}{% endfor %}",
     "list guarded t:1:16\nlist[].title item:1:4\nshared item:1:20\n"},
    {"partials of render know their arguments only", "{% assign shared = 1 %}{% render 'item', item: p.q %}",
     "p.q guarded t:1:48\np.q.title item:1:4\n?shared item:1:20\n"},
};

static void variables_are_listed_with_place_and_guard(void **state)
{
    struct liquid_options options = {.find_partial = find_partial};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct liquid_template *template;
        struct buf found;

        diag_list_init(&diags);
        buf_init(&found, 0);
        template = liquid_compile("t", slice_of(cases[i].template), 1, &options, &diags);
        assert_non_null(template);
        liquid_each_variable(template, write_variable, &found);
        if (strcmp(buf_text(&found), cases[i].variables) != 0) {
            fail_msg("%s:\n%sinstead of\n%s", cases[i].name, buf_text(&found), cases[i].variables);
        }
        liquid_destroy(template);
        buf_finish(&found);
        diag_list_finish(&diags);
    }
}

static void count_variable(void *arg, const struct liquid_variable *variable)
{
    (void)variable;
    ++*(size_t *)arg;
}

static void partials_that_include_themselves_come_to_an_end(void **state)
{
    struct liquid_options options = {.find_partial = find_partial};
    struct diag_list diags;
    struct liquid_template *template;
    size_t count = 0;

    (void)state;
    diag_list_init(&diags);
    template = liquid_compile("t", SLICE("{% include 'loop' %}"), 1, &options, &diags);
    assert_non_null(template);
    liquid_each_variable(template, count_variable, &count);
    assert_in_range(count, 1, 1000);
    liquid_destroy(template);
    diag_list_finish(&diags);
}

static void conditions_are_read_too(void **state)
{
    struct diag_list diags;
    struct liquid_condition *condition;
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    diag_list_init(&diags);
    condition = liquid_condition_compile("f", SLICE("tier.to != \"gold\" and points.x > member.y"), 3, &diags);
    assert_non_null(condition);
    liquid_condition_each_variable(condition, write_variable, &out);
    assert_string_equal(buf_text(&out), "tier.to guarded f:3:1\npoints.x guarded f:3:23\nmember.y guarded f:3:34\n");
    liquid_condition_destroy(condition);
    diag_list_finish(&diags);
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_listed_with_place_and_guard),
        cmocka_unit_test(conditions_are_read_too),
        cmocka_unit_test(partials_that_include_themselves_come_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
