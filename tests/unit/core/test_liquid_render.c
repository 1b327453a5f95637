/* The interface of the engine: partials, filters from outside, values beside the data, places of errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/liquid/liquid.h"

struct fixture {
    struct liquid_options options;
    struct liquid_scope scope;
    struct diag_list diags;
    struct liquid_error error;
    struct buf out;
};

static bool find_partial(void *arg, const char *name, struct slice *text)
{
    json_t *found = json_object_get(arg, name);

    *text = slice_make(json_string_value(found), json_string_length(found));
    return found != NULL;
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.options.find_partial = find_partial};
    diag_list_init(&f.diags);
    buf_init(&f.out, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    json_decref(f->options.find_arg);
    json_decref(f->scope.data);
    diag_list_finish(&f->diags);
    buf_finish(&f->out);
    return 0;
}

/* Text, or NULL: then there is a diagnostic or an error. */
static const char *render(struct fixture *f, const char *text)
{
    struct liquid_template *template = liquid_compile("mail", slice_of(text), 1, &f->options, &f->diags);
    bool is_fine = template && liquid_render(template, &f->scope, &f->out, &f->error);

    liquid_destroy(template);
    return is_fine ? buf_text(&f->out) : NULL;
}

static void assert_error_at(const struct fixture *f, const char *file, int line, int column, const char *message)
{
    assert_string_equal(f->error.message, message);
    assert_string_equal(f->error.file, file);
    assert_int_equal(f->error.line, line);
    assert_int_equal(f->error.column, column);
}

/* --- places --------------------------------------------------------------------------------- */

static void a_fault_in_a_partial_is_placed_in_the_partial(void **state)
{
    struct fixture *f = *state;

    f->options.find_arg = json_pack("{s:s}", "blocks/footer", "line one\n  {{ total | divided_by: 0 }}");
    assert_null(render(f, "a\n{% render 'blocks/footer', total: 3 %}"));
    assert_error_at(f, "blocks/footer", 2, 14, "divided_by: division by zero");
}

static void a_syntax_fault_in_a_partial_is_placed_in_the_partial(void **state)
{
    struct fixture *f = *state;

    f->options.find_arg = json_pack("{s:s}", "footer", "{{ a }}\n{% if %}");
    assert_null(render(f, "{% include 'footer' %}"));
    assert_int_equal(f->diags.error_count, 1);
    assert_string_equal(f->diags.items[0].file, "footer");
    assert_int_equal(f->diags.items[0].line, 2);
    assert_int_equal(f->diags.items[0].column, 7);
}

static void lines_are_counted_from_the_line_the_text_begins_at(void **state)
{
    struct fixture *f = *state;

    assert_null(liquid_compile("email.en.liquid", SLICE("a\n{{ | }}"), 7, &f->options, &f->diags));
    assert_int_equal(f->diags.items[0].line, 8);
}

static void a_missing_partial_is_named(void **state)
{
    struct fixture *f = *state;

    assert_null(render(f, "{% render 'nowhere' %}"));
    assert_string_equal(f->diags.items[0].message, "there is no partial \"nowhere\"");
}

static void names_that_leave_the_folder_are_refused_before_they_are_looked_for(void **state)
{
    static const char *const templates[] = {"{% include '../secret' %}", "{% include '/etc/passwd' %}",
                                            "{% render '' %}", "{% render 'a/../../b' %}"};
    struct fixture *f = *state;

    f->options.find_arg =
        json_pack("{s:s, s:s, s:s, s:s}", "../secret", "x", "/etc/passwd", "x", "", "x", "a/../../b", "x");
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        assert_null(render(f, templates[i]));
        assert_int_equal(f->diags.error_count, i + 1);
        assert_non_null(strstr(f->diags.items[i].message, "cannot be the name of a partial"));
    }
}

static void a_name_in_a_variable_needs_a_list_of_partials(void **state)
{
    struct fixture *f = *state;

    assert_null(render(f, "{% include name %}"));
    assert_string_equal(f->diags.items[0].message, "the name of a partial must be a text in quotes");
}

/* --- filters from outside ------------------------------------------------------------------- */

static bool shout(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice text = liquid_to_text(call->run, &call->input);
    const char *end = call->context;
    char *loud;

    if (call->arg_count > 1) {
        return err_set(err, "shout takes one argument");
    }
    for (size_t i = 0; i < call->named_count; i++) {
        if (slice_is(call->named[i].name, "mark")) {
            end = "?";
            assert_int_equal(call->named[i].value.integer, 3);
        }
    }
    loud = liquid_alloc(call->run, text.len + 1);
    memcpy(loud, text.data, text.len);
    loud[text.len] = *end;
    *result = (struct liquid_value){.kind = LIQUID_STRING, .string = slice_make(loud, text.len + 1)};
    return true;
}

static char mark[] = "!";
static const struct liquid_filter extra[] = {{"shout", shout}, {NULL, NULL}};

static void a_filter_from_outside_gets_input_arguments_and_context(void **state)
{
    struct fixture *f = *state;

    f->options.filters = extra;
    f->options.escape = LIQUID_ESCAPE_HTML;
    f->scope.filter_context = mark;
    assert_string_equal(render(f, "{{ 'a<b' | shout }} {{ 1.5 | shout: mark: 3 }} {{ (1..3) | shout | size }}"),
                        "a&lt;b! 1.5? 5");
}

