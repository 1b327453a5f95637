#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/liquid/parser.h"

struct liquid_template *program_create(const struct liquid_options *options)
{
    struct liquid_template *template = xcalloc(1, sizeof(*template));

    if (options) {
        template->escape = options->escape;
        template->is_strict = options->is_strict;
    }
    template->forloop = program_symbol(template, SLICE("forloop"));
    template->tablerowloop = program_symbol(template, SLICE("tablerowloop"));
    return template;
}

uint32_t program_symbol(struct liquid_template *template, struct slice name)
{
    struct symbol *symbol;

    HASH_FIND(hh, template->symbols, name.data, name.len, symbol);
    if (!symbol) {
        symbol = xcalloc(1, sizeof(*symbol));
        symbol->name = xmemdup(name.data, name.len);
        symbol->id = template->names.count;
        HASH_ADD_KEYPTR(hh, template->symbols, symbol->name, name.len, symbol);
        list_add(&template->names, slice_make(symbol->name, name.len));
    }
    return symbol->id;
}

void program_place(const struct liquid_template *template, uint32_t unit, uint32_t at, int *line,
                   int *column)
{
    const struct unit *u = &template->units.items[unit];
    const char *begin = u->text;
    const char *end = u->text + (at < u->len ? at : u->len);

    *line = u->first_line;
    for (const char *p = u->text; p < end; p++) {
        if (*p == '\n') {
            ++*line;
            begin = p + 1;
        }
    }
    *column = 1;
    for (const char *p = begin; p < end; p++) {
        *column += ((unsigned char)*p & 0xc0) != 0x80;
    }
}

static bool compile_units(struct parser *p)
{
    bool is_fine = true;

    /* Parsing a unit may add further ones to the end. */
    for (p->unit = 0; p->unit < p->template->units.count; p->unit++) {
        p->is_blank = false;
        is_fine = parse_unit(p) && is_fine;
        if (p->has_dynamic_name) {
            p->has_dynamic_name = false;
            is_fine = parser_load_all(p) && is_fine;
        }
    }
    return is_fine;
}

struct liquid_template *liquid_compile(const char *name, struct slice text, int first_line,
                                       const struct liquid_options *options, struct diag_list *diags)
{
    struct parser p = {.template = program_create(options), .options = options, .diags = diags};
    size_t valid = utf8_valid_prefix(text);

    list_add(&p.template->units, (struct unit){.name = xstrdup(name),
                                               .text = xmemdup(text.data, text.len),
                                               .len = text.len,
                                               .first_line = first_line});
    if (valid < text.len) {
        p.source.base = p.template->units.items[0].text;
        parser_fail(&p, p.source.base + valid, NULL, "not valid UTF-8");
    } else if (compile_units(&p)) {
        return p.template;
    }
    liquid_destroy(p.template);
    return NULL;
}

void liquid_destroy(struct liquid_template *template)
{
    struct symbol *symbol, *next;

    if (!template) {
        return;
    }
    HASH_ITER(hh, template->symbols, symbol, next) {
        HASH_DEL(template->symbols, symbol);
        free(symbol->name);
        free(symbol);
    }
    for (uint32_t i = 0; i < template->units.count; i++) {
        free(template->units.items[i].name);
        free(template->units.items[i].text);
        free(template->units.items[i].nodes.items);
    }
    free(template->units.items);
    free(template->exprs.items);
    free(template->steps.items);
    free(template->args.items);
    free(template->named.items);
    free(template->filters.items);
    free(template->pipes.items);
    free(template->tests.items);
    free(template->loops.items);
    free(template->cycles.items);
    free(template->calls.items);
    free(template->names.items);
    free(template);
}
