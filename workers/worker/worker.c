/*
 * perkline worker: consume and send.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/confine.h"
#include "base/log.h"
#include "base/settings.h"
#include "run/worker.h"
#include "run/worker_paths.h"
#include "workers/channels.h"
#include "workers/commands.h"
#include "workers/worker/probe.h"

/* The leak checker of the sanitizers looks at the process as a debugger does. */
#ifdef __SANITIZE_ADDRESS__
enum { KEEPS_DEBUGGERS = true };
#else
enum { KEEPS_DEBUGGERS = false };
#endif

static const struct args_usage usage = {
    .command = "perkline worker",
    .positional = "",
    .summary = "Consumes loyalty events and sends their messages, each exactly once. Configured by the environment;\n"
               "every setting may also come from a file named by NAME_FILE. Ends cleanly on SIGTERM; SIGHUP reads\n"
               "templates and secrets again.",
};

/* Before any thread is there. False + err: it was asked for, the kernel has it, and it cannot be done. */
static bool confine(const struct worker_settings *settings, struct err *err)
{
    struct worker_paths paths;
    enum confine_result result;

    if (!settings->is_confined) {
        return true;
    }
    worker_paths_init(&paths, settings);
    result = confine_files(paths.items, err);
    worker_paths_finish(&paths);
    if (result == CONFINE_UNSUPPORTED) {
        log_event(LOG_WARN, "not_confined", "reason", err->text, NULL);
        err_clear(err);
    }
    return result != CONFINE_FAILED || err_prefix(err, "CONFINE");
}

int worker_command(int argc, char **argv)
{
    const char *channels = NULL;
    bool is_check = false, is_probe = false;
    const struct arg table[] = {
        {"channels", ARG_TEXT, &channels, "LIST", "Channels to serve, instead of the setting CHANNELS: email,sms"},
        {"check", ARG_FLAG, &is_check, NULL, "Check settings (also whether the libraries take them) and templates, then end."},
        {"probe", ARG_FLAG, &is_probe, NULL, "Ask the worker at HTTP_LISTEN whether it is alive: for health checks."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct setting *const tables[] = {worker_settings_table, NULL};
    struct worker_settings settings;
    struct err err = {0};
    char suggestion[64];
    const char *misspelt;
    int positional = 0;
    int status;

    status = args_read(table, &usage, worker_settings_table, argc, argv, &positional);
    if (status != ARGS_GO_ON) {
        return status;
    }
    if (is_probe) {
        return probe_run("/healthz");
    }
    confine_memory(KEEPS_DEBUGGERS);
    if (channels) {
        setenv("CHANNELS", channels, 1);
    }
    misspelt = settings_find_misspelt(tables, suggestion);
    if (misspelt) {
        fprintf(stderr, "perkline worker: warning: %s is no setting; did you mean %s?\n", misspelt, suggestion);
    }
    if (!worker_settings_load(&settings, channels_providers, &err)) {
        fprintf(stderr, "perkline worker: %s\n", err.text);
        worker_settings_finish(&settings);
        return 1;
    }
    if (!is_check && !confine(&settings, &err)) {
        fprintf(stderr, "perkline worker: %s\n", err.text);
        worker_settings_finish(&settings);
        return 1;
    }
    status = is_check ? worker_check(&settings) : worker_run(&settings, channels_providers);
    worker_settings_finish(&settings);
    return status;
}
