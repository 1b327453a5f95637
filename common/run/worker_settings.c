#include "run/worker_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "core/locale_tag.h"
#include "run/setting_rows.h"

enum { SECRET_ROOM = 2048 };

#define FIELD(name) offsetof(struct worker_settings, name)

const struct setting worker_settings_table[] = {
    SETTING_ROW_KAFKA_BROKERS(struct worker_settings, kafka_brokers),
    SETTING_ROW_KAFKA_TOPICS(struct worker_settings, kafka_topics),
    SETTING_ROW_KAFKA_TOPIC_PREFIX(struct worker_settings, kafka_topic_prefix),
    SETTING_ROW_KAFKA_GROUP(struct worker_settings, kafka_group),
    SETTING_ROW_KAFKA_CONFIG(struct worker_settings, kafka_config),
    {"KAFKA_ASSIGN", SETTING_TEXT, FIELD(kafka_assign), NULL,
     "Static partitions instead of a group's: 0-3,7.", false, 0, 0},
    {"KAFKA_START", SETTING_TEXT, FIELD(kafka_start), "earliest",
     "Where a group without commits begins: earliest or latest.", false, 0, 0},
    {"KAFKA_INSTANCE_ID", SETTING_TEXT, FIELD(kafka_instance_id), NULL,
     "Stable name of this member: a restart within the session time causes no rebalance.", false, 0, 0},
    {"KAFKA_SESSION_TIMEOUT", SETTING_DURATION, FIELD(kafka_session_timeout_ms), "30s",
     "After this silence the group gives a worker's partitions to others. Below 15s it does so when a broker dies, too.",
     false, 6000, 300000},
    {"KAFKA_QUEUE_KIB", SETTING_INT, FIELD(kafka_queue_kib), "16384",
     "Records read ahead, over all partitions, in KiB: memory against catch-up speed.", false, 1024, 1048576},
    SETTING_ROW_REDIS_URL(struct worker_settings, redis_url),
    {"TEMPLATES_DIR", SETTING_TEXT, FIELD(templates_dir), "templates", "Folder with the flows.", false, 0, 0},
    SETTING_ROW_DEFAULT_LOCALE(struct worker_settings, default_locale),
    {"CHANNELS", SETTING_TEXT, FIELD(channels), "email,sms", "Channels that this process serves.", false, 0, 0},
    {"EMAIL_PROVIDER", SETTING_TEXT, FIELD(email_provider), "brevo", "Who sends e-mail.", false, 0, 0},
    {"EMAIL_FROM", SETTING_TEXT, FIELD(email_from), NULL,
     "Sender where the brand names none: Shop <shop@example.com>.", false, 0, 0},
    {"EMAIL_REPLY_TO", SETTING_TEXT, FIELD(email_reply_to), NULL, "Reply address where the brand names none.", false, 0,
     0},
    {"EMAIL_RATE", SETTING_INT, FIELD(email_rate), "-1",
     "Most e-mails a second over all workers; 0 no limit; -1 the provider's smallest plan.", false, -1, 100000},
    {"SMS_PROVIDER", SETTING_TEXT, FIELD(sms_provider), "brevo", "Who sends SMS.", false, 0, 0},
    {"SMS_FROM", SETTING_TEXT, FIELD(sms_from), NULL, "Sender where the brand names none: at most 11 letters and digits.",
     false, 0, 0},
    {"SMS_RATE", SETTING_INT, FIELD(sms_rate), "-1", "Most SMS a second over all workers, as EMAIL_RATE.", false, -1,
     100000},
    {"SMS_COSTS", SETTING_TEXT, FIELD(sms_costs), NULL,
     "For perkline replay: price of a segment by the beginning of the number: +36=0.071,*=0.08 EUR.", false, 0, 0},
    {"BREVO_API_KEY", SETTING_SECRET, FIELD(brevo_api_key), NULL, "API key of the Brevo account.", false, 0, 0},
    {"BREVO_URL", SETTING_TEXT, FIELD(brevo_url), "https://api.brevo.com", "Base address of Brevo, or of a sandbox.",
     false, 0, 0},
    {"BREVO_KEY_TTL", SETTING_DURATION, FIELD(brevo_key_ttl_ms), "15m",
     "How long Brevo surely remembers an idempotency key; 0s: it is not trusted to.", false, 0, 86400000},
    {"BREVO_VISIBILITY_LAG", SETTING_DURATION, FIELD(brevo_visibility_lag_ms), "10m",
     "After this long what Brevo took can surely be found in its statistics (an assumption: Brevo does not say; too short, and "
     "what was sent goes out twice); 0s: it is never asked.", false, 0, 86400000},
    {"BREVO_QUESTIONS_PER_HOUR", SETTING_INT, FIELD(brevo_questions_per_hour), "-1",
     "Most look-ups in Brevo's statistics for a channel, by all workers together; -1 the smallest plan.", false, -1, 3600000},
    {"PROVIDER_ALLOW_PLAIN", SETTING_BOOL, FIELD(is_plain_provider_allowed), "no",
     "Allow http:// and private addresses for the provider: for a sandbox on another host, nothing else.", false, 0, 0},
    {"PROVIDER_CA_FILE", SETTING_TEXT, FIELD(ca_file), NULL, "Certificate authorities instead of the system's.", false, 0,
     0},
    {"REQUEST_TIMEOUT", SETTING_DURATION, FIELD(request_timeout_ms), "10s", "Most time for one request to a provider.",
     false, 200, 60000},
    {"CLAIM_LEASE", SETTING_DURATION, FIELD(lease_ms), "15s",
     "How long a claim is ours alone; at least REQUEST_TIMEOUT and 2 s.", false, 2000, 300000},
    {"HTTP_CONNECTIONS", SETTING_INT, FIELD(connections), "256",
     "Most requests to a provider at once, per channel; fewer where too few files may be open.", false, 1, 4096},
    {"WINDOW", SETTING_INT, FIELD(window), "256", "Most events in flight, per channel.", false, 1, 65536},
    {"CONFINE", SETTING_BOOL, FIELD(is_confined), "yes",
     "Let the process open only the files that it needs, and write or run none, where the kernel has landlock.", false, 0,
     0},
    {"HTTP_LISTEN", SETTING_TEXT, FIELD(http_listen), "127.0.0.1:9464", "Where health and metrics are served.", false, 0,
     0},
    {"OTEL_EXPORTER_OTLP_ENDPOINT", SETTING_TEXT, FIELD(otlp_endpoint), NULL,
     "Collector of traces, OTLP over HTTP: http://collector:4318. Unset: no traces.", false, 0, 0},
    {"OTEL_EXPORTER_OTLP_HEADERS", SETTING_SECRET, FIELD(otlp_headers), NULL,
     "Headers for it: name=value,name=value.", false, 0, 0},
    {"OTEL_EXPORTER_OTLP_CERTIFICATE", SETTING_TEXT, FIELD(otlp_ca_file), NULL,
     "Certificate authorities for it instead of the system's.", false, 0, 0},
    {"OTEL_SERVICE_NAME", SETTING_TEXT, FIELD(otlp_service), "perkline", "Name of this service in traces.", false, 0, 0},
    {"OTEL_TRACES_SAMPLER_ARG", SETTING_TEXT, FIELD(trace_part_text), "1",
     "Part of the traces that begin here, 0 to 1; an event with a traceparent brings its own choice.", false, 0, 0},
    {"LOG_LEVEL", SETTING_TEXT, FIELD(log_level), "info", "debug, info, warn or error.", false, 0, 0},
    SETTING_ROW_ENVIRONMENT(struct worker_settings, environment),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

void worker_format_group(const char *kafka_group, enum channel channel, char *text, size_t size)
{
    snprintf(text, size, "%s-%s", kafka_group, channel_name(channel));
}

/* Takes the next item of a comma list, without blanks around it. False at the end. */
static bool next_item(struct slice *rest, struct slice *item)
{
    const char *comma;
    size_t len;

    if (!rest->data) {
        return false;
    }
    comma = memchr(rest->data, ',', rest->len);
    len = comma ? (size_t)(comma - rest->data) : rest->len;
    *item = slice_make(rest->data, len);
    *rest = comma ? slice_make(comma + 1, rest->len - len - 1) : slice_make(NULL, 0);
    while (item->len && (item->data[0] == ' ' || item->data[0] == '\t')) {
        item->data++;
        item->len--;
    }
    while (item->len && (item->data[item->len - 1] == ' ' || item->data[item->len - 1] == '\t')) {
        item->len--;
    }
    return true;
}

bool worker_settings_split_topics(const char *list, char **store, const char *topics[MOST_TOPICS + 1], struct err *err)
{
    struct slice rest = slice_of(list);
    struct slice item;
    size_t count = 0;
    char *at = *store = xmalloc(rest.len + 2);

    while (next_item(&rest, &item)) {
        if (item.len == 0) {
            return err_set(err, "KAFKA_TOPICS: there is an empty name in \"%s\"", list);
        }
        if (count == MOST_TOPICS) {
            return err_set(err, "KAFKA_TOPICS: more than %d topics; use a ^regex", MOST_TOPICS);
        }
        memcpy(at, item.data, item.len);
        at[item.len] = '\0';
        topics[count++] = at;
        at += item.len + 1;
    }
    topics[count] = NULL;
    return true;
}

static bool split_channels(struct worker_settings *s, struct err *err)
{
    struct slice rest = slice_of(s->channels);
    struct slice item;

    while (next_item(&rest, &item)) {
        enum channel channel;

        if (!channel_parse(item, &channel)) {
            return err_set(err, "CHANNELS: \"%.*s\" is no channel (email, sms)", (int)item.len, item.data);
        }
        s->has_channel[channel] = true;
    }
    return true;
}

/* "Name <address>", or an address alone. */
static bool split_from(struct worker_settings *s, struct err *err)
{
    const char *open = s->email_from ? strchr(s->email_from, '<') : NULL;
    const char *close = open ? strchr(open, '>') : NULL;
    size_t name_len;

    if (!s->email_from) {
        return true;
    }
    if (!open) {
        s->from_address = xstrdup(s->email_from);
        return strchr(s->email_from, '@') ? true
                                          : err_set(err, "EMAIL_FROM: \"%s\" is no address", s->email_from);
    }
    if (!close || close[1] != '\0' || close == open + 1) {
        return err_set(err, "EMAIL_FROM: \"%s\" is not of the form Name <address>", s->email_from);
    }
    name_len = (size_t)(open - s->email_from);
    while (name_len && s->email_from[name_len - 1] == ' ') {
        name_len--;
    }
    s->from_name = name_len ? xmemdup(s->email_from, name_len) : NULL;
    s->from_address = xmemdup(open + 1, (size_t)(close - open - 1));
    return true;
}

static bool check_start(struct worker_settings *s, struct err *err)
{
    s->starts_at_latest = strcmp(s->kafka_start, "latest") == 0;
    if (!s->starts_at_latest && strcmp(s->kafka_start, "earliest") != 0) {
        return err_set(err, "KAFKA_START: \"%s\" is neither earliest nor latest", s->kafka_start);
    }
    return true;
}

static bool check_locale(const struct worker_settings *s, struct err *err)
{
    char tag[LOCALE_TAG_SIZE];

    return locale_tag_parse(slice_of(s->default_locale), tag) ||
           err_set(err, "DEFAULT_LOCALE: \"%.40s\" is no locale such as en or pt-BR", s->default_locale);
}

/* What is in it is looked at with the first connection; that it cannot be read would else be found out only then. */
static bool check_file(const char *name, const char *path, struct err *err)
{
    return !path || access(path, R_OK) == 0 || err_set(err, "%s: cannot read %s: %s", name, path, strerror(errno));
}

static bool check_trace_part(struct worker_settings *s, struct err *err)
{
    char *end;

    s->trace_part = strtod(s->trace_part_text, &end);
    if (end == s->trace_part_text || *end || !(s->trace_part >= 0 && s->trace_part <= 1)) {
        return err_set(err, "OTEL_TRACES_SAMPLER_ARG: \"%.40s\" is no number from 0 to 1", s->trace_part_text);
    }
    return true;
}

static bool check_lease(const struct worker_settings *s, struct err *err)
{
    if (s->lease_ms < s->request_timeout_ms + 2000) {
        return err_set(err, "CLAIM_LEASE: must be at least REQUEST_TIMEOUT and 2 s");
    }
    return true;
}

/* "brevo, other" */
static void list_providers(const struct provider *const providers[], enum channel channel, char *text, size_t size)
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; providers[i] && len < size; i++) {
        if (providers[i]->channel == channel) {
            len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "", providers[i]->name);
        }
    }
}

