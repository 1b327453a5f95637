#include "base/utf8.h"
#include "core/liquid/parser.h"

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
    return is_fine && (!p->template->surroundings || parser_place_outputs(p));
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
        program_fit(p.template);
        return p.template;
    }
    liquid_destroy(p.template);
    return NULL;
}
