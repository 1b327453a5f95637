/* flow.yaml against the samples of the flow, and against the other flows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/lint_inside.h"
#include "core/plan.h"

enum { HINT_SIZE = 256 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* --- dedupe and requires ------------------------------------------------------------------------------------------ */

static const char *hint_of(const struct lint_flow *flow, const char *path, char hint[HINT_SIZE])
{
    const char *meant = lint_samples_nearest(flow, path);

    snprintf(hint, HINT_SIZE,
             meant && strcmp(meant, path) != 0 ? "did you mean \"%s\"?" : "name a field that the samples have", meant);
    return hint;
}

/* In all samples that are sent somewhere; LINT_NEVER when no sample at all has it. */
static enum lint_presence find_presence(const struct lint_flow *flow, const char *path,
                                        const struct lint_sample **lacking)
{
    enum lint_presence presence = lint_samples_presence(flow, CHANNEL_COUNT, path, lacking);

    if (presence == LINT_NEVER) {
        return presence;
    }
    presence = LINT_UNSEEN;
    *lacking = NULL;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (flow->flow->channels[i].is_on && !*lacking) {
            presence = lint_presence_join(presence, lint_samples_presence(flow, (enum channel)i, path, lacking));
        }
    }
    return *lacking ? LINT_SOMETIMES : presence;
}

/* Fields that a message cannot do without. An event that lacks one ends in the DLQ. */
static void check_fields(struct lint *lint, const struct lint_flow *flow, const char *key, char *const fields[],
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct lint_sample *lacking;
        enum lint_presence presence = find_presence(flow, fields[i], &lacking);
        char place[64], hint[HINT_SIZE];

        snprintf(place, sizeof(place), "%s.%zu", key, i);
        if (presence == LINT_NEVER) {
            lint_add_at_key(lint, DIAG_ERROR, flow, place, hint_of(flow, fields[i], hint),
                            "the event has no field \"%s\"", fields[i]);
        } else if (presence == LINT_SOMETIMES) {
            lint_add_at_key(lint, DIAG_ERROR, flow, place, "name fields that every event has, or complete the sample",
                            "the field \"%s\" is not in %s: such an event would end in the DLQ", fields[i],
                            lacking->path);
        }
    }
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

struct condition_check {
    struct lint *lint;
    const struct lint_flow *flow;
    const char *key;
    size_t variables;
    bool has_unknown;
};

static void check_variable(void *arg, const struct liquid_variable *variable)
{
    struct condition_check *check = arg;
    const struct lint_sample *lacking;
    char hint[HINT_SIZE];

    check->variables++;
    if (check->flow->sample_count == 0 ||
        lint_samples_presence(check->flow, CHANNEL_COUNT, variable->path, &lacking) != LINT_NEVER) {
        return;
    }
    check->has_unknown = true;
    lint_add_at_key(check->lint, DIAG_ERROR, check->flow, check->key, hint_of(check->flow, variable->path, hint),
                    "the event has no field \"%s\"", variable->path);
}

static bool holds_for_any(const struct lint_flow *flow, const struct liquid_condition *condition)
{
    for (size_t i = 0; i < flow->sample_count; i++) {
        if (plan_holds(condition, &flow->samples[i].event)) {
            return true;
        }
    }
    return false;
}

static void check_condition(struct lint *lint, const struct lint_flow *flow, const struct liquid_condition *condition,
                            const char *key)
{
    struct condition_check check = {.lint = lint, .flow = flow, .key = key};
    json_t *nothing = json_object();
    struct event event = {.data = nothing, .attributes = nothing, .lazy_envelope = nothing};

    if (!condition) {
        json_decref(nothing);
        return;
    }
    liquid_condition_each_variable(condition, check_variable, &check);
    if (check.variables == 0) {
        lint_add_at_key(lint, DIAG_WARNING, flow, key, "compare a field of the event, or take the line out",
                        "the condition reads nothing of the event: it %s holds",
                        plan_holds(condition, &event) ? "always" : "never");
    } else if (!check.has_unknown && flow->sample_count > 0 && !holds_for_any(flow, condition)) {
        lint_add_at_key(lint, DIAG_WARNING, flow, key, "mend the condition, or add a sample that it holds for",
                        "the condition holds for none of the samples: nothing would be sent");
    }
    json_decref(nothing);
}

