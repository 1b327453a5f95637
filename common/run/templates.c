#include "run/templates.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file_tree.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/watch.h"

enum { SETTLE_MS = 200, MOST_LOGGED = 20 };

static const struct metric_family reload_family = {"perkline_template_reloads_total", METRIC_COUNTER,
                                                   "Changed template sets, by whether they were taken.",
                                                   {"result", NULL}};
static const struct metric_family version_family = {"perkline_template_version_info", METRIC_GAUGE,
                                                    "1 for the template set in use, 0 for earlier ones.",
                                                    {"version", NULL}};

struct templates {
    char *dir;
    struct catalog_options options;
    char *default_locale;
    struct metrics *metrics;
    struct watch *watch;
    struct catalog *kept[TEMPLATES_KEPT_VERSIONS]; /* [0] is in use; references */
    bool is_last_refused;
};

static struct catalog *load(const struct templates *templates, struct diag_list *diags, struct err *err)
{
    struct file_tree *tree = file_tree_read(templates->dir, err);
    struct catalog *catalog;

    if (!tree) {
        return NULL;
    }
    catalog = catalog_build(tree, &templates->options, diags);
    file_tree_destroy(tree);
    if (!catalog) {
        err_set(err, "the templates in %s have %zu error%s", templates->dir, diags->error_count,
                diags->error_count == 1 ? "" : "s");
    }
    return catalog;
}

static void put_in_use(struct templates *templates, struct catalog *catalog)
{
    const char *version = catalog_version(catalog);

    if (templates->kept[0]) {
        const char *const old[] = {catalog_version(templates->kept[0])};

        metric_set(metrics_get(templates->metrics, &version_family, old), 0);
    }
    catalog_unref(templates->kept[TEMPLATES_KEPT_VERSIONS - 1]);
    memmove(&templates->kept[1], &templates->kept[0], (TEMPLATES_KEPT_VERSIONS - 1) * sizeof(templates->kept[0]));
    templates->kept[0] = catalog;
    metric_set(metrics_get(templates->metrics, &version_family, (const char *const[]){version}), 1);
}

struct templates *templates_open(const char *dir, const char *default_locale, struct metrics *metrics,
                                 struct diag_list *diags, struct err *err)
{
    struct templates *templates = xcalloc(1, sizeof(*templates));
    struct catalog *catalog;

    templates->dir = xstrdup(dir);
    templates->default_locale = xstrdup(default_locale);
    templates->options.default_locale = templates->default_locale;
    templates->metrics = metrics;
    catalog = load(templates, diags, err);
    if (!catalog) {
        templates_close(templates);
        return NULL;
    }
    put_in_use(templates, catalog);
    return templates;
}

void templates_close(struct templates *templates)
{
    if (!templates) {
        return;
    }
    watch_close(templates->watch);
    for (int i = 0; i < TEMPLATES_KEPT_VERSIONS; i++) {
        catalog_unref(templates->kept[i]);
    }
    free(templates->default_locale);
    free(templates->dir);
    free(templates);
}

static void log_diags(const struct diag_list *diags)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count && i < MOST_LOGGED; i++) {
        buf_clear(&text);
        diag_format(&diags->items[i], &text);
        log_event(diags->items[i].severity == DIAG_ERROR ? LOG_ERROR : LOG_WARN, "template_problem", "problem",
                  buf_text(&text), NULL);
    }
    buf_finish(&text);
}

bool templates_reload(struct templates *templates)
{
    struct diag_list diags;
    struct err err = {0};
    struct catalog *catalog;
    bool is_taken;

    diag_list_init(&diags);
    catalog = load(templates, &diags, &err);
    is_taken = catalog != NULL;
    if (!is_taken) {
        log_diags(&diags);
        log_event(LOG_ERROR, "templates_refused", "reason", err.text, "kept", catalog_version(templates->kept[0]), NULL);
    } else if (strcmp(catalog_version(catalog), catalog_version(templates->kept[0])) == 0) {
        catalog_unref(catalog);
    } else {
        put_in_use(templates, catalog);
        log_event(LOG_INFO, "templates_taken", "version", catalog_version(catalog), NULL);
    }
    templates->is_last_refused = !is_taken;
    metrics_count(templates->metrics, &reload_family, (const char *const[]){is_taken ? "taken" : "refused"});
    diag_list_finish(&diags);
    return is_taken;
}

static void on_change(void *arg)
{
    templates_reload(arg);
}

void templates_watch(struct templates *templates, struct loop *loop)
{
    struct err err = {0};

    templates->watch = watch_open(loop, templates->dir, SETTLE_MS, on_change, templates, &err);
    if (!templates->watch) {
        log_event(LOG_WARN, "templates_not_watched", "reason", err.text, NULL);
    }
}

struct catalog *templates_current(const struct templates *templates)
{
    return templates->kept[0];
}

struct catalog *templates_find_version(const struct templates *templates, const char *version)
{
    for (int i = 0; i < TEMPLATES_KEPT_VERSIONS; i++) {
        if (templates->kept[i] && strcmp(catalog_version(templates->kept[i]), version) == 0) {
            return templates->kept[i];
        }
    }
    return NULL;
}

bool templates_is_last_refused(const struct templates *templates)
{
    return templates->is_last_refused;
}
