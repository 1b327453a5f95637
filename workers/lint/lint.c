/*
 * perkline lint: the check that a worker makes before it takes a changed folder, for people and for CI.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "core/lint.h"
#include "run/template_pack.h"
#include "workers/commands.h"
#include "workers/lint/lint_print.h"

static const struct args_usage usage = {
    .command = "perkline lint",
    .positional = "[DIR]",
    .summary = "Checks all flows of DIR (or TEMPLATES_DIR, or ./templates) as a worker does before it takes them, and\n"
               "says where something is wrong and how to mend it. Status 1 when there is any error.",
    .most_positional = 1,
};

struct choices {
    const char *dir;
    bool is_json;
    bool is_strict; /* warnings count as errors */
    bool has_notes;
};

static size_t count_of(const struct diag_list *diags, enum diag_severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < diags->count; i++) {
        count += diags->items[i].severity == severity;
    }
    return count;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_summary(const struct diag_list *diags, const struct catalog *catalog, const struct choices *choices)
{
    size_t errors = diags->error_count, warnings = count_of(diags, DIAG_WARNING), notes = count_of(diags, DIAG_NOTE);

    if (errors == 0 && warnings == 0) {
        size_t flows = catalog_flow_count(catalog);

        printf("%s: %zu flow%s, version %s, no faults", choices->dir, flows, plural(flows), catalog_version(catalog));
    } else {
        printf("%s: %zu error%s, %zu warning%s", choices->dir, errors, plural(errors), warnings, plural(warnings));
    }
    if (notes > 0) {
        printf(", %zu note%s%s", notes, plural(notes), choices->has_notes ? "" : " (--notes shows them)");
    }
    puts("");
}

static int check(const struct choices *choices)
{
    const char *locale = getenv("DEFAULT_LOCALE");
    struct catalog_options options = {.default_locale = locale && *locale ? locale : "en"};
    struct lint_print print = {.dir = choices->dir, .has_notes = choices->has_notes};
    struct diag_list diags;
    struct err err = {0};
    struct file_tree *tree = template_pack_read(choices->dir, &err);
    struct catalog *catalog;
    bool is_fit;

    if (!tree) {
        fprintf(stderr, "perkline lint: %s\n", err.text);
        return 1;
    }
    diag_list_init(&diags);
    catalog = lint_build(tree, &options, &diags);
    is_fit = catalog && !(choices->is_strict && count_of(&diags, DIAG_WARNING) > 0);
    print.tree = tree;
    if (choices->is_json) {
        lint_print_json(&print, &diags, stdout);
    } else {
        lint_print_text(&print, &diags, stdout);
        print_summary(&diags, catalog, choices);
    }
    catalog_unref(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
    return is_fit ? 0 : 1;
}

int lint_command(int argc, char **argv)
{
    const char *from_environment = getenv("TEMPLATES_DIR");
    struct choices choices = {.dir = from_environment && *from_environment ? from_environment : "templates"};
    const struct arg table[] = {
        {"json", ARG_FLAG, &choices.is_json, NULL, "Print one JSON array, for programs."},
        {"strict", ARG_FLAG, &choices.is_strict, NULL, "Warnings count as errors."},
        {"notes", ARG_FLAG, &choices.has_notes, NULL, "Show notes too: every use of the filter raw."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    int positional = 0;
    int status = args_read(table, &usage, NULL, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    if (positional > 0) {
        choices.dir = argv[1];
    }
    return check(&choices);
}
