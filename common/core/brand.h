/*
 * brand: who a message comes from (`_brands/<name>.yaml`): sender, addresses, colours, and whatever else its templates
 * want to read as `brand`. Immutable after it is loaded.
 */
#ifndef CORE_BRAND_H
#define CORE_BRAND_H

#include <jansson.h>

#include "base/slice.h"
#include "core/diag.h"
#include "core/liquid/liquid.h"

struct brand {
    char *name;
    json_t *json; /* the file as templates see it: without unsubscribe_url, which is one per member. Owned */
    const char *sender_name, *sender_email, *reply_to, *sms_sender; /* borrowed from json; NULL when not set */
    struct liquid_template *unsubscribe_url;                        /* NULL when not set */
};

/* NULL when an error was added. */
struct brand *brand_parse(const char *name, const char *path, struct slice yaml, struct diag_list *diags);
/* A brand that says nothing: templates without a `_brands` folder. */
struct brand *brand_create_empty(const char *name);
void brand_destroy(struct brand *brand);

#endif