static void check_conditions(struct lint *lint, const struct lint_flow *flow)
{
    check_condition(lint, flow, flow->flow->when, "when");
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        char key[64];

        snprintf(key, sizeof(key), "channels.%s.when", channel_name((enum channel)i));
        check_condition(lint, flow, flow->flow->channels[i].when, key);
    }
}

/* --- two flows for the same --------------------------------------------------------------------------------------- */

static bool has_field(const struct flow *flow, const char *field)
{
    for (size_t i = 0; i < flow->dedupe_count; i++) {
        if (strcmp(flow->dedupe[i], field) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_same_dedupe(const struct flow *left, const struct flow *right)
{
    for (size_t i = 0; i < left->dedupe_count; i++) {
        if (!has_field(right, left->dedupe[i])) {
            return false;
        }
    }
    return left->dedupe_count == right->dedupe_count;
}

static bool is_sent(const struct flow *flow, enum channel channel, const struct event *event)
{
    return flow->channels[channel].is_on && plan_holds(flow->when, event) &&
           plan_holds(flow->channels[channel].when, event);
}

static bool has_condition(const struct flow *flow, enum channel channel)
{
    return flow->when || flow->channels[channel].when;
}

static bool send_both(const struct lint_flow *left, const struct lint_flow *right, enum channel channel)
{
    const struct lint_flow *const sides[] = {left, right};

    if (!left->flow->channels[channel].is_on || !right->flow->channels[channel].is_on) {
        return false;
    }
    if (!has_condition(left->flow, channel) && !has_condition(right->flow, channel)) {
        return true;
    }
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sides[side]->sample_count; i++) {
            const struct event *event = &sides[side]->samples[i].event;

            if (is_sent(left->flow, channel, event) && is_sent(right->flow, channel, event)) {
                return true;
            }
        }
    }
    return false;
}

static void check_pair(struct lint *lint, const struct lint_flow *left, const struct lint_flow *right)
{
    if (strcmp(left->flow->on, right->flow->on) != 0 || !has_same_dedupe(left->flow, right->flow)) {
        return;
    }
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (send_both(left, right, (enum channel)i)) {
            lint_add_at_key(lint, DIAG_ERROR, right, "on",
                            "merge the flows, or give them conditions (when) of which only one can hold",
                            "the flow \"%s\" answers the same event with the same dedupe: members would get two %s "
                            "messages",
                            left->flow->name, channel_name((enum channel)i));
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void check_samples(struct lint *lint, const struct lint_flow *flow)
{
    char hint[HINT_SIZE];

    if (flow->sample_count == 0) {
        snprintf(hint, sizeof(hint), "put an event of that type into %.100s/samples/", flow->flow->name);
        lint_add_at_key(lint, DIAG_WARNING, flow, "on", hint,
                        "the flow has no samples, so its templates cannot be tried");
        return;
    }
    for (size_t i = 0; i < flow->sample_count; i++) {
        struct event *event = &flow->samples[i].event;

        if (!*event->member_id) {
            lint_add(lint, DIAG_ERROR, flow->samples[i].path, 1, 1, "add data.member.id",
                     "%s says nothing of the member", base_name(flow->samples[i].path));
        }
    }
}

void lint_flows(struct lint *lint)
{
    for (size_t i = 0; i < lint->flow_count; i++) {
        const struct lint_flow *flow = &lint->flows[i];

        check_samples(lint, flow);
        check_fields(lint, flow, "dedupe", flow->flow->dedupe, flow->flow->dedupe_count);
        check_fields(lint, flow, "requires", flow->flow->requires, flow->flow->requires_count);
        check_conditions(lint, flow);
        for (size_t j = 0; j < i; j++) {
            check_pair(lint, &lint->flows[j], flow);
        }
    }
}
