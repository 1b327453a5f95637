/*
 * perkline templates: which version of the templates the workers use, and which they shall use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/settings.h"
#include "run/setting_rows.h"
#include "workers/commands.h"
#include "workers/templates/pack.h"
#include "workers/templates/store.h"

enum { FOLLOW_MS = 5000, LOOK_MS = 50 };

static const struct args_usage usage = {
    .command = "perkline templates",
    .positional = "[activate VERSION | rollback | pack [DIR]]",
    .summary =
        "Lists the versions of the templates that workers use. `rollback` goes back to the version before on all\n"
        "workers, `activate VERSION` to any of the list (its first digits are enough); both wait until it is\n"
        "done. A version that was taken back stays back; the next text that is saved goes live by itself.\n"
        "`pack` checks a folder (TEMPLATES_DIR, templates) and prints it as one file, for a ConfigMap.",
    .most_positional = 2,
};

struct options {
    const char *redis_url, *environment;
    bool is_json;
};

static const struct setting settings_table[] = {
    SETTING_ROW_REDIS_URL(struct options, redis_url),
    SETTING_ROW_ENVIRONMENT(struct options, environment),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

/* --- what a look tells -------------------------------------------------------------------------------------------- */

static size_t count_users(const struct store_view *view, const char *version)
{
    size_t count = 0;

    for (size_t i = 0; i < view->worker_count; i++) {
        count += strcmp(store_worker_text(&view->workers[i], "version"), version) == 0;
    }
    return count;
}

/* The latest that any worker uses; "" when there is no worker. */
static const char *find_active(const struct store_view *view)
{
    for (size_t i = 0; i < view->history_count; i++) {
        if (count_users(view, view->history[i].version) > 0) {
            return view->history[i].version;
        }
    }
    return view->worker_count ? store_worker_text(&view->workers[0], "version") : "";
}

/* The one that was put live before the active one, but for those that were taken back. NULL: there is none. */
static const char *find_previous(const struct store_view *view)
{
    const char *active = find_active(view);
    size_t i = 0;

    while (i < view->history_count && strcmp(view->history[i].version, active) != 0) {
        i++;
    }
    while (++i < view->history_count) {
        if (!template_pin_replaces(&view->pin, view->history[i].version)) {
            return view->history[i].version;
        }
    }
    return NULL;
}

/* --- list --------------------------------------------------------------------------------------------------------- */

static const char *describe(const struct store_view *view, const struct store_version *row)
{
    if (strcmp(row->version, find_active(view)) == 0) {
        return "active";
    }
    return template_pin_replaces(&view->pin, row->version) ? "taken back" : "";
}

static void print_text(const struct store_view *view)
{
    char time[CLOCK_ISO_SIZE];

    printf("%-18s %-26s %7s\n", "version", "put live", "workers");
    for (size_t i = 0; i < view->history_count; i++) {
        const struct store_version *row = &view->history[i];

        clock_format_iso(row->live_at, time);
        printf("%-18s %-26s %7zu%s%s\n", row->version, time, count_users(view, row->version),
               describe(view, row)[0] ? "  " : "", describe(view, row));
    }
    printf("\n%-28s %-10s %-18s %s\n", "worker", "channels", "uses", "its folder has");
    for (size_t i = 0; i < view->worker_count; i++) {
        const struct store_worker *worker = &view->workers[i];
        const char *missing = store_worker_text(worker, "missing");
        const char *refused = store_worker_text(worker, "refused");

        printf("%-28s %-10s %-18s %s\n", worker->name, store_worker_text(worker, "channels"),
               store_worker_text(worker, "version"), store_worker_text(worker, "folder"));
        if (missing[0]) {
            printf("    has not got version %s, which was chosen\n", missing);
        }
        if (refused[0]) {
            printf("    refused the last change: %s\n", refused);
        }
    }
    if (view->worker_count == 0) {
        puts("(no worker runs)");
    }
}

