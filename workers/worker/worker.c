/*
 * perkline worker: consume and send.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/settings.h"
#include "run/worker.h"
#include "workers/channels.h"
#include "workers/commands.h"
#include "workers/worker/probe.h"

static const struct args_usage usage = {
    .command = "perkline worker",
    .positional = "",
    .summary = "Consumes loyalty events and sends their messages, each exactly once. Configured by the environment;\n"
               "every setting may also come from a file named by NAME_FILE. Ends cleanly on SIGTERM; SIGHUP reads the\n"
               "templates again.",
};

int worker_command(int argc, char **argv)
{
    const char *channels = NULL;
    bool is_check = false, is_probe = false;
    const struct arg table[] = {
        {"channels", ARG_TEXT, &channels, "LIST", "Channels to serve, instead of the setting CHANNELS: email,sms"},
        {"check", ARG_FLAG, &is_check, NULL, "Check settings and templates, then end."},
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
    status = is_check ? worker_check(&settings) : worker_run(&settings, channels_providers);
    worker_settings_finish(&settings);
    return status;
}
