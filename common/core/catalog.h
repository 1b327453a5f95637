/*
 * catalog: one complete, checked, immutable version of everything in the templates folder: flows, compiled templates,
 * layouts, partials, brands, strings. Built from a file_tree in one go; swapped whole; shared by reference count while
 * messages that began with it are under way.
 */
#ifndef CORE_CATALOG_H
#define CORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file_tree.h"
#include "core/diag.h"
#include "core/event.h"
#include "core/flow.h"
#include "core/message.h"

struct catalog;

struct catalog_options {
    const char *default_locale; /* "en" */
};

/* NULL when an error was added to `diags` (warnings alone do not refuse). Starts with one reference. */
struct catalog *catalog_build(const struct file_tree *tree, const struct catalog_options *options,
                              struct diag_list *diags);
struct catalog *catalog_ref(struct catalog *catalog);
void catalog_unref(struct catalog *catalog);

/* Content hash, 16 hex digits. */
const char *catalog_version(const struct catalog *catalog);
size_t catalog_flow_count(const struct catalog *catalog);
const struct flow *catalog_flow(const struct catalog *catalog, size_t index);
const struct flow *catalog_find_flow(const struct catalog *catalog, const char *name);
/* All flows for an event type, borrowed; *count may be 0. */
const struct flow *const *catalog_find_by_type(const struct catalog *catalog, const char *type, size_t *count);
/* Locales a flow has templates for on a channel, sorted; borrowed; NULL-terminated. */
const char *const *catalog_locales(const struct catalog *catalog, const struct flow *flow, enum channel channel);

/* Of the template that this event's member gets: their own, their language's, or the default's; "" when there is none.
 * Borrowed. */
const char *catalog_choose_locale(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                                  const struct event *event);

/* Why a message could not be made. */
struct render_error {
    const char *reason; /* stable word: "template_error", "no_template", "no_brand", "undefined_variable", "too_large",
                           "over_budget", "bad_header", "bad_text", "bad_url" */
    char text[512];     /* "signup/email.hu.liquid:12:5: ..." */
};

/* Renders one delivery. `locale` NULL: the member's. Pure: the same catalog and event give the same bytes ("now" is
 * the event's time). On true the caller owns the message. */
bool catalog_render(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                    const struct event *event, const char *locale, struct message *message, struct render_error *error);

#endif
