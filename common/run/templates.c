#include "run/templates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/background.h"
#include "io/watch.h"
#include "run/expected_flows.h"
#include "run/template_check.h"

enum { SETTLE_MS = 200, MOST_LOGGED = 20 };

static const struct metric_family reload_family = {"perkline_template_reloads_total",
                                                   METRIC_COUNTER,
                                                   "Changed template sets, by whether they were taken.",
                                                   {"result", NULL}};
static const struct metric_family version_family = {"perkline_template_version_info",
                                                    METRIC_GAUGE,
                                                    "1, with the template set in use.",
                                                    {"version", NULL}};
static const struct metric_family refused_family = {
    "perkline_templates_refused", METRIC_GAUGE,
    "1 while the last change in the folder is refused and older texts are in use.", {0}};

/* A change of the folder on its way through the gate. */
struct reload {
    struct templates *templates; /* NULL: closed meanwhile */
    struct template_check check;
};

/* A version from another worker. */
struct addition {
    struct templates *templates; /* NULL: closed meanwhile */
    struct template_check check;
    templates_added_fn fn;
    void *arg;
};

struct templates {
    char *dir;
    char *default_locale;
    struct metrics *metrics;
    struct loop *loop; /* NULL until the folder is watched */
    struct watch *watch;
    struct reload *reload; /* NULL: none under way */
    bool is_reload_due;    /* the folder changed again meanwhile */
    struct addition *addition; /* NULL: none under way */
    struct template_shelf shelf;
    struct catalog *in_use; /* borrowed from the shelf, as the next */
    struct catalog *folder; /* what the folder held when it was last fit */
    struct template_pin pin;
    bool is_missing; /* the pin wants what is not here */
    bool is_last_refused;
    char *refusal;
    loop_fn listener;
    void *listener_arg;
};

/* --- which one is in use ------------------------------------------------------------------------------------------ */

static void tell(const struct templates *templates)
{
    if (templates->listener) {
        templates->listener(templates->listener_arg);
    }
}

static void set_metric(const struct templates *templates, const struct catalog *catalog)
{
    metrics_forget_all(templates->metrics, &version_family);
    metric_set(metrics_get(templates->metrics, &version_family, (const char *const[]){catalog_version(catalog)}), 1);
}

