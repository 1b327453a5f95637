#include "workers/replay/diff_templates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/template_pack.h"
#include "run/template_pin.h"
#include "workers/replay/diff_git.h"
#include "workers/templates/store.h"

static const char version_word[] = "version:", git_word[] = "git:";

static bool has_word(const char *spec, const char *word)
{
    return strncmp(spec, word, strlen(word)) == 0;
}

bool diff_templates_is_past(const char *spec)
{
    return has_word(spec, version_word) || has_word(spec, git_word);
}

/* --- versions in Redis -------------------------------------------------------------------------------------------- */

static struct file_tree *take_version(struct store *store, const char *prefix, struct err *err)
{
    struct store_view view;
    struct file_tree *tree = NULL;
    const char *version;
    struct buf pack;

    if (!store_look(store, &view, err)) {
        return NULL;
    }
    buf_init(&pack, 0);
    version = store_find_version(&view, prefix, err);
    if (version && store_read_files(store, version, &pack, err)) {
        tree = template_pack_parse(buf_slice(&pack), err);
    }
    buf_finish(&pack);
    store_view_finish(&view);
    return tree;
}

static struct file_tree *read_version(const struct replay_parts *parts, const char *prefix, struct err *err)
{
    struct store *store = store_open(parts->settings->redis_url, parts->settings->environment, err);
    struct file_tree *tree = store ? take_version(store, prefix, err) : NULL;

    store_close(store);
    return tree;
}

/* --- any of them -------------------------------------------------------------------------------------------------- */

static void print_errors(const char *spec, const struct diag_list *diags)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            buf_clear(&text);
            diag_format(&diags->items[i], &text);
            fprintf(stderr, "%s: %s\n", spec, buf_text(&text));
        }
    }
    buf_finish(&text);
}

struct catalog *diff_templates_open(const struct replay_parts *parts, const char *spec, struct err *err)
{
    const struct catalog_options options = {.default_locale = parts->settings->default_locale};
    struct file_tree *tree = has_word(spec, version_word) ? read_version(parts, spec + strlen(version_word), err)
                             : has_word(spec, git_word)   ? diff_git_read(parts->loop, parts->settings->templates_dir,
                                                                          spec + strlen(git_word), err)
                                                          : file_tree_read(spec, err);
    struct catalog *catalog = NULL;
    struct diag_list diags;

    if (!tree) {
        return NULL;
    }
    diag_list_init(&diags);
    catalog = catalog_build(tree, &options, &diags);
    if (!catalog) {
        diag_list_sort(&diags);
        print_errors(spec, &diags);
        err_set(err, "the templates in %.200s have %zu error%s", spec, diags.error_count,
                diags.error_count == 1 ? "" : "s");
    }
    diag_list_finish(&diags);
    file_tree_destroy(tree);
    return catalog;
}
