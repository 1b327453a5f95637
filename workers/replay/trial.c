/*
 * The trial: everything is sent for real, to a sandbox. The whole pipeline runs, under a name space of its own in
 * Redis, so that what the trial sends is forgotten by nobody but after a day, and is never taken for what a customer
 * got. Nothing goes to Kafka.
 *
 * Two guards keep it from a real provider: the address must answer as a sandbox of ours does, and the key that is sent
 * is made up, whatever the settings hold.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/random.h"
#include "io/http.h"
#include "workers/channels.h"
#include "workers/replay/deliveries.h"

enum {
    IDENTITY_WAIT_MS = 5000,
    REDIS_WAIT_MS = 10000,
    CONNECTIONS = 32,
    ENVIRONMENT_SIZE = 33,
    MOST_ENVIRONMENT_KEPT = 12,
    RANDOM_BYTES = 4,
};
static const int64_t REMEMBERED_MS = 24LL * 3600000;

struct trial {
    struct deliveries deliveries;
    char id[REPLAY_ID_SIZE];
    char environment[ENVIRONMENT_SIZE];
    struct provider_account account;
    struct http_client *http;
    struct pauses *pauses; /* none: what people paused is about customers */
    bool is_answered, is_sandbox;
    char problem[200]; /* why it is no sandbox */
    char title[600];
};

/* --- is it a sandbox? --------------------------------------------------------------------------------------------- */

static void on_identity(void *arg, const struct http_reply *reply)
{
    struct trial *trial = arg;
    json_t *json = reply->status == 200 ? json_loadb(reply->body.data, reply->body.len, 0, NULL) : NULL;
    const char *product = json_string_value(json_object_get(json, "product"));

    trial->is_answered = true;
    trial->is_sandbox = product && strcmp(product, "perkline sandbox") == 0;
    if (reply->status == 0) {
        snprintf(trial->problem, sizeof(trial->problem), "it does not answer (%.60s)", reply->problem);
    } else {
        snprintf(trial->problem, sizeof(trial->problem),
                 "it answers GET /api/identity with status %d and not as a sandbox does", reply->status);
    }
    json_decref(json);
}

static bool check_identity(struct trial *trial, struct err *err)
{
    const char *url = trial->account.base_url;
    int64_t until = clock_mono_ms() + 2 * IDENTITY_WAIT_MS;
    char *identity = xasprintf("%s/api/identity", url);

    http_begin(trial->http, &(struct http_request){.method = "GET", .url = identity}, on_identity, trial);
    while (!trial->is_answered && clock_mono_ms() < until) {
        loop_turn(trial->deliveries.parts->loop, true);
    }
    free(identity);
    return trial->is_sandbox || err_set(err, "--sandbox: %.200s is no perkline sandbox: %s", url, trial->problem);
}

static bool open_http(struct trial *trial, struct err *err)
{
    const struct http_settings http = {
        .connections = CONNECTIONS,
        .connect_timeout_ms = 2000,
        .request_timeout_ms = IDENTITY_WAIT_MS,
        .is_plain_allowed = true,
        .user_agent = "perkline-replay/" PERKLINE_VERSION,
    };
    const char *url = trial->account.base_url;

    if (strpbrk(url, " \t\r\n?#@")) {
        return err_set(err, "--sandbox: \"%.200s\" is no plain address such as http://127.0.0.1:8025", url);
    }
    if (!http_check_url(&http, url, err)) {
        return err_prefix(err, "--sandbox");
    }
    trial->http = http_open(trial->deliveries.parts->loop, &http, err);
    return trial->http && check_identity(trial, err);
}

/* --- the name space ----------------------------------------------------------------------------------------------- */

static void choose_id(struct trial *trial)
{
    const char *wanted = trial->deliveries.parts->options->id;
    uint8_t bytes[RANDOM_BYTES];

    if (wanted) {
        snprintf(trial->id, sizeof(trial->id), "%s", wanted);
    } else {
        random_bytes_from_system(bytes, sizeof(bytes));
        hex_format(bytes, sizeof(bytes), trial->id);
    }
    snprintf(trial->environment, sizeof(trial->environment), "%.*s-replay-%.12s", MOST_ENVIRONMENT_KEPT,
             trial->deliveries.parts->settings->environment, trial->id);
}

/* A new name space knows nothing, and need not be told. */
static void on_recover(void *arg)
{
    claims_recovered(((struct trial *)arg)->deliveries.claims);
}

static bool open_claims(struct trial *trial, struct err *err)
{
    const struct worker_settings *settings = trial->deliveries.parts->settings;
    const struct redis_settings redis = {
        .url = settings->redis_url, .command_timeout_ms = 5000, .connect_timeout_ms = 2000, .reconnect_delay_ms = 100};
    const struct claims_settings claims = {
        .environment = trial->environment,
        .lease_ms = settings->lease_ms,
        .most_skew_ms = 60000,
        .guard_ttl_ms = 2 * REMEMBERED_MS,
    };

    trial->deliveries.claims =
        claims_open(trial->deliveries.parts->loop, &redis, &claims, trial->deliveries.metrics, err);
    if (!trial->deliveries.claims) {
        return err_prefix(err, "REDIS_URL");
    }
    claims_set_recovery(trial->deliveries.claims, on_recover, trial);
    return deliveries_wait_ready(&trial->deliveries, REDIS_WAIT_MS, err);
}

