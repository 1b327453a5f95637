/*
 * fake_catalog: three flows, made by hand, instead of a folder of templates.
 *
 *   "order" on test.order      both channels, dedupe [n], at most a day old; e-mail is sent again when its outcome is
 *                              unknown, SMS is held
 *   "mail" on test.mail        e-mail only, dedupe [n], for ever, of low priority
 *   "ask" on test.ask          SMS only, dedupe [n], for ever; the provider is asked when its outcome is unknown
 *
 * An event of type test.killer kills the process that plans it; one whose data says "killer": true the one that renders it.
 * An event whose data says "broken": true cannot be rendered. The text of a message is "<version> <n>".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/catalog.h"
#include "core/lint.h"
#include "core/policy.h"
#include "fakes.h"

static const int64_t DAY_MS = 86400000;

struct catalog {
    int references;
    char version[VERSION_TEXT_SIZE];
};

static char *dedupe[] = {(char *)"n"};
static char order_name[] = "order", order_on[] = "test.order", mail_name[] = "mail", mail_on[] = "test.mail",
            ask_name[] = "ask", ask_on[] = "test.ask";

static struct flow flows[] = {
    {
        .name = order_name,
        .on = order_on,
        .dedupe = dedupe,
        .dedupe_count = 1,
        .max_age_ms = DAY_MS,
        .channels = {[CHANNEL_EMAIL] = {.is_on = true, .ambiguous = FLOW_AMBIGUOUS_RESEND},
                     [CHANNEL_SMS] = {.is_on = true, .ambiguous = FLOW_AMBIGUOUS_HOLD, .segments_max = 3}},
    },
    {
        .name = mail_name,
        .on = mail_on,
        .dedupe = dedupe,
        .dedupe_count = 1,
        .priority = FLOW_PRIORITY_LOW,
        .channels = {[CHANNEL_EMAIL] = {.is_on = true, .ambiguous = FLOW_AMBIGUOUS_HOLD}},
    },
    {
        .name = ask_name,
        .on = ask_on,
        .dedupe = dedupe,
        .dedupe_count = 1,
        .channels = {[CHANNEL_SMS] = {.is_on = true, .ambiguous = FLOW_AMBIGUOUS_QUERY, .segments_max = 3}},
    },
};
enum { FLOW_COUNT = sizeof(flows) / sizeof(flows[0]) };
static const struct flow *const by_index[FLOW_COUNT] = {&flows[0], &flows[1], &flows[2]};

static char next_version[VERSION_TEXT_SIZE] = "v1";

void fake_catalog_set_version(const char *version)
{
    snprintf(next_version, sizeof(next_version), "%s", version);
}

void fake_catalog_remember_for(int64_t ms)
{
    flows[1].dedupe_for_ms = ms;
}

void fake_catalog_expect_every(int64_t ms)
{
    flows[1].expect_every_ms = ms;
}

static int render_count;

int fake_catalog_render_count(void)
{
    return render_count;
}

static char dir[] = "/tmp/perkline-fake-XXXXXX";

static void remove_dir(void)
{
    rmdir(dir);
}

const char *fake_templates_dir(void)
{
    static bool is_made; /* the name itself does not tell: it may end in X as well */

    if (!is_made) {
        if (!mkdtemp(dir)) {
            abort();
        }
        is_made = true;
        atexit(remove_dir);
    }
    return dir;
}

/* --- core/catalog.h ----------------------------------------------------------------------------------------------- */

struct catalog *catalog_build(const struct file_tree *tree, const struct catalog_options *options,
                              struct diag_list *diags)
{
    struct catalog *catalog;

    (void)tree, (void)options;
    if (strcmp(next_version, "broken") == 0) {
        diag_add(diags, DIAG_ERROR, "order/flow.yaml", 1, 1, NULL, "broken");
        return NULL;
    }
    catalog = xcalloc(1, sizeof(*catalog));
    catalog->references = 1;
    memcpy(catalog->version, next_version, sizeof(catalog->version));
    return catalog;
}

struct catalog *lint_build(const struct file_tree *tree, const struct catalog_options *options, struct diag_list *diags)
{
    return catalog_build(tree, options, diags);
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    catalog->references++;
    return catalog;
}

void catalog_unref(struct catalog *catalog)
{
    if (catalog && --catalog->references == 0) {
        free(catalog);
    }
}

const char *catalog_version(const struct catalog *catalog)
{
    return catalog->version;
}

size_t catalog_flow_count(const struct catalog *catalog)
{
    (void)catalog;
    return FLOW_COUNT;
}

const struct flow *catalog_flow(const struct catalog *catalog, size_t index)
{
    (void)catalog;
    return &flows[index];
}

const struct flow *catalog_find_flow(const struct catalog *catalog, const char *name)
{
    (void)catalog;
    for (size_t i = 0; i < FLOW_COUNT; i++) {
        if (strcmp(flows[i].name, name) == 0) {
            return &flows[i];
        }
    }
    return NULL;
}

const struct flow *const *catalog_find_by_type(const struct catalog *catalog, const char *type, size_t *count)
{
    (void)catalog;
    if (strcmp(type, "test.killer") == 0) {
        fakes_set_dead(true);
    }
    for (size_t i = 0; i < FLOW_COUNT; i++) {
        if (strcmp(flows[i].on, type) == 0) {
            *count = 1;
            return &by_index[i];
        }
    }
    *count = 0;
    return by_index;
}

bool catalog_render(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                    const struct event *event, const char *locale, struct message *message, struct render_error *error)
{
    const char *reason;
    const char *n = json_string_value(event_find(event, "n"));

    (void)locale;
    if (json_is_true(event_find(event, "killer"))) {
        fakes_set_dead(true);
    }
    if (json_is_true(event_find(event, "broken"))) {
        error->reason = "undefined_variable";
        snprintf(error->text, sizeof(error->text), "%s/%s.en.liquid:1:1: no such variable", flow->name,
                 channel_name(channel));
        return false;
    }
    *message = (struct message){.channel = channel, .class = flow->class};
    snprintf(message->flow, sizeof(message->flow), "%s", flow->name);
    snprintf(message->locale, sizeof(message->locale), "en");
    snprintf(message->version, sizeof(message->version), "%s", catalog->version);
    message->to = xstrdup(policy_find_address(channel, event, &reason));
    message->text = xasprintf("%s %s", catalog->version, n);
    message_seal(message);
    render_count++;
    return true;
}

/* These flows have no conditions, so that tests of common/run need no template engine. Here, because archives are linked
 * in the order of the layers. */
bool liquid_condition_holds(const struct liquid_condition *condition, const struct liquid_scope *scope)
{
    (void)condition, (void)scope;
    abort();
}