static bool check_provider(const struct worker_settings *s, const struct provider *const providers[],
                           enum channel channel, struct err *err)
{
    const char *name = channel == CHANNEL_EMAIL ? s->email_provider : s->sms_provider;
    const struct provider *provider = worker_find_provider(s, providers, channel);
    struct provider_account account = worker_account(s);

    if (!provider) {
        char names[128];

        list_providers(providers, channel, names, sizeof(names));
        return err_set(err, "%s_PROVIDER: there is no provider \"%s\" for %s (%s)",
                       channel == CHANNEL_EMAIL ? "EMAIL" : "SMS", name, channel_name(channel), names);
    }
    return provider->check(&account, err);
}

/* A tool that sends nothing may do without what a worker cannot do without. */
static bool load(struct worker_settings *s, bool is_worker, struct err *err)
{
    struct setting table[sizeof(worker_settings_table) / sizeof(worker_settings_table[0])];

    memcpy(table, worker_settings_table, sizeof(table));
    for (size_t i = 0; table[i].name; i++) {
        table[i].is_required &= is_worker;
    }
    return settings_load(table, s, err);
}

/* In room for any later value, so that the text can stay where it is. */
static bool make_room(const char **secret, const char *name, struct err *err)
{
    char *room;

    if (!*secret) {
        return true;
    }
    if (strlen(*secret) >= SECRET_ROOM) {
        return err_set(err, "%s is longer than %d bytes", name, SECRET_ROOM - 1);
    }
    room = xcalloc(1, SECRET_ROOM);
    memcpy(room, *secret, strlen(*secret));
    explicit_bzero((char *)(uintptr_t)*secret, strlen(*secret));
    free((char *)(uintptr_t)*secret);
    *secret = room;
    return true;
}