static void open_pauses(struct trial *trial)
{
    const struct pause_list none = {0};
    struct err ignored = {0};
    struct buf text;

    buf_init(&text, 0);
    pause_list_format(&none, &text);
    trial->pauses = pauses_create(trial->deliveries.parts->loop, trial->deliveries.metrics);
    pauses_take(trial->pauses, buf_slice(&text), &ignored);
    buf_finish(&text);
}

/* --- the sink ----------------------------------------------------------------------------------------------------- */

static void close_sink(struct replay_sink *sink)
{
    struct trial *trial = (struct trial *)sink;

    http_close(trial->http);
    deliveries_close_io(&trial->deliveries);
    deliveries_finish(&trial->deliveries);
    pauses_destroy(trial->pauses);
    free(trial);
}

static struct provider_account make_account(const struct replay_parts *parts)
{
    struct provider_account account = worker_account(parts->settings);

    account.base_url = parts->options->sandbox;
    account.api_key = "sandbox";
    account.from_address = account.from_address ? account.from_address : "replay@example.com";
    account.sms_from = account.sms_from ? account.sms_from : "perkline";
    return account;
}

static bool add_pipeline(struct trial *trial, enum channel channel, struct err *err)
{
    const struct worker_settings *settings = trial->deliveries.parts->settings;
    const struct provider *provider = worker_find_provider(settings, channels_providers, channel);

    if (!provider) {
        return err_set(err, "there is no provider for %s of the name that the settings say", channel_name(channel));
    }
    if (!provider->check(&trial->account, err)) {
        return false;
    }
    deliveries_add_pipeline(&trial->deliveries, &(struct pipeline_parts){
                                                    .keeps_texts = true, /* for the report, and --out */
                                                    .channel = channel,
                                                    .most_ttl_ms = REMEMBERED_MS,
                                                    .provider = provider,
                                                    .account = trial->account,
                                                    .http = trial->http,
                                                    .pauses = trial->pauses,
                                                    .environment = trial->environment,
                                                    .connections = CONNECTIONS,
                                                    .request_timeout_ms = settings->request_timeout_ms,
                                                    .key_ttl_ms = worker_key_ttl_ms(settings, provider),
                                                    .visibility_lag_ms = worker_visibility_lag_ms(settings, provider),
                                                    .questions_per_hour = worker_questions_per_hour(settings, provider),
                                                });
    return true;
}

static bool open_all(struct trial *trial, const struct replay_parts *parts, struct err *err)
{
    trial->account = make_account(parts);
    if (!deliveries_init(&trial->deliveries, parts, err)) {
        return false;
    }
    choose_id(trial);
    open_pauses(trial);
    if (!open_http(trial, err) || !open_claims(trial, err)) {
        return false;
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (parts->settings->has_channel[channel] && !add_pipeline(trial, (enum channel)channel, err)) {
            return false;
        }
    }
    return true;
}

static struct replay_sink *open_sink(const struct replay_parts *parts, struct err *err)
{
    struct trial *trial = xcalloc(1, sizeof(*trial));
    struct replay_sink *sink = &trial->deliveries.sink;

    if (!open_all(trial, parts, err)) {
        close_sink(sink);
        return NULL;
    }
    fprintf(stderr,
            "perkline replay: sending to the sandbox %s as replay %s (--id %s repeats it and sends nothing twice)\n",
            trial->account.base_url, trial->id, trial->id);
    return sink;
}

static bool report(struct replay_sink *sink, const struct replay_tally *tally, FILE *to)
{
    struct trial *trial = (struct trial *)sink;
    const struct report *counts = &trial->deliveries.report;
    const char *const notes[] = {NULL};
    const char *const more[][2] = {
        {"sandbox", trial->account.base_url}, {"id", trial->id}, {"environment", trial->environment}, {NULL, NULL}};
    struct report_facts facts = {
        .title = trial->title, .send_name = "sent", .mode = "sandbox", .notes = notes, .more = more};
    bool is_fine;

    snprintf(trial->title, sizeof(trial->title), "sent to the sandbox %.400s as replay %s", trial->account.base_url,
             trial->id);
    is_fine = deliveries_report(&trial->deliveries, tally, &facts, to);
    return is_fine && report_total(counts, REPORT_HELD) + report_total(counts, REPORT_LATER) == 0;
}

const struct replay_sink_type replay_trial = {
    .open = open_sink,
    .close = close_sink,
    .take = deliveries_take,
    .count_open = deliveries_count_open,
    .finish = deliveries_complete,
    .report = report,
    .needs_events = true,
};