static void what_a_filter_from_outside_refuses_is_placed(void **state)
{
    struct fixture *f = *state;

    f->options.filters = extra;
    f->scope.filter_context = mark;
    assert_null(render(f, "{{ 'a' | shout: 1, 2 }}"));
    assert_error_at(f, "mail", 1, 10, "shout: shout takes one argument");
}

static bool take_much(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    char *memory = liquid_alloc(call->run, 64 << 20);

    (void)err;
    memset(memory, 'x', 64 << 20);
    *result = (struct liquid_value){.kind = LIQUID_STRING, .string = slice_make(memory, 3)};
    return true;
}

static void a_filter_that_takes_too_much_gets_it_and_ends_the_render(void **state)
{
    static const struct liquid_filter greedy[] = {{"take_much", take_much}, {NULL, NULL}};
    struct fixture *f = *state;

    f->options.filters = greedy;
    f->scope.limits = (struct liquid_limits){.output_bytes = 1000, .depth = 10, .steps = 10};
    assert_null(render(f, "{{ 1 | take_much }}"));
    assert_string_equal(f->error.message, "the template needs too much memory");
}

/* --- data ----------------------------------------------------------------------------------- */

static void values_come_before_data_and_more_data(void **state)
{
    struct fixture *f = *state;
    const struct liquid_named_value values[] = {
        {SLICE("brand"), {.kind = LIQUID_STRING, .is_safe = true, .string = SLICE("<b>")}},
    };
    json_t *more = json_pack("{s:s, s:s, s:s}", "brand", "third", "a", "third", "b", "third");

    f->options.escape = LIQUID_ESCAPE_HTML;
    f->scope.data = json_pack("{s:s, s:s}", "brand", "second", "a", "<i>");
    f->scope.more_data = more;
    f->scope.values = values;
    f->scope.value_count = 1;
    assert_string_equal(render(f, "{{ brand }} {{ a }} {{ b }} {{ ['b'] }}"), "<b> &lt;i&gt; third third");
    json_decref(more);
}

static void a_partial_of_render_sees_nothing_but_its_arguments(void **state)
{
    struct fixture *f = *state;

    f->options.find_arg = json_pack("{s:s}", "p", "[{{ a }}{{ b }}{{ c }}{{ ['a'] }}]");
    f->scope.data = json_pack("{s:s, s:s}", "a", "data", "b", "data");
    assert_string_equal(render(f, "{% assign c = 1 %}{% render 'p', b: a %}{% include 'p', b: 2 %}"),
                        "[data][data21data]");
}

static void a_template_renders_again_as_before(void **state)
{
    struct fixture *f = *state;
    struct liquid_template *template =
        liquid_compile("mail", SLICE("{% increment n %}{{ x }}{% assign x = 'set' %}{{ x }}{% cycle 'a', 'b' %}"), 1,
                       &f->options, &f->diags);

    assert_non_null(template);
    assert_true(liquid_render(template, &f->scope, &f->out, &f->error));
    assert_true(liquid_render(template, &f->scope, &f->out, &f->error));
    assert_string_equal(buf_text(&f->out), "0seta0seta");
    liquid_destroy(template);
}

static void keys_with_any_character_are_found(void **state)
{
    struct fixture *f = *state;

    f->scope.data = json_loads("{\"a b\": {\"\\u00e9\": 1}, \"\": 2, \"\xe2\x82\xac\": 3}", 0, NULL);
    assert_non_null(f->scope.data);
    assert_string_equal(render(f, "{{ ['a b']['\xc3\xa9'] }}{{ [''] }}{{ ['\xe2\x82\xac'] }}"), "123");
}

static void a_value_may_hold_any_byte(void **state)
{
    struct fixture *f = *state;

    f->scope.data = json_loads("{\"a\": \"x\\u0000<\"}", JSON_ALLOW_NUL, NULL);
    assert_non_null(f->scope.data);
    f->options.escape = LIQUID_ESCAPE_HTML;
    assert_non_null(render(f, "{{ a }}{{ a | size }}"));
    assert_int_equal(f->out.len, 7);
    assert_memory_equal(f->out.data, "x\0&lt;3", 7);
}

static void a_template_that_is_not_utf8_does_not_compile(void **state)
{
    struct fixture *f = *state;

    assert_null(render(f, "a\xff"
                          "b"));
    assert_string_equal(f->diags.items[0].message, "not valid UTF-8");
    assert_int_equal(f->diags.items[0].column, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fault_in_a_partial_is_placed_in_the_partial),
        TEST(a_syntax_fault_in_a_partial_is_placed_in_the_partial),
        TEST(lines_are_counted_from_the_line_the_text_begins_at),
        TEST(a_missing_partial_is_named),
        TEST(names_that_leave_the_folder_are_refused_before_they_are_looked_for),
        TEST(a_name_in_a_variable_needs_a_list_of_partials),
        TEST(a_filter_from_outside_gets_input_arguments_and_context),
        TEST(what_a_filter_from_outside_refuses_is_placed),
        TEST(a_filter_that_takes_too_much_gets_it_and_ends_the_render),
        TEST(values_come_before_data_and_more_data),
        TEST(a_partial_of_render_sees_nothing_but_its_arguments),
        TEST(a_template_renders_again_as_before),
        TEST(keys_with_any_character_are_found),
        TEST(a_value_may_hold_any_byte),
        TEST(a_template_that_is_not_utf8_does_not_compile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
