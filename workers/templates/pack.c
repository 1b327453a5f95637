#include "workers/templates/pack.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/catalog.h"
#include "core/lint.h"
#include "run/template_pack.h"
#include "workers/lint/lint_print.h"

/* True when workers would take them. */
static bool is_fit(const struct file_tree *tree, const char *dir)
{
    const char *locale = getenv("DEFAULT_LOCALE");
    const struct catalog_options options = {.default_locale = locale && *locale ? locale : "en"};
    const struct lint_print print = {.dir = dir, .tree = tree};
    struct diag_list diags;
    struct catalog *catalog;

    diag_list_init(&diags);
    catalog = lint_build(tree, &options, &diags);
    if (!catalog) {
        lint_print_text(&print, &diags, stderr);
    }
    diag_list_finish(&diags);
    if (catalog) {
        catalog_unref(catalog);
    }
    return catalog != NULL;
}

int pack_run(const char *dir)
{
    struct err err = {0};
    struct file_tree *tree = template_pack_read(dir, &err);
    struct buf pack;
    bool is_done;

    if (!tree) {
        fprintf(stderr, "perkline templates: %s\n", err.text);
        return 1;
    }
    if (!is_fit(tree, dir)) {
        file_tree_destroy(tree);
        return 1;
    }
    buf_init(&pack, 0);
    template_pack_format(tree, &pack);
    is_done = fwrite(pack.data, 1, pack.len, stdout) == pack.len && fflush(stdout) == 0;
    if (!is_done) {
        perror("perkline templates: cannot write");
    }
    buf_finish(&pack);
    file_tree_destroy(tree);
    return is_done ? 0 : 1;
}
