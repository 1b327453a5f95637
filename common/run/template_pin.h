/*
 * template_pin: which version of the templates people have chosen, for all workers of an installation.
 *
 * A pin does not freeze anything: it says "use `version` wherever the folder holds one of `instead_of`". So a text that
 * was taken back stays back on every worker, also on those started later, and the next text that is saved goes live by
 * itself, because its version is not in the list. A pin with a higher serial replaces one with a lower.
 */
#ifndef RUN_TEMPLATE_PIN_H
#define RUN_TEMPLATE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "core/message.h"

enum { TEMPLATE_PIN_MOST = 16 };

struct template_pin {
    int64_t serial; /* 0: nobody ever chose */
    char version[VERSION_TEXT_SIZE];
    char instead_of[TEMPLATE_PIN_MOST][VERSION_TEXT_SIZE]; /* the newest last */
    size_t count;
};

/* "<serial> <version> <version>,<version>"; "" for serial 0. */
void template_pin_format(const struct template_pin *pin, struct buf *out);
/* False: it is no pin; `pin` says that nobody chose. */
bool template_pin_parse(struct slice text, struct template_pin *pin);

/* Is this version not to be used, although the folder holds it? */
bool template_pin_replaces(const struct template_pin *pin, const char *version);
/* Adds to the list; the oldest gives way. */
void template_pin_add(struct template_pin *pin, const char *version);
/* The choice of `version`, which is in the list no more. */
void template_pin_choose(struct template_pin *pin, const char *version);

/* 16 hex digits in lower case. */
bool template_version_is_valid(struct slice text);

#endif
