/*
 * message_filters: the Liquid filters that messages have on top of the standard ones, all of them about the language
 * of the member: number, money, local_date, time_left, t. Results are plain text and are escaped like any value.
 */
#ifndef CORE_MESSAGE_FILTERS_H
#define CORE_MESSAGE_FILTERS_H

#include <stdint.h>

#include "base/slice.h"
#include "core/liquid/liquid.h"
#include "core/locale.h"
#include "core/strings.h"

/* What `liquid_scope.filter_context` points to. All borrowed. */
struct message_context {
    struct locale_set *locales;
    struct locale *locale;
    const struct strings *strings; /* NULL: the locale has none */
    struct slice zone;             /* of the member; "" or an unknown one counts as UTC */
    int64_t now_ms;                /* of the event */
};

extern const struct liquid_filter message_filters[];

#endif
