/*
 * Segments of an SMS: of the samples, and of the longest message that their values allow together: the longest text and
 * the widest number of any sample at every place, in every month of the year.
 *
 * A message is measured in the language of its reader only: a Persian name in an English text would cost three times as
 * much and does not happen. Values from samples of other languages count when the GSM alphabet has all their letters, or
 * the flow lets them lose their accents.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/lint_inside.h"
#include "core/plan.h"
#include "core/sms_text.h"

enum { MOST_DEPTH = 16, MONTHS = 12, PATH_SIZE = 300 };

struct check {
    struct lint *lint;
    const struct lint_flow *flow;
    const struct message_template *template;
};

/* --- the longest value -------------------------------------------------------------------------------------------- */

static bool is_date(const char *text)
{
    return strlen(text) >= 10 && strspn(text, "0123456789") == 4 && text[4] == '-' && text[7] == '-' &&
           strspn(text + 5, "0123456789") == 2 && strspn(text + 8, "0123456789") >= 2;
}

/* Letters or digits of a value; 0 for what is neither text nor number. */
static size_t width_of(json_t *value)
{
    size_t count = 0;
    char *text;

    if (json_is_string(value)) {
        for (const char *p = json_string_value(value); *p; p++) {
            count += ((unsigned char)*p & 0xc0) != 0x80;
        }
        return count;
    }
    if (!json_is_number(value)) {
        return 0;
    }
    text = json_dumps(value, JSON_ENCODE_ANY);
    count = strlen(text);
    free(text);
    return count;
}

static bool is_readable(const struct check *check, const struct lint_sample *sample, json_t *value)
{
    return !json_is_string(value) || locale_tag_has_same_language(sample->tag, check->template->tag) ||
           sms_fits_gsm(slice_of(json_string_value(value)), check->flow->flow->channels[CHANNEL_SMS].is_transliterated);
}

static json_t *find_value(json_t *data, const char *path)
{
    while (data && *path) {
        size_t len = strcspn(path, ".");

        data = json_object_getn(data, path, len);
        path += len + (path[len] == '.');
    }
    return data;
}

/* Borrowed: of any sample that is sent, the one with most letters; `own` when none has more. */
static json_t *find_longest(const struct check *check, const char *path, json_t *own)
{
    json_t *longest = own;

    for (size_t i = 0; i < check->flow->sample_count; i++) {
        const struct lint_sample *sample = &check->flow->samples[i];
        json_t *value = find_value(sample->event.data, path);

        if (sample->applies[CHANNEL_SMS] && value && json_is_string(value) == json_is_string(own) &&
            width_of(value) > width_of(longest) && is_readable(check, sample, value)) {
            longest = value;
        }
    }
    return longest;
}

/* What decides how a message is made is not stretched. */
static bool is_fixed(const char *path)
{
    static const char *const names[] = {"member.locale", "member.timezone", "member.brand", "brand", NULL};

    for (size_t i = 0; names[i]; i++) {
        if (strcmp(path, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *move_to_month(const char *text, int month)
{
    char *moved = xstrdup(text);
    json_t *value;

    moved[5] = (char)('0' + month / 10);
    moved[6] = (char)('0' + month % 10);
    moved[8] = '2';
    moved[9] = '8';
    value = json_string(moved);
    free(moved);
    return value;
}

/* A copy of the object with every value at its longest. */
static json_t *stretch(const struct check *check, const char *prefix, json_t *object, int month, int depth)
{
    json_t *copy = json_copy(object);
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", name);
        if (is_fixed(path) || depth == MOST_DEPTH) {
            continue;
        }
        if (json_is_object(value)) {
            json_object_set_new(copy, name, stretch(check, path, value, month, depth + 1));
        } else if (json_is_string(value) && is_date(json_string_value(value))) {
            json_object_set_new(copy, name, move_to_month(json_string_value(value), month));
        } else if (json_is_string(value) || json_is_number(value)) {
            json_object_set(copy, name, find_longest(check, path, value));
        }
    }
    return copy;
}

/* --- budgets ------------------------------------------------------------------------------------------------------ */

/* False when the message needs more segments than the flow allows; `text` says how many. */
static bool is_within_budget(const struct check *check, const struct event *event, char *text, size_t size)
{
    struct message message;
    struct render_error error;
    const char *what;

    if (catalog_render(check->lint->catalog, check->flow->flow, CHANNEL_SMS, event, check->template->tag, &message,
                       &error)) {
        message_finish(&message);
        return true;
    }
    what = strstr(error.text, ": ");
    snprintf(text, size, "%.200s", what ? what + 2 : error.text);
    return strcmp(error.reason, "over_budget") != 0;
}

static const char hint[] = "shorten the text, or allow more with segments_max in flow.yaml";

static bool check_longest(const struct check *check, const struct lint_sample *sample)
{
    bool is_fine = true;

    for (int month = 1; month <= MONTHS && is_fine; month++) {
        struct event event = sample->event;
        char text[256];

        event.data = stretch(check, "", sample->event.data, month, 0);
        if (plan_holds(check->flow->flow->when, &event) &&
            plan_holds(check->flow->flow->channels[CHANNEL_SMS].when, &event) &&
            !is_within_budget(check, &event, text, sizeof(text))) {
            lint_add_at_body(check->lint, DIAG_ERROR, check->template->path, hint,
                             "too long with the longest values of the samples together: %s", text);
            is_fine = false;
        }
        json_decref(event.data);
    }
    return is_fine;
}

static bool check_sample(const struct check *check, const struct lint_sample *sample)
{
    char text[256];

    if (!is_within_budget(check, &sample->event, text, sizeof(text))) {
        lint_add_at_body(check->lint, DIAG_ERROR, check->template->path, hint, "too long with %s: %s", sample->path,
                         text);
        return false;
    }
    return check_longest(check, sample);
}

/* In the template's language when there is such a sample; else those of the default locale. */
static void check_template(const struct check *check)
{
    const char *wanted = check->lint->catalog->default_locale;

    for (size_t i = 0; i < check->flow->sample_count; i++) {
        if (locale_tag_has_same_language(check->flow->samples[i].tag, check->template->tag)) {
            wanted = check->template->tag;
        }
    }
    for (size_t i = 0; i < check->flow->sample_count; i++) {
        const struct lint_sample *sample = &check->flow->samples[i];

        if (sample->applies[CHANNEL_SMS] && locale_tag_has_same_language(sample->tag, wanted) &&
            !check_sample(check, sample)) {
            return;
        }
    }
}

void lint_budgets(struct lint *lint)
{
    for (size_t i = 0; i < lint->flow_count; i++) {
        const struct catalog_templates *templates = &lint->flows[i].entry->channels[CHANNEL_SMS];

        for (size_t j = 0; j < templates->count; j++) {
            check_template(&(struct check){lint, &lint->flows[i], templates->items[j]});
        }
    }
}
