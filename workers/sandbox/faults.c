#include "workers/sandbox/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum { DELAY_MOST_MS = 3600 * 1000 };

static const struct {
    const char *name;
    enum fault_kind kind;
    bool is_after;
} kinds[] = {
    {"delay", FAULT_DELAY, true},
    {"hang_before", FAULT_HANG_BEFORE, false},
    {"hang_after_accept", FAULT_HANG_AFTER_ACCEPT, true},
    {"reset_before", FAULT_RESET_BEFORE, false},
    {"reset_after", FAULT_RESET_AFTER, true},
    {"close_before", FAULT_CLOSE_BEFORE, false},
    {"close_after", FAULT_CLOSE_AFTER, true},
    {"garbage", FAULT_GARBAGE, true},
    {"empty_201", FAULT_EMPTY_201, true},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

const char *fault_kinds_text(void)
{
    return "delay, http_STATUS, http_STATUS_after, hang_before, hang_after_accept, reset_before, reset_after, "
           "close_before, close_after, garbage, empty_201";
}

bool fault_is_after(enum fault_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].is_after;
        }
    }
    return kind == FAULT_HTTP_AFTER || kind == FAULT_NONE;
}

static void print_name(const struct fault_rule *rule, char name[FAULT_NAME_SIZE])
{
    if (rule->kind == FAULT_HTTP || rule->kind == FAULT_HTTP_AFTER) {
        snprintf(name, FAULT_NAME_SIZE, "http_%d%s", rule->status, rule->kind == FAULT_HTTP ? "" : "_after");
        return;
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == rule->kind) {
            snprintf(name, FAULT_NAME_SIZE, "%s", kinds[i].name);
        }
    }
}

/* "http_503" and "http_503_after" */
static bool parse_http(struct slice name, struct fault_rule *rule)
{
    int64_t status;

    if (!slice_starts_with(name, "http_")) {
        return false;
    }
    name = slice_make(name.data + 5, name.len - 5);
    rule->kind = FAULT_HTTP;
    if (slice_ends_with(name, "_after")) {
        rule->kind = FAULT_HTTP_AFTER;
        name.len -= strlen("_after");
    }
    if (!number_parse(name, &status) || status < 300 || status > 599) {
        return false;
    }
    rule->status = (int)status;
    return true;
}

static bool parse_kind(struct slice name, struct fault_rule *rule, struct err *err)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (slice_is(name, kinds[i].name)) {
            rule->kind = kinds[i].kind;
            return true;
        }
    }
    if (parse_http(name, rule)) {
        return true;
    }
    return err_set(err, "there is no fault \"%.*s\" (there are: %s)", (int)(name.len < 60 ? name.len : 60), name.data,
                   fault_kinds_text());
}

static bool check_rule(const struct fault_rule *rule, struct err *err)
{
    char name[FAULT_NAME_SIZE] = "";

    print_name(rule, name);
    if (!(rule->probability >= 0 && rule->probability <= 1)) {
        return err_set(err, "fault %s: the probability must be a number between 0 and 1", name);
    }
    if (rule->kind == FAULT_DELAY && (rule->ms < 1 || rule->ms > DELAY_MOST_MS)) {
        return err_set(err, "fault delay: milliseconds are needed, between 1 and %d", DELAY_MOST_MS);
    }
    if (rule->kind == FAULT_HTTP && rule->status == 429) {
        return rule->ms >= 0 && rule->ms <= DELAY_MOST_MS
                   ? true
                   : err_set(err, "fault http_429: the reset must be within %d milliseconds", DELAY_MOST_MS);
    }
    if (rule->kind != FAULT_DELAY && rule->ms != 0) {
        return err_set(err, "fault %s takes no milliseconds", name);
    }
    return true;
}

static bool append(struct faults *faults, const struct fault_rule *rule, struct err *err)
{
    if (!check_rule(rule, err)) {
        return false;
    }
    if (faults->count == FAULT_RULES_MOST) {
        return err_set(err, "more than %d faults", FAULT_RULES_MOST);
    }
    faults->rules[faults->count++] = *rule;
    return true;
}

void faults_init(struct faults *faults, uint64_t seed)
{
    *faults = (struct faults){.seed = seed};
    random_init(&faults->random, seed);
}

/* Cuts `text` at the last `mark` and returns what stood behind it; data is NULL when there is no mark. */
static struct slice cut_at(struct slice *text, char mark)
{
    const char *at = memrchr(text->data, mark, text->len);
    struct slice rest = {NULL, 0};

    if (at) {
        rest = slice_make(at + 1, (size_t)(text->data + text->len - at - 1));
        text->len = (size_t)(at - text->data);
    }
    return rest;
}

