#include "core/lint.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/lint_inside.h"

static void load_flow(struct lint *lint, struct lint_flow *flow, const struct catalog_flow *entry)
{
    struct diag_list ignored; /* the catalog has reported them */
    const struct file_entry *file;

    *flow = (struct lint_flow){.flow = entry->flow, .entry = entry};
    flow->path = xasprintf("%s/flow.yaml", entry->flow->name);
    file = file_tree_find(lint->tree, flow->path);
    diag_list_init(&ignored);
    if (file) {
        flow->yaml = yaml_parse(flow->path, catalog_text_of(file), 1, &ignored);
    }
    diag_list_finish(&ignored);
    lint_samples_load(lint, flow);
}

static bool has_broken_brand(const struct lint *lint)
{
    for (size_t i = 0; i < lint->tree->count; i++) {
        struct slice path = slice_of(lint->tree->entries[i].path);
        struct catalog_brand *entry;

        if (slice_starts_with(path, "_brands/") && slice_ends_with(path, ".yaml")) {
            HASH_FIND(hh, lint->catalog->brands, path.data + 8, path.len - 8 - 5, entry);
            if (!entry || json_object_size(entry->brand->json) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void begin(struct lint *lint)
{
    lint->has_broken_brand = has_broken_brand(lint);
    lint->flow_count = lint->catalog->flow_count;
    lint->flows = xcalloc(lint->flow_count + 1, sizeof(*lint->flows));
    for (size_t i = 0; i < lint->flow_count; i++) {
        load_flow(lint, &lint->flows[i], lint->catalog->flows[i]);
    }
}

static void finish(struct lint *lint)
{
    for (size_t i = 0; i < lint->flow_count; i++) {
        lint_samples_finish(&lint->flows[i]);
        yaml_destroy(lint->flows[i].yaml);
        free(lint->flows[i].path);
    }
    free(lint->flows);
}

/* People and editors want a place to go to, also when the whole file is meant. */
static void fill_places(struct diag_list *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        struct diag *diag = &diags->items[i];

        diag->line = diag->line > 0 ? diag->line : 1;
        diag->column = diag->column > 0 ? diag->column : 1;
    }
}

struct catalog *lint_build(const struct file_tree *tree, const struct catalog_options *options, struct diag_list *diags)
{
    size_t errors_before = diags->error_count;
    struct lint lint = {.tree = tree, .diags = diags};

    lint.catalog = catalog_read(tree, options, diags);
    begin(&lint);
    lint_flows(&lint);
    lint_locales(&lint);
    lint_variables(&lint);
    lint_brands(&lint);
    lint_sources(&lint);
    if (diags->error_count == errors_before) {
        /* What is wrong already would come out here once more, less clearly. */
        lint_messages(&lint);
        lint_budgets(&lint);
    }
    finish(&lint);
    fill_places(diags);
    lint_fill_hints(diags);
    diag_list_drop_repeated(diags);
    diag_list_sort(diags);
    if (diags->error_count > errors_before) {
        catalog_unref(lint.catalog);
        return NULL;
    }
    return lint.catalog;
}
