/*
 * Templates and data as bytes: the template up to the first line that is "---", JSON behind it (an object; anything
 * else counts as none). The first byte chooses escaping and strictness. Whatever comes, the compiler and the renderer
 * must answer; what they print must stay within the limits. The limits are low, and only one first byte in eight asks
 * which variables are read (partials that use themselves make that walk long), so that a search gets far.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/liquid/liquid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_OUTPUT = 2 << 10, MOST_DEPTH = 12, MOST_STEPS = 200 };

/* Bits of the first byte. */
enum { ESCAPES_HTML = 1, IS_STRICT = 2, LISTS_VARIABLES = 0x1c };

struct input {
    struct slice template;
    json_t *json;
};

static struct input split(const uint8_t *data, size_t size)
{
    struct slice all = {(const char *)data, size};
    const char *mark = memmem(all.data, all.len, "\n---\n", 5);
    struct input input = {.template = all};

    if (mark) {
        const char *rest = mark + 5;

        input.template.len = (size_t)(mark - all.data);
        input.json = json_loadb(rest, (size_t)(all.data + all.len - rest), 0, NULL);
    }
    if (!json_is_object(input.json)) {
        json_decref(input.json);
        input.json = NULL;
    }
    return input;
}

/* "self" is the template again, "part" prints its argument. */
static bool find_partial(void *arg, const char *name, struct slice *text)
{
    const struct input *input = arg;

    *text = strcmp(name, "self") == 0 ? input->template : SLICE("[{{ part }}{{ x }}]");
    return strcmp(name, "self") == 0 || strcmp(name, "part") == 0;
}

static const char *list_partials(void *arg, size_t index)
{
    static const char *const names[] = {"self", "part"};

    (void)arg;
    return index < 2 ? names[index] : NULL;
}

static void count_variable(void *arg, const struct liquid_variable *variable)
{
    assert(variable->line > 0 && variable->column > 0);
    ++*(size_t *)arg;
}

static void try_template(const struct input *input, const struct liquid_options *options, bool lists_variables)
{
    struct liquid_scope scope = {.data = input->json, .limits = {MOST_OUTPUT, MOST_DEPTH, MOST_STEPS}};
    struct diag_list diags;
    struct liquid_template *template;
    struct liquid_error error;
    struct buf out;
    size_t variables = 0;

    diag_list_init(&diags);
    template = liquid_compile("fuzz", input->template, 1, options, &diags);
    assert((template != NULL) == (diags.error_count == 0));
    if (template) {
        buf_init(&out, 0);
        if (!liquid_render(template, &scope, &out, &error)) {
            assert(error.line > 0 && error.column > 0 && error.message[0]);
        }
        assert(out.len <= MOST_OUTPUT);
        if (lists_variables) {
            liquid_each_variable(template, count_variable, &variables);
        }
        buf_finish(&out);
    }
    liquid_destroy(template);
    diag_list_finish(&diags);
}

static void try_condition(const struct input *input)
{
    struct liquid_scope scope = {.data = input->json, .limits = {MOST_OUTPUT, MOST_DEPTH, MOST_STEPS}};
    struct diag_list diags;
    struct liquid_condition *condition;

    diag_list_init(&diags);
    condition = liquid_condition_compile("fuzz", input->template, 1, &diags);
    if (condition) {
        liquid_condition_holds(condition, &scope);
    }
    liquid_condition_destroy(condition);
    diag_list_finish(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    struct liquid_options options = {.find_partial = find_partial, .list_partials = list_partials, .find_arg = &input};

    if (size < 1) {
        return 0;
    }
    options.escape = data[0] & ESCAPES_HTML ? LIQUID_ESCAPE_HTML : LIQUID_ESCAPE_NONE;
    options.is_strict = data[0] & IS_STRICT;
    input = split(data + 1, size - 1);
    try_template(&input, &options, (data[0] & LISTS_VARIABLES) == LISTS_VARIABLES);
    try_condition(&input);
    json_decref(input.json);
    return 0;
}
