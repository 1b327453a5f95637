/*
 * sandbox: `perkline sandbox`, a local provider that answers as Brevo does, with an inbox page and faults on demand.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/fold.h"
#include "base/buf.h"
#include "base/number.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "workers/commands.h"
#include "workers/sandbox/calls.h"
#include "workers/sandbox/inbox_api.h"
#include "workers/sandbox/statistics.h"

enum {
    BODY_MOST = 4 << 20,
    BODIES_MOST = 256 << 20, /* of all messages in the inbox */
    TIMEOUT_S = 120,
    MESSAGES_MOST = 10000000,
};

struct options {
    const char *listen;
    const char *rate;
    const char *fault;
    const char *api_key;
    int64_t latency_ms;
    int64_t key_ttl_s;
    int64_t seed;
    int64_t max_messages;
    int64_t rate_per_s;
    int64_t visibility_lag_ms;
    bool is_fast;
    bool is_bodyless;
    bool is_keyless;
    bool is_questionless;
};

struct sandbox {
    struct loop *loop;
    struct loop_signal *signals[2];
    struct http_server *server;
    struct faults faults;
    struct inbox *inbox;
    struct tally *tally;
    struct calls *calls;
    struct inbox_api api;
    struct statistics statistics;
};

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct sandbox *sandbox = arg;

    if (statistics_handle(&sandbox->statistics, exchange)) {
        return;
    }
    if (strncmp(http_exchange_path(exchange), "/v3/", 4) == 0) {
        calls_handle(sandbox->calls, exchange);
    } else {
        inbox_api_handle(&sandbox->api, exchange);
    }
}

static void on_signal(void *arg)
{
    struct sandbox *sandbox = arg;

    loop_stop(sandbox->loop);
}

/* "200" or "200/s" */
static bool parse_rate(const char *text, int64_t *rate, struct err *err)
{
    struct slice number = slice_of(text);

    if (slice_ends_with(number, "/s")) {
        number.len -= 2;
    }
    if (!number_parse(number, rate) || *rate < 0 || *rate > INT32_MAX) {
        return err_set(err, "--rate: \"%.40s\" is no rate such as 200/s", text);
    }
    return true;
}

static bool check_range(const char *option, int64_t value, int64_t least, int64_t most, struct err *err)
{
    if (value < least || value > most) {
        return err_set(err, "--%s must be between %" PRId64 " and %" PRId64, option, least, most);
    }
    return true;
}

static bool check_options(struct options *options, struct err *err)
{
    return check_range("latency-ms", options->latency_ms, 0, 3600 * 1000, err) &&
           check_range("key-ttl-s", options->key_ttl_s, 0, 366 * 86400, err) &&
           check_range("visibility-lag-ms", options->visibility_lag_ms, 0, 86400 * 1000, err) &&
           check_range("max-messages", options->max_messages, 1, MESSAGES_MOST, err) &&
           (!options->rate || parse_rate(options->rate, &options->rate_per_s, err));
}

/* --fault may come several times, and each may hold several rules with commas between them; the options table takes an
 * option once. So they are taken out of argv first. */
static bool take_faults(int *argc, char **argv, struct faults *faults, struct err *err)
{
    static const char name[] = "--fault";
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        const char *text = NULL;

        if (strcmp(argv[i], name) == 0 && i + 1 < *argc) {
            text = argv[++i];
        } else if (strncmp(argv[i], "--fault=", strlen(name) + 1) == 0) {
            text = argv[i] + strlen(name) + 1;
        } else {
            argv[kept++] = argv[i];
        }
        while (text) {
            size_t len = strcspn(text, ",");

            if (!faults_add(faults, slice_make(text, len), err)) {
                return false;
            }
            text = text[len] ? text + len + 1 : NULL;
        }
    }
    *argc = kept;
    return true;
}

static void sandbox_close(struct sandbox *sandbox)
{
    calls_destroy(sandbox->calls);
    http_server_close(sandbox->server);
    inbox_destroy(sandbox->inbox);
    tally_destroy(sandbox->tally);
    for (size_t i = 0; i < 2; i++) {
        loop_signal_destroy(sandbox->signals[i]);
    }
    loop_destroy(sandbox->loop);
}

