/*
 * template_part: one compiled Liquid text of a message (a subject, a body, a layout) with all partials it can reach.
 *
 * It knows how partials are found (`_partials/<name>.liquid`), in which form they are wanted, and which translated
 * texts are asked for, so that these are checked for each locale. Immutable after creation.
 */
#ifndef CORE_TEMPLATE_PART_H
#define CORE_TEMPLATE_PART_H

#include <stdbool.h>

#include "base/file_tree.h"
#include "base/slice.h"
#include "core/diag.h"
#include "core/liquid/liquid.h"
#include "core/string_uses.h"
#include "core/strings.h"

enum template_form {
    TEMPLATE_FORM_HTML,         /* printed values are escaped */
    TEMPLATE_FORM_PLAIN,        /* text as it is */
    TEMPLATE_FORM_TEXT_OF_HTML, /* HTML source, partials too, turned into text when compiled */
};

struct template_source {
    const char *path;
    struct slice text;
    int first_line; /* of `text` in the file */
    enum template_form form;
};

struct template_part {
    char *path;
    enum template_form form;
    struct liquid_template *template;
    struct string_uses uses;
    bool reads_event; /* the variable `event` */
};

/* NULL when an error was added. */
struct template_part *template_part_create(const struct file_tree *tree, const struct template_source *source,
                                           struct diag_list *diags);
void template_part_destroy(struct template_part *part);
/* Every text asked for by a constant key must be in `strings` (NULL: there are none for `tag`). `part` may be NULL. */
void template_part_check_strings(const struct template_part *part, const struct strings *strings, const char *tag,
                                 struct diag_list *diags);
/* Appends to `out`. False + text: "file:line:column: what is wrong". */
bool template_part_render(const struct template_part *part, const struct liquid_scope *scope, struct buf *out,
                          struct liquid_error *error, char *text, size_t size);

#endif
