#include "workers/doctor/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file_tree.h"
#include "core/lint.h"
#include "core/locale.h"
#include "run/file_budget.h"
#include "workers/channels.h"

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* Row by row, so that each wrong one is told and the others serve the checks below. */
static size_t read_rows(struct doctor *doctor)
{
    size_t wrong = 0;

    for (const struct setting *row = worker_settings_table; row->name; row++) {
        const struct setting one[] = {*row, {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0}};
        struct err err = {0};

        if (!settings_load(one, &doctor->settings, &err)) {
            doctor_tell(doctor, DOCTOR_FAIL, "perkline worker --help tells what it takes", "%s", err.text);
            wrong++;
        }
    }
    return wrong;
}

void doctor_check_settings(struct doctor *doctor)
{
    struct worker_settings whole;
    struct err err = {0};

    if (read_rows(doctor) > 0) {
        return;
    }
    doctor->is_settings_whole = worker_settings_load(&whole, channels_providers, &err);
    if (!doctor->is_settings_whole) {
        worker_settings_finish(&whole);
        doctor_tell(doctor, DOCTOR_FAIL, "perkline worker --help tells what it takes", "%s", err.text);
        return;
    }
    worker_settings_finish(&doctor->settings);
    doctor->settings = whole;
    doctor_tell(doctor, DOCTOR_OK, NULL, "all are understood; environment %s, channels %s", whole.environment,
                whole.channels);
}

void doctor_check_names(struct doctor *doctor)
{
    const struct setting *const tables[] = {worker_settings_table, NULL};
    char suggestion[64];
    const char *misspelt = settings_find_misspelt(tables, suggestion);

    if (misspelt) {
        doctor_tell(doctor, DOCTOR_WARN, "rename it", "%s is no setting; %s is", misspelt, suggestion);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "no variable looks like a setting without being one");
    }
}

/* --- secrets ------------------------------------------------------------------------------------------------------ */

/* True when something was told. */
static bool check_secret_file(struct doctor *doctor, const char *name, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return false; /* told with the settings, or a pipe */
    }
    if (st.st_mode & S_IROTH) {
        doctor_tell(doctor, DOCTOR_FAIL, "chmod 0440 it (Kubernetes: defaultMode: 0440 and fsGroup)",
                    "%s: %s may be read by everyone (mode %04o)", name, path, (unsigned)st.st_mode & 07777);
        return true;
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        doctor_tell(doctor, DOCTOR_WARN, "chmod 0440 it", "%s: %s may be written by others (mode %04o)", name, path,
                    (unsigned)st.st_mode & 07777);
        return true;
    }
    return false;
}

void doctor_check_secrets(struct doctor *doctor)
{
    bool is_told = false;

    for (const struct setting *row = worker_settings_table; row->name; row++) {
        char file_name[80];
        const char *path;
        const char *value = getenv(row->name);

        if (row->type != SETTING_SECRET) {
            continue;
        }
        snprintf(file_name, sizeof(file_name), "%s_FILE", row->name);
        path = getenv(file_name);
        if (path && *path) {
            is_told |= check_secret_file(doctor, file_name, path);
        } else if (value && *value && (strcmp(row->name, "REDIS_URL") != 0 || strchr(value, '@'))) {
            doctor_tell(doctor, DOCTOR_WARN, "put it into a file of mode 0400 and name that in the setting with _FILE",
                        "%s stands in the environment, where other processes of this user and crash reports see it",
                        row->name);
            is_told = true;
        }
    }
    if (!is_told) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "in files that only we may read, or there are none");
    }
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

void doctor_check_files(struct doctor *doctor)
{
    struct file_budget budget = file_budget_of(&doctor->settings);

    if (budget.connections == 0) {
        doctor_tell(doctor, DOCTOR_FAIL, "raise it: ulimit -n, LimitNOFILE=",
                    "%" PRId64 " may be open at once, a worker needs %d at least", budget.limit, FILE_BUDGET_LEAST);
    } else if (budget.connections < doctor->settings.connections) {
        doctor_tell(doctor, DOCTOR_WARN, "raise it (ulimit -n, LimitNOFILE=), or lower HTTP_CONNECTIONS",
                    "%" PRId64 " may be open at once, %" PRId64 " are needed: a worker here has %" PRId64
                    " connections to a provider, not %" PRId64,
                    budget.limit, budget.needed, budget.connections, doctor->settings.connections);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "%" PRId64 " may be open at once, %" PRId64 " are needed at most",
                    budget.limit, budget.needed);
    }
}

/* --- languages and zones ------------------------------------------------------------------------------------------ */

void doctor_check_locale(struct doctor *doctor)
{
    static const char *const zones[] = {"Europe/Budapest", "America/New_York", "Asia/Tehran"};
    const char *locale = doctor->settings.default_locale ? doctor->settings.default_locale : "en";
    struct locale_set *set = locale_set_create();
    const char *lost = NULL;
    int64_t offset_ms;

    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (!locale_set_find_offset(set, slice_of(zones[i]), clock_wall_ms(), &offset_ms)) {
            lost = zones[i];
        }
    }
    if (lost) {
        doctor_tell(doctor, DOCTOR_FAIL, "install ICU's data (libicu) of this system again", "ICU knows no zone %s",
                    lost);
    } else if (!locale_is_known_language(locale)) {
        doctor_tell(doctor, DOCTOR_FAIL, "set DEFAULT_LOCALE to one such as en", "ICU knows no language %s", locale);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "ICU knows the zones, and %s", locale);
    }
    locale_set_destroy(set);
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

static void tell_diagnostics(struct doctor *doctor, const struct diag_list *diags, const struct catalog *catalog)
{
    size_t warnings = 0;
    size_t first = diags->count;
    struct buf text;

    for (size_t i = diags->count; i-- > 0;) {
        warnings += diags->items[i].severity == DIAG_WARNING;
        if (diags->items[i].severity == (diags->error_count ? DIAG_ERROR : DIAG_WARNING)) {
            first = i;
        }
    }
    buf_init(&text, 0);
    if (first < diags->count) {
        diag_format(&diags->items[first], &text);
    }
    if (!catalog) {
        doctor_tell(doctor, DOCTOR_FAIL, "perkline lint shows them all", "%zu errors, the first: %s", diags->error_count,
                    buf_text(&text));
    } else if (warnings > 0) {
        doctor_tell(doctor, DOCTOR_WARN, "perkline lint shows them all", "%zu warnings, the first: %s", warnings,
                    buf_text(&text));
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "%zu flows, version %s, no faults", catalog_flow_count(catalog),
                    catalog_version(catalog));
    }
    buf_finish(&text);
}

void doctor_check_templates(struct doctor *doctor)
{
    const char *dir = doctor->settings.templates_dir ? doctor->settings.templates_dir : "templates";
    const struct catalog_options options = {
        .default_locale = doctor->settings.default_locale ? doctor->settings.default_locale : "en"};
    struct err err = {0};
    struct file_tree *tree = file_tree_read(dir, &err);
    struct catalog *catalog;
    struct diag_list diags;

    if (!tree) {
        doctor_tell(doctor, DOCTOR_FAIL, "set TEMPLATES_DIR to the folder with the flows", "%s", err.text);
        return;
    }
    diag_list_init(&diags);
    catalog = lint_build(tree, &options, &diags);
    tell_diagnostics(doctor, &diags, catalog);
    catalog_unref(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
}
