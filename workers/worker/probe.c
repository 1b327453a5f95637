#include "workers/worker/probe.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/settings.h"
#include "io/http.h"
#include "io/loop.h"

enum { ANSWER_MS = 2000, URL_SIZE = 256 };

struct probe_settings {
    const char *listen;
};

/* Of the worker's settings the only one that this needs: the others may be wrong, or secrets that it should not see. */
static const struct setting settings_table[] = {
    {"HTTP_LISTEN", SETTING_TEXT, offsetof(struct probe_settings, listen), "127.0.0.1:9464", "", false, 0, 0},
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

struct probe {
    struct loop *loop;
    int status;
    struct err problem;
};

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct probe *probe = arg;

    probe->status = reply->status;
    if (reply->status == 0) {
        err_set(&probe->problem, "no answer (%s)", reply->problem);
    } else if (reply->status != 200) {
        const char *end = reply->body.len > 0 ? memchr(reply->body.data, '\n', reply->body.len) : NULL;
        size_t len = end ? (size_t)(end - reply->body.data) : reply->body.len;

        err_set(&probe->problem, "%d %.*s", reply->status, len < 150 ? (int)len : 150,
                 len > 0 ? reply->body.data : "");
    }
    loop_stop(probe->loop);
}

/* What listens on every address is asked on this machine's own. */
static void format_url(const char *listen, const char *path, char url[URL_SIZE])
{
    const char *port = strrchr(listen, ':');
    bool is_any = port && (port == listen || strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0);

    snprintf(url, URL_SIZE, "http://%s%s%s", is_any ? "127.0.0.1" : "", is_any ? port : listen, path);
}

static void ask(const char *listen, const char *path, struct probe *probe)
{
    const struct http_settings http = {.connections = 1,
                                       .connect_timeout_ms = ANSWER_MS,
                                       .request_timeout_ms = ANSWER_MS,
                                       .is_plain_allowed = true,
                                       .user_agent = "perkline-probe"};
    char url[URL_SIZE];
    struct http_client *client;

    format_url(listen, path, url);
    probe->loop = loop_create();
    client = http_open(probe->loop, &http, &probe->problem);
    if (client) {
        http_begin(client, &(struct http_request){.method = "GET", .url = url}, on_reply, probe);
        loop_run(probe->loop);
        http_close(client);
    }
    loop_destroy(probe->loop);
}

int probe_run(const char *path)
{
    struct probe_settings settings;
    struct probe probe = {.loop = NULL};
    struct err err = {0};

    if (!settings_load(settings_table, &settings, &err)) {
        fprintf(stderr, "perkline worker: %s\n", err.text);
        return 1;
    }
    ask(settings.listen, path, &probe);
    if (probe.status != 200) {
        fprintf(stderr, "perkline worker: %s at %s: %s\n", path, settings.listen, probe.problem.text);
    }
    settings_finish(settings_table, &settings);
    return probe.status == 200 ? 0 : 1;
}
