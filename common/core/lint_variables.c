/* What templates read, against what the samples, the brands and the program have. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "core/lint_inside.h"

enum { HINT_SIZE = 256, PATH_SIZE = 300 };

enum part { PART_HEADER, PART_BODY, PART_LAYOUT };

struct check {
    struct lint *lint;
    const struct lint_flow *flow;
    const struct message_template *template;
    const struct template_part *part;
    enum part kind;
    struct slice root; /* first name of the variable looked at */
};

static void complain(struct check *check, enum diag_severity severity, const struct liquid_variable *variable,
                     const char *hint, const char *message)
{
    char file[PATH_SIZE];

    if (strcmp(variable->file, check->part->path) == 0) {
        snprintf(file, sizeof(file), "%s", variable->file);
    } else {
        snprintf(file, sizeof(file), "_partials/%.200s.liquid", variable->file);
    }
    lint_add(check->lint, severity, file, variable->line, variable->column, hint, "%s", message);
}

static void complain_unknown(struct check *check, const struct liquid_variable *variable, const char *where,
                             const char *meant)
{
    bool is_sure = !variable->is_guarded || (meant && strcmp(meant, variable->path) != 0);
    char hint[HINT_SIZE], message[PATH_SIZE];

    if (meant && strcmp(meant, variable->path) != 0) {
        snprintf(hint, sizeof(hint), "did you mean \"%.100s\"?", meant);
    } else {
        snprintf(hint, sizeof(hint), "correct the name, or add it to %s", where);
    }
    snprintf(message, sizeof(message), "unknown variable \"%.200s\"", variable->path);
    complain(check, is_sure ? DIAG_ERROR : DIAG_WARNING, variable, hint, message);
}

static void complain_optional(struct check *check, const struct liquid_variable *variable, const char *lacking)
{
    char hint[HINT_SIZE], message[PATH_SIZE];

    if (strstr(variable->path, "[]")) {
        snprintf(hint, sizeof(hint), "guard it with {%% if ... %%} or | default: \"...\"");
    } else {
        snprintf(hint, sizeof(hint), "guard it: {%% if %.60s %%}...{%% endif %%}, or %.60s | default: \"...\"",
                 variable->path, variable->path);
    }
    snprintf(message, sizeof(message), "\"%.150s\" may be missing: it is not in %.100s", variable->path, lacking);
    complain(check, DIAG_ERROR, variable, hint, message);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* Is it, or something in it, declared as required? */
static bool is_declared(char *const fields[], size_t count, const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < count; i++) {
        if (strncmp(fields[i], path, len) == 0 && (!fields[i][len] || fields[i][len] == '.')) {
            return true;
        }
    }
    return false;
}

static void check_data(struct check *check, const struct liquid_variable *variable)
{
    const struct flow *flow = check->flow->flow;
    const struct lint_sample *lacking;
    enum lint_presence presence;

    if (check->flow->sample_count == 0 || is_declared(flow->requires, flow->requires_count, variable->path) ||
        is_declared(flow->dedupe, flow->dedupe_count, variable->path)) {
        return;
    }
    presence = lint_samples_presence(check->flow, CHANNEL_COUNT, variable->path, &lacking);
    if (presence == LINT_NEVER) {
        complain_unknown(check, variable, "a sample of the flow", lint_samples_nearest(check->flow, variable->path));
        return;
    }
    presence = lint_samples_presence(check->flow, check->template->channel, variable->path, &lacking);
    if (!variable->is_guarded && (presence == LINT_SOMETIMES || presence == LINT_NEVER)) {
        complain_optional(check, variable, lacking->path);
    }
}

/* --- what the program gives --------------------------------------------------------------------------------------- */

static void check_brand(struct check *check, const struct liquid_variable *variable)
{
    const char *path = variable->path + check->root.len;
    enum lint_presence presence = LINT_UNSEEN;
    const struct catalog_brand *entry, *lacking = NULL;
    char file[PATH_SIZE];

    for (entry = check->lint->catalog->brands; entry; entry = entry->hh.next) {
        enum lint_presence here = lint_presence_in(entry->brand->json, path);

        if (here == LINT_NEVER && !lacking) {
            lacking = entry;
        }
        presence = lint_presence_join(presence, here);
    }
    if (presence == LINT_NEVER && !variable->is_guarded) {
        complain_unknown(check, variable, "_brands/default.yaml", NULL);
    } else if (presence == LINT_SOMETIMES && !variable->is_guarded && lacking) {
        snprintf(file, sizeof(file), "_brands/%.100s.yaml", lacking->brand->name);
        complain_optional(check, variable, file);
    }
}