bool worker_settings_load(struct worker_settings *s, const struct provider *const providers[], struct err *err)
{
    memset(s, 0, sizeof(*s));
    if (!load(s, providers != NULL, err)) {
        return false;
    }
    if (!log_level_parse(s->log_level, &s->least_level)) {
        return err_set(err, "LOG_LEVEL: \"%s\" is none of debug, info, warn, error", s->log_level);
    }
    if (!make_room(&s->redis_url, "REDIS_URL", err) || !make_room(&s->brevo_api_key, "BREVO_API_KEY", err)) {
        return false;
    }
    if (!worker_settings_split_topics(s->kafka_topics, &s->topic_store, s->topics, err) || !split_channels(s, err) ||
        !split_from(s, err) || !setting_rows_check_environment(s->environment, err) || !check_start(s, err) ||
        !check_locale(s, err) || !check_file("PROVIDER_CA_FILE", s->ca_file, err) ||
        !check_file("OTEL_EXPORTER_OTLP_CERTIFICATE", s->otlp_ca_file, err) || !check_lease(s, err) ||
        !check_trace_part(s, err)) {
        return false;
    }
    for (int channel = 0; providers && channel < CHANNEL_COUNT; channel++) {
        if (s->has_channel[channel] && !check_provider(s, providers, (enum channel)channel, err)) {
            return false;
        }
    }
    return true;
}