/* The folder's version, unless the pin replaces it. */
static void choose(struct templates *templates)
{
    bool is_replaced = template_pin_replaces(&templates->pin, catalog_version(templates->folder));
    const struct shelved *pinned = is_replaced ? template_shelf_find(&templates->shelf, templates->pin.version) : NULL;
    struct catalog *chosen = pinned ? pinned->catalog : templates->folder;

    if (is_replaced && !pinned && !templates->is_missing) {
        log_event(LOG_ERROR, "templates_missing", "wanted", templates->pin.version, "used",
                  catalog_version(templates->folder), NULL);
    }
    templates->is_missing = is_replaced && !pinned;
    if (chosen == templates->in_use) {
        return;
    }
    if (templates->in_use) {
        log_event(LOG_INFO, "templates_in_use", "version", catalog_version(chosen), "folder",
                  catalog_version(templates->folder), NULL);
    }
    templates->in_use = chosen;
    set_metric(templates, chosen);
    expected_flows_show(templates->metrics, chosen);
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

/* Takes over what came of the check. */
static void keep(struct templates *templates, struct template_check *check, bool is_latest)
{
    const char *const needed[] = {templates->pin.version, templates->in_use ? catalog_version(templates->in_use) : "",
                                  templates->folder ? catalog_version(templates->folder) : ""};

    template_shelf_make_room(&templates->shelf, needed, sizeof(needed) / sizeof(needed[0]));
    template_shelf_put(&templates->shelf, is_latest ? 0 : templates->shelf.count, check->catalog, check->pack);
    check->catalog = NULL;
    check->pack = slice_make(NULL, 0);
}

/* False: refused. */
static bool take(struct templates *templates, struct template_check *check)
{
    if (!check->catalog) {
        return false;
    }
    if (!template_shelf_bring_forward(&templates->shelf, catalog_version(check->catalog))) {
        keep(templates, check, true);
    }
    templates->folder = templates->shelf.items[0].catalog;
    choose(templates);
    return true;
}

struct templates *templates_open(const char *dir, const char *default_locale, struct metrics *metrics,
                                 struct diag_list *diags, struct err *err)
{
    struct templates *templates = xcalloc(1, sizeof(*templates));
    struct template_check check;
    bool is_taken;

    templates->dir = xstrdup(dir);
    templates->default_locale = xstrdup(default_locale);
    templates->metrics = metrics;
    metrics_declare(metrics, &reload_family);
    expected_flows_declare(metrics);
    metric_set(metrics_get(metrics, &refused_family, NULL), 0);
    template_check_init(&check, dir, default_locale);
    template_check_run(&check);
    is_taken = take(templates, &check);
    if (!is_taken) {
        err_set(err, "%s", check.err.text);
        templates_close(templates);
    }
    diag_list_finish(diags);
    *diags = check.diags;
    diag_list_init(&check.diags);
    template_check_finish(&check);
    return is_taken ? templates : NULL;
}

void templates_close(struct templates *templates)
{
    if (!templates) {
        return;
    }
    watch_close(templates->watch);
    if (templates->reload) {
        templates->reload->templates = NULL;
    }
    if (templates->addition) {
        templates->addition->templates = NULL;
    }
    template_shelf_finish(&templates->shelf);
    free(templates->refusal);
    free(templates->default_locale);
    free(templates->dir);
    free(templates);
}

static void log_diags(const struct diag_list *diags)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count && i < MOST_LOGGED; i++) {
        if (diags->items[i].severity == DIAG_NOTE) {
            continue;
        }
        buf_clear(&text);
        diag_format(&diags->items[i], &text);
        log_event(diags->items[i].severity == DIAG_ERROR ? LOG_ERROR : LOG_WARN, "template_problem", "problem",
                  buf_text(&text), NULL);
    }
    buf_finish(&text);
}

/* The first error, or why the folder could not be read. */
static char *take_refusal(const struct diag_list *diags, const struct err *err)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count && text.len == 0; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            diag_format(&diags->items[i], &text);
        }
    }
    if (text.len == 0) {
        buf_append_text(&text, err->text);
    }
    return buf_take(&text);
}

/* What comes of a check, whatever it says. False: refused. */
static bool conclude(struct templates *templates, struct template_check *check)
{
    const struct catalog *before = templates->folder;
    bool is_taken = take(templates, check);

    free(templates->refusal);
    templates->refusal = is_taken ? NULL : take_refusal(&check->diags, &check->err);
    templates->is_last_refused = !is_taken;
    if (!is_taken) {
        log_diags(&check->diags);
        log_event(LOG_ERROR, "templates_refused", "reason", check->err.text, "kept", catalog_version(templates->in_use),
                  NULL);
    } else if (templates->folder != before) {
        log_event(LOG_INFO, "templates_taken", "version", catalog_version(templates->folder), NULL);
    }
    metrics_count(templates->metrics, &reload_family, (const char *const[]){is_taken ? "taken" : "refused"});
    metric_set(metrics_get(templates->metrics, &refused_family, NULL), !is_taken);
    tell(templates);
    return is_taken;
}

bool templates_reload(struct templates *templates)
{
    struct template_check check;
    bool is_taken;

    template_check_init(&check, templates->dir, templates->default_locale);
    template_check_run(&check);
    is_taken = conclude(templates, &check);
    template_check_finish(&check);
    return is_taken;
}

static void check_in_background(void *arg)
{
    struct reload *reload = arg;

    template_check_run(&reload->check);
}

static void on_checked(void *arg)
{
    struct reload *reload = arg;
    struct templates *templates = reload->templates;

    if (templates) {
        templates->reload = NULL;
        conclude(templates, &reload->check);
        if (templates->is_reload_due) {
            templates_begin_reload(templates);
        }
    }
    template_check_finish(&reload->check);
    free(reload);
}

