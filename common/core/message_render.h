/*
 * message_render: a template, a brand and an event become a message.
 *
 * The parts are rendered one after the other into buffers that are kept between messages: subject, preheader, body,
 * then the layout around the body, then the text part. What a header may not hold is refused here, whoever wrote it.
 */
#ifndef CORE_MESSAGE_RENDER_H
#define CORE_MESSAGE_RENDER_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/brand.h"
#include "core/catalog.h"
#include "core/event.h"
#include "core/flow.h"
#include "core/locale.h"
#include "core/message.h"
#include "core/message_template.h"
#include "core/strings.h"

enum { MESSAGE_MOST_BYTES = 256 << 10, MESSAGE_MOST_DEPTH = 32, MESSAGE_MOST_STEPS = 10000 };

struct message_buffers {
    struct buf subject, preheader, body, text, whole, url;
};

struct message_inputs {
    const struct flow *flow;
    const struct message_template *template;
    const struct brand *brand;
    const struct event *event;
    const struct strings *strings; /* NULL: none */
    struct locale *locale;         /* that values are formatted for; of the template's language */
    struct locale_set *locales;
    struct message_buffers *buffers;
};

void message_buffers_init(struct message_buffers *buffers);
void message_buffers_finish(struct message_buffers *buffers);

/* Fills everything but `version`; not sealed. On false the message owns nothing. */
bool message_render(const struct message_inputs *inputs, struct message *message, struct render_error *error);

#endif
