#include "core/liquid/program.h"

#include <stdlib.h>

#include "base/hash_table.h"

struct symbol {
    char *name;
    uint32_t id;
    UT_hash_handle hh;
};

struct liquid_template *program_create(const struct liquid_options *options)
{
    struct liquid_template *template = xcalloc(1, sizeof(*template));

    if (options) {
        template->escape = options->escape;
        template->surroundings = options->surroundings;
        template->is_strict = options->is_strict;
    }
    template->forloop = program_symbol(template, SLICE("forloop"));
    template->tablerowloop = program_symbol(template, SLICE("tablerowloop"));
    return template;
}

static struct symbol *find_symbol(const struct liquid_template *template, struct slice name)
{
    struct symbol *symbol;

    HASH_FIND(hh, template->symbols, name.data, name.len, symbol);
    return symbol;
}

uint32_t program_find_symbol(const struct liquid_template *template, struct slice name)
{
    struct symbol *symbol = find_symbol(template, name);

    return symbol ? symbol->id : NO_INDEX;
}

uint32_t program_symbol(struct liquid_template *template, struct slice name)
{
    struct symbol *symbol = find_symbol(template, name);

    if (!symbol) {
        symbol = xcalloc(1, sizeof(*symbol));
        symbol->name = xmemdup(name.data, name.len);
        symbol->id = template->names.count;
        HASH_ADD_KEYPTR(hh, template->symbols, symbol->name, name.len, symbol);
        list_add(&template->names, slice_make(symbol->name, name.len));
    }
    return symbol->id;
}

void program_place(const struct liquid_template *template, uint32_t unit, uint32_t at, int *line, int *column)
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

void program_fit(struct liquid_template *template)
{
    for (uint32_t i = 0; i < template->units.count; i++) {
        list_fit(&template->units.items[i].nodes);
    }
    list_fit(&template->units);
    list_fit(&template->exprs);
    list_fit(&template->steps);
    list_fit(&template->args);
    list_fit(&template->named);
    list_fit(&template->filters);
    list_fit(&template->pipes);
    list_fit(&template->tests);
    list_fit(&template->loops);
    list_fit(&template->cycles);
    list_fit(&template->calls);
    list_fit(&template->names);
}

void liquid_destroy(struct liquid_template *template)
{
    struct symbol *symbol, *next;

    if (!template) {
        return;
    }
    HASH_ITER(hh, template->symbols, symbol, next)
    {
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
