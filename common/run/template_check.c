#include "run/template_check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/lint.h"
#include "run/template_pack.h"

void template_check_init(struct template_check *check, const char *dir, const char *default_locale)
{
    *check = (struct template_check){.dir = xstrdup(dir), .default_locale = xstrdup(default_locale)};
    diag_list_init(&check->diags);
}

void template_check_run(struct template_check *check)
{
    const struct catalog_options options = {.default_locale = check->default_locale};
    struct file_tree *tree = template_pack_read(check->dir, &check->err);

    if (!tree) {
        return;
    }
    check->catalog = lint_build(tree, &options, &check->diags);
    if (check->catalog) {
        check->pack = template_pack_take(tree);
    } else {
        err_set(&check->err, "the templates in %s have %zu error%s", check->dir, check->diags.error_count,
                check->diags.error_count == 1 ? "" : "s");
    }
    file_tree_destroy(tree);
}

void template_check_finish(struct template_check *check)
{
    catalog_unref(check->catalog);
    free((char *)(uintptr_t)check->pack.data);
    diag_list_finish(&check->diags);
    free(check->default_locale);
    free(check->dir);
}