static bool has_unsubscribe_url(const struct check *check)
{
    const struct catalog_brand *entry;

    for (entry = check->lint->catalog->brands; entry; entry = entry->hh.next) {
        if (!entry->brand->unsubscribe_url) {
            return false;
        }
    }
    return check->flow->flow->class == FLOW_MARKETING;
}

static void check_unsubscribe_url(struct check *check, const struct liquid_variable *variable)
{
    if (variable->is_guarded || has_unsubscribe_url(check)) {
        return;
    }
    complain(check, DIAG_ERROR, variable, "guard it: {% if unsubscribe_url %}...{% endif %}",
             check->flow->flow->class == FLOW_MARKETING
                 ? "\"unsubscribe_url\" may be missing: not every brand has one"
                 : "\"unsubscribe_url\" is missing: only messages of class marketing have one");
}

static void check_locale(struct check *check, const struct liquid_variable *variable)
{
    static const char *const names[] = {"locale", "locale.tag", "locale.language", "locale.dir", NULL};

    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], variable->path) == 0) {
            return;
        }
    }
    complain_unknown(check, variable, "nothing: it has tag, language and dir", nearest_find(variable->path, names));
}

/* ------------------------------------------------------------------------------------------------------------------ */

static bool is_given(const struct check *check)
{
    if (check->template->channel != CHANNEL_EMAIL || check->kind == PART_HEADER) {
        return false;
    }
    return slice_is(check->root, "subject") || slice_is(check->root, "preheader") ||
           (check->kind == PART_LAYOUT && slice_is(check->root, "content"));
}

static void complain_parameter(struct check *check, const struct liquid_variable *variable)
{
    char hint[HINT_SIZE], message[PATH_SIZE];

    if (variable->is_guarded) {
        return;
    }
    snprintf(hint, sizeof(hint), "pass it where the partial is rendered: {%% render '%.60s', %.*s: ... %%}",
             variable->file, (int)(check->root.len < 60 ? check->root.len : 60), variable->path);
    snprintf(message, sizeof(message), "the partial reads \"%.150s\", which %.100s does not pass to it", variable->path,
             check->part->path);
    complain(check, DIAG_ERROR, variable, hint, message);
}

static void check_variable(void *arg, const struct liquid_variable *variable)
{
    struct check *check = arg;

    check->root = slice_make(variable->path, strcspn(variable->path, ".["));
    if (variable->is_parameter) {
        complain_parameter(check, variable);
    } else if (slice_is(check->root, "brand")) {
        if (!check->lint->has_broken_brand) {
            check_brand(check, variable);
        }
    } else if (slice_is(check->root, "locale")) {
        check_locale(check, variable);
    } else if (slice_is(check->root, "unsubscribe_url") && check->template->channel == CHANNEL_EMAIL) {
        check_unsubscribe_url(check, variable);
    } else if (!is_given(check)) {
        check_data(check, variable);
    }
}

static void check_part(struct check *check, const struct template_part *part, enum part kind)
{
    /* A text part that was made of the HTML reads what that reads. */
    if (part && part->form != TEMPLATE_FORM_TEXT_OF_HTML) {
        check->part = part;
        check->kind = kind;
        liquid_each_variable(part->template, check_variable, check);
    }
}

static void check_template(struct lint *lint, const struct lint_flow *flow, const struct message_template *template)
{
    struct check check = {.lint = lint, .flow = flow, .template = template};

    check_part(&check, template->subject, PART_HEADER);
    check_part(&check, template->preheader, PART_HEADER);
    check_part(&check, template->body, PART_BODY);
    check_part(&check, template->text, PART_BODY);
    if (template->layout) {
        check_part(&check, template->layout->html, PART_LAYOUT);
        check_part(&check, template->layout->text, PART_LAYOUT);
    }
}

void lint_variables(struct lint *lint)
{
    for (size_t i = 0; i < lint->flow_count; i++) {
        for (int j = 0; j < CHANNEL_COUNT; j++) {
            const struct catalog_templates *templates = &lint->flows[i].entry->channels[j];

            for (size_t k = 0; k < templates->count; k++) {
                check_template(lint, &lint->flows[i], templates->items[k]);
            }
        }
    }
}
