/*
 * Fuzzing of what operators write: the environment, files that settings come from, options. Of the input's lines
 *
 *     NAME=value       goes to the environment
 *     NAME<content     goes to a file that NAME_FILE names (\n and \r there mean line ends); NAME>content to one that everybody
 *                      may read; NAME@ names a folder, NAME@x no file
 *     anything else    is an argument of the command line
 *
 * and each value is read as every small form there is, too: a number, a duration, a Redis URL, a place in a topic, prices, a
 * fault of the sandbox.
 * What is taken is in the bounds that the tables promise, and reads back as it is written; else the error says why, and
 * never repeats a secret.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/args.h"
#include "base/duration.h"
#include "base/mem.h"
#include "base/number.h"
#include "core/sms_cost.h"
#include "io/redis_url.h"
#include "run/record_source.h"
#include "run/worker_settings.h"
#include "workers/channels.h"
#include "workers/event_range.h"
#include "workers/sandbox/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_FILES = 8, MOST_UNKNOWN = 2, MOST_ARGS = 16, NAME_SIZE = 80, PATH_SIZE = 32 };
static const int64_t now_ms = 1795255200000;

struct input {
    int files[MOST_FILES];
    size_t file_count;
    int unknown_count; /* names of no setting: each is compared with all there are, which takes time */
    char *args[MOST_ARGS + 1];
    int arg_count;
};

/* --- small forms -------------------------------------------------------------------------------------------------- */

static void check_number(const char *text)
{
    char again[NUMBER_TEXT_SIZE];
    int64_t number = 0, same = 1;

    if (number_parse(slice_of(text), &number)) {
        assert(number_parse(number_format(number, again), &same) && same == number);
    }
}

static void check_duration(const char *text)
{
    char again[DURATION_TEXT_SIZE];
    struct err err = {0};
    int64_t ms = -1, same = -1;

    if (duration_parse_ms(slice_of(text), &ms, &err)) {
        assert(ms >= 0 && duration_parse_ms(slice_of(duration_format(ms, again)), &same, &err) && same == ms);
    } else {
        assert(err_is_set(&err));
    }
}

static void check_redis_url(const char *text)
{
    struct redis_url url;
    struct err err = {0};

    if (!redis_url_parse(text, &url, &err)) {
        assert(err_is_set(&err) && !url.host && !url.path && !url.user && !url.password);
        return;
    }
    assert(!url.host != !url.path && url.db >= 0 && (url.path || (url.port > 0 && url.port <= 65535)));
    assert(redis_url_take_credentials(&url, text, &err));
    redis_url_finish(&url);
}

static void check_costs(const char *text)
{
    struct sms_costs costs;
    char cost[SMS_COST_TEXT_SIZE];
    struct err err = {0};
    int64_t micro = -1;

    if (!sms_costs_parse(text, &costs, &err)) {
        assert(err_is_set(&err));
        return;
    }
    assert(costs.count > 0 && costs.count <= SMS_COST_MOST_ROWS);
    if (sms_costs_find(&costs, "+36301234567", &micro)) {
        assert(micro >= 0 && micro < 1000LL * 1000000);
        sms_cost_format(&costs, micro, cost);
        assert(cost[0]);
    }
}

static void check_fault(const char *text)
{
    struct faults faults;
    struct err err = {0};

    faults_init(&faults, 1);
    if (!faults_add(&faults, slice_of(text), &err)) {
        assert(err_is_set(&err) && faults.count == 0);
        return;
    }
    assert(faults.count == 1 && faults.rules[0].probability >= 0 && faults.rules[0].probability <= 1);
}

static void check_topics(const char *text)
{
    const char *topics[MOST_TOPICS + 1];
    struct err err = {0};
    char *store = NULL;
    size_t count = 0;

    if (worker_settings_split_topics(text, &store, topics, &err)) {
        for (; topics[count]; count++) {
            assert(topics[count][0] && !strchr(topics[count], ','));
        }
        assert(count > 0 && count <= MOST_TOPICS);
    }
    free(store);
}

static void check_forms(const char *text)
{
    struct record_place place;
    struct err err = {0};

    check_number(text);
    check_duration(text);
    check_redis_url(text);
    check_costs(text);
    check_topics(text);
    check_fault(text);
    assert(record_place_parse(text, now_ms, &place, &err) != err_is_set(&err));
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static const struct setting *find_setting(struct slice name)
{
    for (const struct setting *row = worker_settings_table; row->name; row++) {
        if (slice_is(name, row->name)) {
            return row;
        }
    }
    return NULL;
}

static void name_file(const struct setting *row, const char *path)
{
    char name[NAME_SIZE];

    snprintf(name, sizeof(name), "%s_FILE", row->name);
    setenv(name, path, 1);
}

static size_t unescape(char *text)
{
    size_t len = 0;

    for (size_t i = 0; text[i]; i++) {
        bool is_end = text[i] == '\\' && (text[i + 1] == 'n' || text[i + 1] == 'r');

        text[len++] = (char)(!is_end ? text[i] : text[i + 1] == 'n' ? '\n' : '\r');
        i += is_end;
    }
    return len;
}

static void put_file(struct input *input, const struct setting *row, const char *content, mode_t mode)
{
    char path[PATH_SIZE];
    char *text = xstrdup(content);
    size_t len = unescape(text);
    int fd = memfd_create("setting", MFD_CLOEXEC);

    assert(fd >= 0 && write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0);
    free(text);
    input->files[input->file_count++] = fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    name_file(row, path);
}

/* Also of no setting: it may be a misspelt one. */
static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!(name.data[i] >= 'A' && name.data[i] <= 'Z') && name.data[i] != '_') {
            return false;
        }
    }
    return name.len > 0;
}