static bool parse_probability(struct slice text, double *probability)
{
    char digits[24];
    char *end;

    if (text.len == 0 || text.len >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    *probability = strtod(digits, &end);
    return *end == '\0' && strspn(digits, "0123456789.") == text.len; /* neither "inf" nor "0x1" nor " 1" */
}

bool faults_add(struct faults *faults, struct slice text, struct err *err)
{
    struct fault_rule rule = {.times = -1};
    struct slice whole = text;
    struct slice probability = cut_at(&text, '=');
    struct slice times = probability.data ? cut_at(&probability, 'x') : probability;
    struct slice channel = cut_at(&text, '@');
    struct slice delay = cut_at(&text, ':');
    int shown = (int)(whole.len < 80 ? whole.len : 80);

    if (!probability.data || !parse_probability(probability, &rule.probability) ||
        (times.data && (!number_parse(times, &rule.times) || rule.times < 0)) ||
        (delay.data && !number_parse(delay, &rule.ms))) {
        return err_set(err, "fault \"%.*s\" is not of the form KIND[:MS][@CHANNEL]=PROBABILITY[xTIMES]", shown,
                       whole.data);
    }
    if (channel.data && !channel_parse(channel, &rule.channel)) {
        return err_set(err, "fault \"%.*s\": there is no such channel", shown, whole.data);
    }
    rule.is_limited = channel.data != NULL;
    return parse_kind(text, &rule, err) && append(faults, &rule, err);
}

static bool read_rule(const json_t *json, struct fault_rule *rule, struct err *err)
{
    const json_t *kind = json_object_get(json, "kind");
    const json_t *probability = json_object_get(json, "probability");
    const json_t *ms = json_object_get(json, "ms");
    const json_t *channel = json_object_get(json, "channel");
    const json_t *times = json_object_get(json, "times");

    *rule = (struct fault_rule){.times = -1, .probability = 1};
    if (!json_is_string(kind)) {
        return err_set(err, "each fault needs a \"kind\"");
    }
    if ((probability && !json_is_number(probability)) || (ms && !json_is_integer(ms)) ||
        (times && !json_is_integer(times)) || (channel && !json_is_string(channel) && !json_is_null(channel))) {
        return err_set(err,
                       "\"probability\" is a number, \"ms\" and \"times\" are whole numbers, \"channel\" is a text");
    }
    if (json_is_string(channel)) {
        rule->is_limited = true;
        if (!channel_parse(slice_of(json_string_value(channel)), &rule->channel)) {
            return err_set(err, "there is no channel \"%.40s\"", json_string_value(channel));
        }
    }
    if (probability) {
        rule->probability = json_number_value(probability);
    }
    rule->ms = json_integer_value(ms);
    if (times) {
        rule->times = json_integer_value(times);
    }
    return parse_kind(slice_of(json_string_value(kind)), rule, err);
}

bool faults_replace(struct faults *faults, const json_t *json, struct err *err)
{
    const json_t *list = json_object_get(json, "faults");
    const json_t *seed = json_object_get(json, "seed");
    struct faults next;

    if (!json_is_array(list) || (seed && !json_is_integer(seed))) {
        return err_set(err, "{\"faults\": [{\"kind\": ..., \"probability\": ...}]} is expected");
    }
    faults_init(&next, seed ? (uint64_t)json_integer_value(seed) : faults->seed);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct fault_rule rule;

        if (!read_rule(json_array_get(list, i), &rule, err) || !append(&next, &rule, err)) {
            return false;
        }
    }
    *faults = next;
    return true;
}

void faults_format(const struct faults *faults, struct json_text *j)
{
    json_text_open(j, '{');
    json_text_member_int(j, "seed", (int64_t)faults->seed);
    json_text_key(j, "faults");
    json_text_open(j, '[');
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault_rule *rule = &faults->rules[i];
        char text[FAULT_NAME_SIZE] = "";

        print_name(rule, text);
        json_text_open(j, '{');
        json_text_member(j, "kind", text);
        snprintf(text, sizeof(text), "%.6g", rule->probability);
        json_text_key(j, "probability");
        json_text_raw(j, slice_of(text));
        if (rule->ms) {
            json_text_member_int(j, "ms", rule->ms);
        }
        if (rule->is_limited) {
            json_text_member(j, "channel", channel_name(rule->channel));
        }
        if (rule->times >= 0) {
            json_text_member_int(j, "times", rule->times);
        }
        json_text_member_int(j, "struck", (int64_t)rule->struck);
        json_text_close(j, '}');
    }
    json_text_close(j, ']');
    json_text_close(j, '}');
}

struct fault faults_draw(struct faults *faults, enum channel channel)
{
    struct fault fault = {.kind = FAULT_NONE};

    for (size_t i = 0; i < faults->count && fault.kind == FAULT_NONE; i++) {
        struct fault_rule *rule = &faults->rules[i];

        if (rule->times == 0 || (rule->is_limited && rule->channel != channel) ||
            random_unit(&faults->random) >= rule->probability) {
            continue;
        }
        rule->struck++;
        rule->times -= rule->times > 0;
        if (rule->kind == FAULT_DELAY) {
            fault.delay_ms += rule->ms;
        } else {
            fault.kind = rule->kind;
            fault.status = rule->status;
            fault.reset_ms = rule->ms;
            print_name(rule, fault.name);
        }
    }
    return fault;
}
