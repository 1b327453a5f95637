/*
 * preview: a folder of templates, made ready for looking at single messages.
 *
 * When the whole folder is fit, messages come from that set, as a worker would send them. When it is not, each flow is
 * tried with the shared folders alone, so that a mistake in one flow hides none of the others.
 */
#ifndef WORKERS_RENDER_PREVIEW_H
#define WORKERS_RENDER_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file_tree.h"
#include "core/catalog.h"
#include "core/diag.h"
#include "core/event.h"
#include "core/locale.h"
#include "core/message.h"
#include "core/sms_text.h"

struct preview;

/* NULL + err: the folder cannot be read. */
struct preview *preview_open(const char *dir, const char *default_locale, struct err *err);
void preview_close(struct preview *preview);

/* Borrowed; sorted; NULL-terminated. */
const char *const *preview_flows(const struct preview *preview);
/* Sample files of a flow, sorted by name; the caller frees the array. */
const struct file_entry **preview_samples(const struct preview *preview, const char *flow, size_t *count);
const struct file_entry *preview_find_file(const struct preview *preview, const char *path);
/* Borrowed until the preview closes. NULL: the flow cannot be used; preview_diags() says why. */
const struct catalog *preview_find_catalog(struct preview *preview, const char *flow);
/* Is the whole folder fit? Otherwise the version of a message is of its flow alone, and no worker will ever have it. */
bool preview_is_whole(const struct preview *preview);
/* What is wrong with a flow whose catalog is NULL. Borrowed. */
const struct diag_list *preview_diags(struct preview *preview, const char *flow);
/* "rtl" or "ltr". */
const char *preview_direction(struct preview *preview, const char *locale);
const char *preview_direction_in(struct locale_set *locales, const char *locale);

/* A sample as an event. False + err; the caller finishes the event in both cases. */
bool preview_read_event(struct slice text, struct event *event, struct err *err);
/* Does the event's member speak the language of that locale? */
bool preview_is_of_language(const struct event *event, const char *locale);

/* One message, or why there is none. */
struct preview_message {
    bool is_rendered;
    bool has_template;         /* for the very locale that was asked for, or its language */
    struct message message;    /* when rendered */
    struct sms_size size;      /* of an SMS */
    int segments_max;          /* of the flow; 0: no limit */
    struct render_error error; /* when not rendered */
    char not_sent[160];        /* why a worker would not send it for this event; "" when it would */
};

/* `locale` NULL: the member's. `flow` is of the catalog. */
void preview_render(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                    const struct event *event, const char *locale, struct preview_message *result);
void preview_message_finish(struct preview_message *result);

#endif
