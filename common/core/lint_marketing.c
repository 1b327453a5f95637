#include "core/lint_marketing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/html_entity.h"

static const struct brand *brand_of(const struct lint *lint, const struct event *event)
{
    const char *name = catalog_find_brand_name(event);
    struct catalog_brand *entry = NULL;

    if (name) {
        HASH_FIND_STR(lint->catalog->brands, name, entry);
    }
    return entry ? entry->brand : lint->catalog->default_brand;
}

static void add_at_brand(struct lint *lint, const struct brand *brand, const char *hint, const char *message)
{
    char path[160];

    snprintf(path, sizeof(path), "_brands/%.100s.yaml", brand->name);
    lint_add(lint, DIAG_ERROR, path, 1, 1, hint, "%s", message);
}

/* Is the value in the HTML, escaped and after `before`? */
static bool is_printed(const char *html, const char *before, struct slice value)
{
    struct buf wanted;
    bool is_there;

    buf_init(&wanted, 0);
    buf_append_text(&wanted, before);
    html_escape_append(&wanted, value);
    is_there = strstr(html, buf_text(&wanted)) != NULL;
    buf_finish(&wanted);
    return is_there;
}

static const char *frame_of(const struct message_template *template)
{
    return template->layout && template->layout->html ? template->layout->html->path : template->path;
}

static void check_unsubscribe(struct lint *lint, const struct message_template *template, const struct brand *brand,
                              const struct message *message)
{
    static const char hint[] = "print <a href=\"{{ unsubscribe_url }}\">...</a> in the layout's footer";

    if (!message->unsubscribe_url) {
        add_at_brand(lint, brand, "add unsubscribe_url: \"https://.../?m={{ member.id | url_encode }}\"",
                     "marketing mail needs an unsubscribe link, and the brand has no unsubscribe_url");
        return;
    }
    if (!is_printed(message->html, "href=\"", slice_of(message->unsubscribe_url)) &&
        !is_printed(message->html, "href='", slice_of(message->unsubscribe_url))) {
        lint_add_at_body(lint, DIAG_ERROR, frame_of(template), hint,
                         "marketing mail needs an unsubscribe link, and %s has none", template->path);
    }
    if (!strstr(message->text, message->unsubscribe_url)) {
        lint_add_at_body(lint, DIAG_WARNING,
                         template->layout && template->layout->text ? template->layout->text->path : template->path,
                         "print {{ unsubscribe_url }} in the text layout's footer",
                         "the text part of the marketing mail has no unsubscribe link");
    }
}

static void check_address(struct lint *lint, const struct message_template *template, const struct brand *brand,
                          const struct message *message)
{
    const char *address = json_string_value(json_object_get(brand->json, "address"));
    struct slice first_line = slice_make(address, address ? strcspn(address, "\r\n") : 0);

    if (first_line.len == 0) {
        add_at_brand(lint, brand, "add address: \"street, town, country\"",
                     "marketing mail needs a postal address, and the brand has no address");
    } else if (!is_printed(message->html, "", first_line)) {
        lint_add_at_body(lint, DIAG_ERROR, frame_of(template), "print {{ brand.address }} in the layout's footer",
                         "marketing mail needs the brand's postal address, and %s does not print it", template->path);
    }
}

/* --- SMS ---------------------------------------------------------------------------------------------------------- */

static bool is_in(const char *text, const struct brand *brand, const char *key)
{
    const char *value = json_string_value(json_object_get(brand->json, key));

    return value && *value && strstr(text, value);
}

/* Does the template ask for a translated text that is named for it? */
static bool asks_for_opt_out(const struct template_part *body)
{
    static const char *const names[] = {"opt_out", "unsubscribe", "stop"};

    for (size_t i = 0; i < body->uses.count; i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (strstr(body->uses.items[i].key, names[j])) {
                return true;
            }
        }
    }
    return false;
}

static void check_opt_out(struct lint *lint, const struct message_template *template, const struct brand *brand,
                          const struct message *message)
{
    if (strstr(message->text, "STOP") || is_in(message->text, brand, "sms_opt_out") ||
        is_in(message->text, brand, "preferences_url") || asks_for_opt_out(template->body)) {
        return;
    }
    lint_add_at_body(lint, DIAG_ERROR, template->path,
                     "say how, as \"Reply STOP to end\", {{ 'sms.opt_out' | t }} or {{ brand.preferences_url }}",
                     "a marketing SMS must tell how to get no more of them");
}

void lint_marketing_check(struct lint *lint, const struct message_template *template, const struct event *event,
                          const struct message *message)
{
    const struct brand *brand = brand_of(lint, event);

    if (message->channel == CHANNEL_EMAIL) {
        check_unsubscribe(lint, template, brand, message);
        check_address(lint, template, brand, message);
    } else {
        check_opt_out(lint, template, brand, message);
    }
}