static void take_line(struct input *input, char *line)
{
    size_t name_len = strcspn(line, "=<>@");
    const struct setting *row = find_setting(slice_make(line, name_len));
    char kind = line[name_len];
    bool is_unknown = !row && kind == '=' && input->unknown_count < MOST_UNKNOWN && is_name(slice_make(line, name_len));
    bool is_known = row || is_unknown;
    const char *value = is_known && kind ? line + name_len + 1 : line;

    input->unknown_count += is_unknown;
    check_forms(value);
    if (is_known && kind == '=') {
        line[name_len] = '\0';
        setenv(line, value, 1);
    } else if (row && kind == '@') {
        name_file(row, value[0] ? "/nowhere/at/all" : "/");
    } else if (row && kind && input->file_count < MOST_FILES) {
        put_file(input, row, value, kind == '<' ? 0400 : 0444);
    } else if (!row && input->arg_count < MOST_ARGS) {
        input->args[input->arg_count++] = line;
    }
}

static void close_files(struct input *input)
{
    for (size_t i = 0; i < input->file_count; i++) {
        close(input->files[i]);
    }
}

/* --- settings and options ----------------------------------------------------------------------------------------- */

static void check_rows(const struct worker_settings *settings)
{
    for (const struct setting *row = worker_settings_table; row->name; row++) {
        const void *field = (const char *)settings + row->offset;
        const int64_t *number = field;
        char *const *text = field;

        if (row->type == SETTING_INT || row->type == SETTING_DURATION) {
            assert(*number >= row->least && (!row->most || *number <= row->most));
        }
        if (row->default_value && (row->type == SETTING_TEXT || row->type == SETTING_SECRET)) {
            assert(*text && **text);
        }
    }
}

static void check_whole(const struct worker_settings *settings)
{
    assert(settings->topics[0] && settings->trace_part >= 0 && settings->trace_part <= 1);
    assert(settings->lease_ms >= settings->request_timeout_ms + 2000 && strlen(settings->environment) <= 32);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const struct provider *provider = worker_find_provider(settings, channels_providers, (enum channel)channel);

        if (settings->has_channel[channel]) {
            assert(provider && worker_rate(settings, provider) >= 0 && worker_key_ttl_ms(settings, provider) >= 0);
            assert(worker_visibility_lag_ms(settings, provider) >= 0 && worker_questions_per_hour(settings, provider) >= 0);
        }
    }
    worker_http_settings(settings);
}

/* What stands in a setting that is no secret may be quoted. */
static bool stands_elsewhere(const char *secret)
{
    int count = 0;

    for (char **entry = environ; *entry; entry++) {
        count += strstr(*entry, secret) != NULL;
    }
    return count > 1;
}

static void check_settings(bool is_worker)
{
    const struct provider *const *providers = is_worker ? channels_providers : NULL;
    const char *secret = getenv("BREVO_API_KEY");
    struct worker_settings settings;
    struct err err = {0}, renew_err = {0};

    if (worker_settings_load(&settings, providers, &err)) {
        assert(!err_is_set(&err));
        check_rows(&settings);
        if (is_worker) {
            check_whole(&settings);
            worker_settings_renew(&settings, providers, &renew_err);
            check_whole(&settings);
        }
    } else {
        assert(err_is_set(&err));
        assert(!secret || strlen(secret) < 24 || !strstr(err.text, secret) || stands_elsewhere(secret));
    }
    worker_settings_finish(&settings);
}

static void check_misspelt(void)
{
    const struct setting *const tables[] = {worker_settings_table, NULL};
    char suggestion[64];

    assert(!settings_find_misspelt(tables, suggestion) || suggestion[0]);
}

static void check_options(struct input *input)
{
    struct event_range range = EVENT_RANGE_DEFAULTS;
    bool is_flag = false;
    const struct arg table[] = {
        EVENT_RANGE_ARGS(&range),
        {"dry-run", ARG_FLAG, &is_flag, NULL, "A flag."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {"perkline fuzz", "[DIR]", "Options.", 1};
    char *argv[MOST_ARGS + 2] = {(char *)"perkline"};
    struct err err = {0};
    int positional = 0;

    memcpy(argv + 1, input->args, sizeof(input->args[0]) * (size_t)input->arg_count);
    switch (args_parse(table, &usage, input->arg_count + 1, argv, &positional, &err)) {
    case ARGS_OK:
        assert(!err_is_set(&err) && positional >= 0 && positional <= usage.most_positional);
        assert(event_range_check(&range, now_ms, &err) != err_is_set(&err));
        break;
    case ARGS_HELP:
        assert(!err_is_set(&err));
        break;
    case ARGS_WRONG:
        assert(err_is_set(&err));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup((const char *)data, size);
    struct input input = {.file_count = 0};
    char *next = text;

    clearenv(); /* the same on every machine */
    while (next) {
        char *line = next;
        char *end = strchr(line, '\n');

        next = end ? end + 1 : NULL;
        if (end) {
            *end = '\0';
        }
        take_line(&input, line);
    }
    check_settings(true);
    check_settings(false);
    check_misspelt();
    check_options(&input);
    close_files(&input);
    free(text);
    return 0;
}
