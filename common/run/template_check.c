#include "run/template_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/lint.h"
#include "run/template_pack.h"

void template_check_init(struct template_check *check, const char *dir, const char *default_locale)
{
    *check = (struct template_check){.dir = xstrdup(dir), .default_locale = xstrdup(default_locale)};
    diag_list_init(&check->diags);
}

void template_check_init_pack(struct template_check *check, const char *version, struct slice pack,
                              const char *default_locale)
{
    *check = (struct template_check){.default_locale = xstrdup(default_locale)};
    snprintf(check->version, sizeof(check->version), "%s", version);
    check->pack = slice_make(xmemdup(pack.data, pack.len), pack.len);
    diag_list_init(&check->diags);
}

static void read_folder(struct template_check *check, const struct catalog_options *options)
{
    struct file_tree *tree = template_pack_read(check->dir, &check->err);

    if (!tree) {
        return;
    }
    check->catalog = lint_build(tree, options, &check->diags);
    if (check->catalog) {
        check->pack = template_pack_take(tree);
    } else {
        err_set(&check->err, "the templates in %s have %zu error%s", check->dir, check->diags.error_count,
                check->diags.error_count == 1 ? "" : "s");
    }
    file_tree_destroy(tree);
}

/* It has passed the gate where it was saved. */
static void read_pack(struct template_check *check, const struct catalog_options *options)
{
    struct file_tree *tree = template_pack_parse(check->pack, &check->err);

    if (!tree) {
        return;
    }
    check->catalog = catalog_build(tree, options, &check->diags);
    if (!check->catalog) {
        err_set(&check->err, "version %s has %zu errors", check->version, check->diags.error_count);
    } else if (strcmp(catalog_version(check->catalog), check->version) != 0) {
        err_set(&check->err, "what is kept as version %s is version %s", check->version, catalog_version(check->catalog));
        catalog_unref(check->catalog);
        check->catalog = NULL;
    }
    file_tree_destroy(tree);
}

void template_check_run(struct template_check *check)
{
    const struct catalog_options options = {.default_locale = check->default_locale};

    if (check->dir) {
        read_folder(check, &options);
    } else {
        read_pack(check, &options);
    }
    mem_trim(); /* many megabytes come and go with a version */
}

void template_check_finish(struct template_check *check)
{
    catalog_unref(check->catalog);
    free((char *)(uintptr_t)check->pack.data);
    diag_list_finish(&check->diags);
    free(check->default_locale);
    free(check->dir);
}
