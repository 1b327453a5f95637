/*
 * message_template: what marketing wrote for one flow, channel and locale, compiled; and the layouts around it.
 *
 * email.<locale>.liquid is front matter (subject, preheader, layout, reply_to) and an HTML body; its text part comes
 * from email.<locale>.text.liquid or is derived from the HTML. sms.<locale>.liquid is plain text. Immutable after
 * creation.
 */
#ifndef CORE_MESSAGE_TEMPLATE_H
#define CORE_MESSAGE_TEMPLATE_H

#include <stdbool.h>

#include "base/file_tree.h"
#include "core/channel.h"
#include "core/diag.h"
#include "core/locale_tag.h"
#include "core/strings.h"
#include "core/template_part.h"

struct layout {
    char *name;
    struct template_part *html;
    struct template_part *text; /* _layouts/<name>.text.liquid; NULL: text parts stand alone */
};

struct layout_list {
    struct layout **items;
    size_t count;
};

/* Every file of `_layouts`. Broken ones leave errors in `diags`. */
void layout_list_load(struct layout_list *list, const struct file_tree *tree, struct diag_list *diags);
void layout_list_finish(struct layout_list *list);

struct message_template {
    enum channel channel;
    char tag[LOCALE_TAG_SIZE];
    char *path;
    struct template_part *body; /* HTML for e-mail, plain text for SMS */
    bool reads_event;           /* some part reads the variable `event`, which costs something to make */

    /* e-mail */
    struct template_part *subject;
    struct template_part *preheader; /* NULL when there is none */
    struct template_part *text;
    const struct layout *layout; /* borrowed; NULL: none */
    char *reply_to;              /* NULL: the brand's */
};

/* NULL when an error was added. `path` is a file of the tree. */
struct message_template *message_template_create(const struct file_tree *tree, const struct layout_list *layouts,
                                                 const char *path, enum channel channel, const char *tag,
                                                 struct diag_list *diags);
void message_template_destroy(struct message_template *template);
void message_template_check_strings(const struct message_template *template, const struct strings *strings,
                                    struct diag_list *diags);

#endif