static void print_json(const struct store_view *view)
{
    json_t *versions = json_array();
    json_t *workers = json_array();
    json_t *all;
    char time[CLOCK_ISO_SIZE];

    for (size_t i = 0; i < view->history_count; i++) {
        const struct store_version *row = &view->history[i];

        clock_format_iso(row->live_at, time);
        json_array_append_new(versions, json_pack("{s:s, s:s, s:i, s:b, s:b}", "version", row->version, "put_live",
                                                  time, "workers", (int)count_users(view, row->version), "is_active",
                                                  strcmp(row->version, find_active(view)) == 0, "is_taken_back",
                                                  template_pin_replaces(&view->pin, row->version)));
    }
    for (size_t i = 0; i < view->worker_count; i++) {
        json_t *worker = json_deep_copy(view->workers[i].state);

        json_object_set_new(worker, "worker", json_string(view->workers[i].name));
        json_array_append_new(workers, worker);
    }
    all = json_pack("{s:s, s:o, s:o}", "active", find_active(view), "versions", versions, "workers", workers);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static bool list(struct store *store, const struct options *options, struct err *err)
{
    struct store_view view;

    if (!store_look(store, &view, err)) {
        return false;
    }
    if (options->is_json) {
        print_json(&view);
    } else {
        print_text(&view);
    }
    store_view_finish(&view);
    return true;
}

/* --- choose ------------------------------------------------------------------------------------------------------- */

/* The folder's version of every worker is replaced, unless it is the very one. */
static struct template_pin make_pin(const struct store_view *view, const char *version)
{
    struct template_pin pin = view->pin;

    for (size_t i = 0; i < view->worker_count; i++) {
        const char *folder = store_worker_text(&view->workers[i], "folder");

        if (template_version_is_valid(slice_of(folder))) {
            template_pin_add(&pin, folder);
        }
    }
    template_pin_choose(&pin, version);
    return pin;
}

static void report(const struct options *options, const struct store_view *view, const char *version, int64_t ms,
                   bool is_done)
{
    size_t users = count_users(view, version);

    if (options->is_json) {
        json_t *json = json_pack("{s:s, s:b, s:i, s:i, s:I}", "active", version, "is_done", is_done, "workers",
                                 (int)view->worker_count, "workers_done", (int)users, "ms", (json_int_t)ms);

        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
        return;
    }
    printf("version %s is in use by %zu of %zu workers after %.1f s\n", version, users, view->worker_count,
           (double)ms / 1000);
    for (size_t i = 0; i < view->worker_count && !is_done; i++) {
        if (strcmp(store_worker_text(&view->workers[i], "version"), version) != 0) {
            printf("    %s still uses %s%s\n", view->workers[i].name, store_worker_text(&view->workers[i], "version"),
                   store_worker_text(&view->workers[i], "missing")[0] ? ": it has not got the other" : "");
        }
    }
}

/* Waits until all use it. */
static bool follow(struct store *store, const struct options *options, const char *version, struct err *err)
{
    int64_t started = clock_mono_ms();

    for (;;) {
        struct store_view view;
        int64_t ms;
        bool is_done;

        if (!store_look(store, &view, err)) {
            return false;
        }
        ms = clock_mono_ms() - started;
        is_done = count_users(&view, version) == view.worker_count;
        if (is_done || ms > FOLLOW_MS) {
            report(options, &view, version, ms, is_done);
            store_view_finish(&view);
            return is_done || err_set(err, "not all workers use version %s", version);
        }
        store_view_finish(&view);
        store_sleep_ms(store, LOOK_MS);
    }
}

/* Takes the view. `version` points into it. */
static bool choose(struct store *store, const struct options *options, struct store_view *view, const char *version,
                   struct err *err)
{
    struct template_pin pin;
    char chosen[VERSION_TEXT_SIZE];
    bool has_files = false;
    bool is_pinned;

    snprintf(chosen, sizeof(chosen), "%s", version);
    if (view->worker_count == 0) {
        return err_set(err, "no worker runs: put the text into the folder instead");
    }
    if (!store_has_files(store, chosen, &has_files, err)) {
        return false;
    }
    if (!has_files && count_users(view, chosen) < view->worker_count) {
        return err_set(err, "the files of version %s are not kept any more", chosen);
    }
    pin = make_pin(view, chosen);
    is_pinned = store_pin(store, &view->pin, &pin, err);
    return is_pinned && follow(store, options, chosen, err);
}

static bool activate(struct store *store, const struct options *options, const char *prefix, struct err *err)
{
    struct store_view view;
    const char *version;
    bool is_done;

    if (!store_look(store, &view, err)) {
        return false;
    }
    version = store_find_version(&view, prefix, err);
    is_done = version && choose(store, options, &view, version, err);
    store_view_finish(&view);
    return is_done;
}

static bool roll_back(struct store *store, const struct options *options, struct err *err)
{
    struct store_view view;
    const char *version;
    bool is_done;

    if (!store_look(store, &view, err)) {
        return false;
    }
    version = find_previous(&view);
    is_done = version ? choose(store, options, &view, version, err)
                      : err_set(err, "there is no version before %s", view.worker_count ? find_active(&view) : "this");
    store_view_finish(&view);
    return is_done;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

enum action { ACTION_LIST, ACTION_ACTIVATE, ACTION_ROLL_BACK, ACTION_PACK };

static bool read_action(int positional, char **argv, enum action *action, struct err *err)
{
    static const char *const names[] = {"list", "activate", "rollback", "pack", NULL};
    const char *nearest;

    *action = ACTION_LIST;
    if (positional == 0 || strcmp(argv[1], "list") == 0) {
        return positional < 2 || err_set(err, "\"list\" takes no argument");
    }
    if (strcmp(argv[1], "rollback") == 0) {
        *action = ACTION_ROLL_BACK;
        return positional == 1 || err_set(err, "\"rollback\" takes no argument; \"activate\" takes a version");
    }
    if (strcmp(argv[1], "pack") == 0) {
        *action = ACTION_PACK;
        return true;
    }
    if (strcmp(argv[1], "activate") == 0) {
        *action = ACTION_ACTIVATE;
        return positional == 2 || err_set(err, "\"activate\" needs a version");
    }
    nearest = nearest_find(argv[1], names);
    return nearest ? err_set(err, "there is no \"%.40s\"; did you mean \"%s\"?", argv[1], nearest)
                   : err_set(err, "there is no \"%.40s\" (list, activate, rollback, pack)", argv[1]);
}

static bool run(const struct options *options, enum action action, const char *version, struct err *err)
{
    struct store *store = store_open(options->redis_url, options->environment, err);
    bool is_done;

    if (!store) {
        return false;
    }
    switch (action) {
    case ACTION_ACTIVATE:
        is_done = activate(store, options, version, err);
        break;
    case ACTION_ROLL_BACK:
        is_done = roll_back(store, options, err);
        break;
    default:
        is_done = list(store, options, err);
        break;
    }
    store_close(store);
    return is_done;
}

static const char *template_dir(void)
{
    const char *dir = getenv("TEMPLATES_DIR");

    return dir && *dir ? dir : "templates";
}

int templates_command(int argc, char **argv)
{
    struct options options = {.is_json = false};
    bool is_json = false;
    const struct arg table[] = {
        {"json", ARG_FLAG, &is_json, NULL, "Print one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct err err = {0};
    enum action action;
    int positional = 0;
    bool is_done;
    int status = args_read(table, &usage, settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    if (!read_action(positional, argv, &action, &err)) {
        fprintf(stderr, "perkline templates: %s\n", err.text);
        return 2;
    }
    if (action == ACTION_PACK) {
        return pack_run(positional == 2 ? argv[2] : template_dir());
    }
    is_done = settings_load(settings_table, &options, &err);
    if (is_done) {
        options.is_json = is_json;
        is_done = setting_rows_check_environment(options.environment, &err) &&
                  run(&options, action, action == ACTION_ACTIVATE ? argv[2] : NULL, &err);
        settings_finish(settings_table, &options);
    }
    if (!is_done) {
        fprintf(stderr, "perkline templates: %s\n", err.text);
    }
    return is_done ? 0 : 1;
}
