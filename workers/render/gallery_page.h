/*
 * gallery_page: messages as pages that a browser opens from disk, without a network: index.html, and a file for each
 * e-mail. Whoever has messages to show fills it: gallery.c with samples, replay with what would be sent.
 */
#ifndef WORKERS_RENDER_GALLERY_PAGE_H
#define WORKERS_RENDER_GALLERY_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/diag.h"
#include "core/flow.h"
#include "workers/render/preview.h"

struct gallery_page;

struct gallery_message {
    const char *flow;
    enum channel channel;
    const char *locale;
    size_t sample; /* of the flow */
    bool speaks;   /* the member speaks this language */
    const struct preview_message *result;
};

/* Makes the folder when it is not there, and replaces what an earlier page left in it. NULL + err. */
struct gallery_page *gallery_page_open(const char *dir, struct err *err);
void gallery_page_close(struct gallery_page *page);

/* A flow, or (NULL) why it cannot be used. Returns its number. */
size_t gallery_page_add_flow(struct gallery_page *page, const char *name, const struct flow *flow,
                             const struct diag_list *errors);
/* The name of an event that messages of the flow are made of. Returns its number in the flow. */
size_t gallery_page_add_sample(struct gallery_page *page, size_t flow, const char *name);
/* A language to choose. */
void gallery_page_add_locale(struct gallery_page *page, const char *locale);
/* False + err: a file cannot be written. */
bool gallery_page_add(struct gallery_page *page, const struct gallery_message *message, struct err *err);
size_t gallery_page_message_count(const struct gallery_page *page);
/* index.html, when everything was added. */
bool gallery_page_write(struct gallery_page *page, struct err *err);

#endif
