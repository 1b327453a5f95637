/* include and render: a partial is compiled once per template, whoever asks for it. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/liquid/parser.h"

static bool is_allowed_name(struct slice name)
{
    if (!name.len || name.data[0] == '/' || memchr(name.data, '\0', name.len)) {
        return false;
    }
    return !memmem(name.data, name.len, "..", 2);
}

static struct slice last_part(struct slice name)
{
    const char *slash = memrchr(name.data, '/', name.len);

    return slash ? slice_make(slash + 1, (size_t)(name.data + name.len - slash - 1)) : name;
}

bool parser_find_unit(struct parser *p, const char *where, struct slice name, uint32_t *index)
{
    struct unit unit = {.first_line = 1};
    struct slice text;
    bool is_found;

    for (uint32_t i = 1; i < p->template->units.count; i++) {
        if (slice_is(name, p->template->units.items[i].name)) {
            *index = i;
            return true;
        }
    }
    if (!is_allowed_name(name)) {
        return parser_fail(p, where, NULL, "\"%.*s\" cannot be the name of a partial", (int)name.len, name.data);
    }
    unit.name = xmemdup(name.data, name.len);
    is_found =
        p->options && p->options->find_partial && p->options->find_partial(p->options->find_arg, unit.name, &text);
    if (!is_found) {
        parser_fail(p, where, NULL, "there is no partial \"%s\"", unit.name);
        free(unit.name);
        return false;
    }
    if (!utf8_is_valid(text)) {
        parser_fail(p, where, NULL, "the partial \"%s\" is not valid UTF-8", unit.name);
        free(unit.name);
        return false;
    }
    unit.text = xmemdup(text.data, text.len);
    unit.len = text.len;
    unit.symbol = program_symbol(p->template, last_part(name));
    list_add(&p->template->units, unit);
    *index = p->template->units.count - 1;
    return true;
}

bool parser_load_all(struct parser *p)
{
    const char *name;
    uint32_t unit;

    for (size_t i = 0; p->options->list_partials && (name = p->options->list_partials(p->options->find_arg, i)); i++) {
        if (!parser_find_unit(p, p->source.base, slice_of(name), &unit)) {
            return false;
        }
    }
    return true;
}

/* with product as item, title: "x" */
static bool parse_call_rest(struct parser *p, struct cursor *c, struct call *call)
{
    call->with = NO_INDEX;
    call->alias = NO_INDEX;
    if (!cursor_is_key(c)) {
        call->is_for = cursor_accept_name(c, "for");
        if ((call->is_for || cursor_accept_name(c, "with")) && !parse_expr(p, c, &call->with)) {
            return false;
        }
    }
    if (!cursor_is_key(c) && cursor_accept_name(c, "as")) {
        if (c->token.kind != TOKEN_NAME) {
            return parser_fail(p, c->token.start, NULL, "expected a name behind \"as\"");
        }
        call->alias = program_symbol(p->template, c->token.text);
        cursor_next(c);
    }
    if (!parse_named(p, c, &call->first_named, &call->named_count)) {
        return false;
    }
    for (uint32_t i = 0; i < call->named_count; i++) {
        struct named_arg *named = &p->template->named.items[call->first_named + i];

        named->symbol = program_symbol(p->template, named->name);
    }
    return true;
}

static void add_call(struct parser *p, const struct part *part, enum node_kind kind, const struct call *call)
{
    uint32_t node = parser_begin_node(p, kind, part->start);

    list_add(&p->template->calls, *call);
    parser_node(p, node)->call = p->template->calls.count - 1;
    p->is_blank = false;
}

bool parse_include(struct parser *p, const struct part *part)
{
    struct call call = {.unit = NO_INDEX, .name_expr = NO_INDEX};
    struct cursor c;

    cursor_init(&c, part->markup);
    if (c.token.kind == TOKEN_STRING) {
        if (!parser_find_unit(p, part->start, c.token.text, &call.unit)) {
            return false;
        }
        cursor_next(&c);
    } else {
        if (!p->options || !p->options->list_partials) {
            return parser_fail(p, part->start, "{% include 'name' %}",
                               "the name of a partial must be a text in quotes");
        }
        if (!parse_expr(p, &c, &call.name_expr)) {
            return false;
        }
        p->has_dynamic_name = true;
    }
    if (!parse_call_rest(p, &c, &call)) {
        return false;
    }
    add_call(p, part, NODE_INCLUDE, &call);
    return true;
}

bool parse_render(struct parser *p, const struct part *part)
{
    struct call call = {.name_expr = NO_INDEX};
    struct cursor c;

    cursor_init(&c, part->markup);
    if (c.token.kind != TOKEN_STRING) {
        return parser_fail(p, part->start, "{% render 'name' %}", "the name of a partial must be a text in quotes");
    }
    if (!parser_find_unit(p, part->start, c.token.text, &call.unit)) {
        return false;
    }
    cursor_next(&c);
    if (!parse_call_rest(p, &c, &call)) {
        return false;
    }
    add_call(p, part, NODE_RENDER, &call);
    return true;
}