void templates_begin_reload(struct templates *templates)
{
    assert(templates->loop);
    templates->is_reload_due = templates->reload != NULL;
    if (templates->reload) {
        return;
    }
    templates->reload = xcalloc(1, sizeof(*templates->reload));
    templates->reload->templates = templates;
    template_check_init(&templates->reload->check, templates->dir, templates->default_locale);
    background_begin(templates->loop, check_in_background, on_checked, templates->reload);
}

static void on_change(void *arg)
{
    templates_begin_reload(arg);
}

void templates_watch(struct templates *templates, struct loop *loop)
{
    struct err err = {0};

    templates->loop = loop;
    templates->watch = watch_open(loop, templates->dir, SETTLE_MS, on_change, templates, &err);
    if (!templates->watch) {
        log_event(LOG_WARN, "templates_not_watched", "reason", err.text, NULL);
    }
}

void templates_set_listener(struct templates *templates, loop_fn fn, void *arg)
{
    templates->listener = fn;
    templates->listener_arg = arg;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct catalog *templates_current(const struct templates *templates)
{
    return templates->in_use;
}

struct catalog *templates_find_version(const struct templates *templates, const char *version)
{
    const struct shelved *kept = template_shelf_find(&templates->shelf, version);

    return kept ? kept->catalog : NULL;
}

bool templates_is_last_refused(const struct templates *templates)
{
    return templates->is_last_refused;
}

const char *templates_refusal(const struct templates *templates)
{
    return templates->refusal ? templates->refusal : "";
}

const char *templates_folder_version(const struct templates *templates)
{
    return catalog_version(templates->folder);
}

const char *templates_kept_version(const struct templates *templates, size_t index)
{
    return index < templates->shelf.count ? catalog_version(templates->shelf.items[index].catalog) : NULL;
}

struct slice templates_packed(const struct templates *templates, const char *version)
{
    const struct shelved *kept = template_shelf_find(&templates->shelf, version);

    return kept ? kept->pack : slice_make(NULL, 0);
}

const char *templates_missing(const struct templates *templates)
{
    return templates->is_missing ? templates->pin.version : "";
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

void templates_pin(struct templates *templates, const struct template_pin *pin)
{
    const struct catalog *before = templates->in_use;

    templates->pin = *pin;
    choose(templates);
    if (templates->in_use != before) {
        tell(templates);
    }
}

static void add_in_background(void *arg)
{
    struct addition *addition = arg;

    template_check_run(&addition->check);
}

/* The shelf may have changed while it was built. */
static void take_addition(struct templates *templates, struct template_check *check)
{
    const struct catalog *before = templates->in_use;
    const char *version = check->version;
    bool has_room = templates->shelf.count < TEMPLATES_KEPT_VERSIONS || strcmp(version, templates->pin.version) == 0;

    if (check->catalog && has_room && !template_shelf_find(&templates->shelf, version)) {
        keep(templates, check, false);
    }
    choose(templates);
    if (templates->in_use != before) {
        tell(templates);
    }
}

static void on_added(void *arg)
{
    struct addition *addition = arg;

    if (addition->templates) {
        addition->templates->addition = NULL;
        take_addition(addition->templates, &addition->check);
    }
    addition->fn(addition->arg, addition->check.err.text);
    template_check_finish(&addition->check);
    free(addition);
}

void templates_begin_add(struct templates *templates, struct loop *loop, const char *version, struct slice pack,
                         templates_added_fn fn, void *arg)
{
    struct addition *addition = xcalloc(1, sizeof(*addition));

    assert(!templates->addition);
    addition->templates = templates;
    addition->fn = fn;
    addition->arg = arg;
    template_check_init_pack(&addition->check, version, pack, templates->default_locale);
    templates->addition = addition;
    background_begin(loop, add_in_background, on_added, addition);
}