static bool sandbox_open(struct sandbox *sandbox, const struct options *options, struct err *err)
{
    struct http_server_settings http = {.listen = options->listen, .most_body = BODY_MOST, .timeout_s = TIMEOUT_S};
    struct calls_settings settings = {
        .api_key = options->api_key,
        .latency_ms = options->latency_ms,
        .rate = options->rate_per_s,
        .key_ttl_ms = options->key_ttl_s * 1000,
        .is_fast = options->is_fast,
        .is_bodyless = options->is_bodyless,
        .is_keyless = options->is_keyless,
    };

    signal(SIGPIPE, SIG_IGN);
    sandbox->loop = loop_create();
    sandbox->signals[0] = loop_signal_create(sandbox->loop, SIGINT, on_signal, sandbox);
    sandbox->signals[1] = loop_signal_create(sandbox->loop, SIGTERM, on_signal, sandbox);
    sandbox->inbox = inbox_create((size_t)options->max_messages, BODIES_MOST);
    sandbox->tally = tally_create();
    sandbox->calls = calls_create(sandbox->loop, &settings, &sandbox->faults, sandbox->inbox, sandbox->tally);
    sandbox->api = (struct inbox_api){sandbox->inbox, sandbox->tally, &sandbox->faults, sandbox->calls};
    sandbox->statistics = (struct statistics){sandbox->calls, options->is_fast ? NULL : sandbox->inbox,
                                              options->visibility_lag_ms, options->is_questionless};
    sandbox->server = http_server_open(sandbox->loop, &http, on_request, sandbox, err);
    return sandbox->server != NULL;
}

static int serve(struct sandbox *sandbox, const struct options *options)
{
    struct err err = {{0}};
    int status = 1;

    if (sandbox_open(sandbox, options, &err)) {
        printf("sandbox listening on http://%s\n", http_server_address(sandbox->server));
        fflush(stdout);
        loop_run(sandbox->loop);
        status = 0;
    } else {
        fprintf(stderr, "perkline sandbox: %s\n", err.text);
    }
    sandbox_close(sandbox);
    return status;
}

int sandbox_command(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:8025", .key_ttl_s = 1800, .max_messages = 100000, .seed = 1};
    const struct arg table[] = {
        {"listen", ARG_TEXT, &o.listen, "ADDRESS", "Where to listen; port 0 chooses one (127.0.0.1:8025)."},
        {"latency-ms", ARG_INT, &o.latency_ms, "N", "Answer every call this much later (0)."},
        {"rate", ARG_TEXT, &o.rate, "N/s", "Calls per second and channel before 429 (no limit)."},
        {"key-ttl-s", ARG_INT, &o.key_ttl_s, "N", "How long an idempotency key is remembered (1800)."},
        {"no-keys", ARG_FLAG, &o.is_keyless, NULL, "Be a provider that ignores idempotency keys."},
        {"visibility-lag-ms", ARG_INT, &o.visibility_lag_ms, "N",
         "Show a message in the statistics this much later (0)."},
        {"no-query", ARG_FLAG, &o.is_questionless, NULL, "Be a provider without statistics to look into."},
        {"fault", ARG_TEXT, &o.fault, "KIND=P", "What shall go wrong, how often; may be repeated (see below)."},
        {"seed", ARG_INT, &o.seed, "N", "Of the draws for --fault (1)."},
        {"api-key", ARG_TEXT, &o.api_key, "KEY", "The only key that is good (any)."},
        {"max-messages", ARG_INT, &o.max_messages, "N", "How many the inbox keeps (100000)."},
        {"no-bodies", ARG_FLAG, &o.is_bodyless, NULL, "Keep no requests, only who, when and how."},
        {"fast", ARG_FLAG, &o.is_fast, NULL, "For benchmarks: check nothing, no inbox, only counts."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {"perkline sandbox", "",
                                     "A local provider that answers as Brevo does, e-mail and SMS, and shows what it\n"
                                     "took on a page in the browser.",
                                     0};
    struct sandbox sandbox = {0};
    struct err err = {{0}};
    enum args_result result = ARGS_WRONG;
    int positional = 0;

    faults_init(&sandbox.faults, 1);
    if (take_faults(&argc, argv, &sandbox.faults, &err)) {
        result = args_parse(table, &usage, argc, argv, &positional, &err);
    }
    if (result == ARGS_HELP) {
        args_print_help(table, &usage, stdout);
        puts("\nFaults: KIND[:MS][@CHANNEL]=PROBABILITY[xTIMES], e.g. --fault http_503=0.1 --fault delay:500@email=0.2");
        puts("MS is how long a delay lasts, and how far away the reset is that http_429 tells of.");
        fputs("Kinds: ", stdout);
        fold_print(stdout, strlen("Kinds: "), fault_kinds_text());
        puts("\nWhile it runs, besides the page in the browser:\n"
             "  curl -X PUT ADDRESS/api/faults -d '{\"faults\":[{\"kind\":\"http_503\",\"probability\":1,\"channel\":\"sms\"}]}'\n"
             "  curl -X PUT ADDRESS/api/faults -d '{\"faults\":[]}'     all is well again\n"
             "  curl ADDRESS/api/stats                              requests, accepted, duplicates\n"
             "  curl 'ADDRESS/api/messages?limit=2'                 the last messages");
        return 0;
    }
    if (result != ARGS_OK || !check_options(&o, &err)) {
        fprintf(stderr, "perkline sandbox: %s\n", err.text);
        return 2;
    }
    sandbox.faults.seed = (uint64_t)o.seed;
    random_init(&sandbox.faults.random, (uint64_t)o.seed);
    return serve(&sandbox, &o);
}