/* --- secrets that change ------------------------------------------------------------------------------------------ */

static bool comes_from_file(const struct setting *row)
{
    char name[80];
    const char *path;

    snprintf(name, sizeof(name), "%s_FILE", row->name);
    path = getenv(name);
    return path && path[0];
}

static bool is_fit(const struct worker_settings *s, const struct provider *const providers[], struct err *err)
{
    const struct provider_account account = worker_account(s);

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const struct provider *provider = worker_find_provider(s, providers, (enum channel)channel);

        if (s->has_channel[channel] && provider && !provider->check(&account, err)) {
            return false;
        }
    }
    return true;
}

/* Where the text of a row stands. */
static void *text_of(struct worker_settings *s, const struct setting *row)
{
    return (char *)s + row->offset;
}

static bool renew(struct worker_settings *s, const struct setting *row, const struct provider *const providers[],
                  struct err *err)
{
    const struct setting one[] = {*row, {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0}};
    char *old = *(char **)text_of(s, row);
    struct worker_settings fresh = *s;
    const char **value = text_of(&fresh, row);
    bool is_taken = settings_load(one, &fresh, err);

    is_taken = is_taken && is_fit(&fresh, providers, err) &&
               (strlen(*value) < SECRET_ROOM || err_set(err, "%s is too long", row->name));
    if (is_taken && old) {
        explicit_bzero(old, SECRET_ROOM);
        memcpy(old, *value, strlen(*value));
    }
    settings_finish(one, &fresh);
    return is_taken;
}

bool worker_settings_renew(struct worker_settings *s, const struct provider *const providers[], struct err *err)
{
    for (const struct setting *row = worker_settings_table; row->name; row++) {
        if (row->type == SETTING_SECRET && comes_from_file(row) && !renew(s, row, providers, err)) {
            return false;
        }
    }
    return true;
}

void worker_settings_finish(struct worker_settings *s)
{
    settings_finish(worker_settings_table, s);
    free(s->topic_store);
    free(s->from_name);
    free(s->from_address);
}

struct kafka_settings worker_kafka_settings(const struct worker_settings *s, const char *client_id)
{
    return (struct kafka_settings){
        .brokers = s->kafka_brokers,
        .properties_file = s->kafka_config,
        .client_id = client_id,
        .group_instance_id = s->kafka_instance_id,
        .session_timeout_ms = s->kafka_session_timeout_ms,
        .queue_kib = s->kafka_queue_kib,
    };
}

/* True when the address names this machine: a sandbox, so http:// is nobody's secret. A name that only begins like a
 * loopback address (127.0.0.1.example.com) is none. */
static bool is_loopback_url(const char *url)
{
    static const char *const hosts[] = {"localhost", "[::1]"};
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : "";
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (len == strlen(hosts[i]) && strncmp(host, hosts[i], len) == 0) {
            return true;
        }
    }
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

struct http_settings worker_http_settings(const struct worker_settings *s)
{
    return (struct http_settings){
        .connections = s->connections,
        .connect_timeout_ms = s->request_timeout_ms < 3000 ? s->request_timeout_ms : 3000,
        .request_timeout_ms = s->request_timeout_ms,
        .ca_file = s->ca_file,
        .is_plain_allowed = s->is_plain_provider_allowed || is_loopback_url(s->brevo_url),
        .user_agent = "perkline/" PERKLINE_VERSION,
    };
}

struct provider_account worker_account(const struct worker_settings *s)
{
    return (struct provider_account){
        .base_url = s->brevo_url,
        .api_key = s->brevo_api_key,
        .from_address = s->from_address,
        .from_name = s->from_name,
        .reply_to = s->email_reply_to,
        .sms_from = s->sms_from,
    };
}

const struct provider *worker_find_provider(const struct worker_settings *s, const struct provider *const providers[],
                                            enum channel channel)
{
    const char *name = channel == CHANNEL_EMAIL ? s->email_provider : s->sms_provider;

    for (size_t i = 0; providers[i]; i++) {
        if (providers[i]->channel == channel && strcmp(providers[i]->name, name) == 0) {
            return providers[i];
        }
    }
    return NULL;
}

/* Of the settings, where the provider has some. */
static bool is_brevo(const struct provider *provider)
{
    return strcmp(provider->name, "brevo") == 0;
}

int64_t worker_key_ttl_ms(const struct worker_settings *s, const struct provider *provider)
{
    return is_brevo(provider) && provider->key_ttl_ms > 0 ? s->brevo_key_ttl_ms : provider->key_ttl_ms;
}

int64_t worker_visibility_lag_ms(const struct worker_settings *s, const struct provider *provider)
{
    return is_brevo(provider) ? s->brevo_visibility_lag_ms : provider->visibility_lag_ms;
}

int64_t worker_questions_per_hour(const struct worker_settings *s, const struct provider *provider)
{
    return is_brevo(provider) && s->brevo_questions_per_hour >= 0 ? s->brevo_questions_per_hour
                                                                  : provider->questions_per_hour;
}

int64_t worker_rate(const struct worker_settings *s, const struct provider *provider)
{
    int64_t rate = provider->channel == CHANNEL_EMAIL ? s->email_rate : s->sms_rate;

    return rate < 0 ? provider->default_rate : rate;
}
