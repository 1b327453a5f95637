/*
 * html_context: where in HTML the values stand that a template prints, told from the literal text before them.
 *
 * Escaping makes a value harmless between tags and in a quoted attribute. Two things it cannot do: keep a value in its
 * place where there are no quotes (that is refused when the template is compiled), and make a link out of anything (so
 * a value at the start of href, src and the like must be an https, mailto or tel address when it is printed).
 *
 * Partials are taken to be used between tags. Conditional comments of Outlook count as markup.
 */
#ifndef CORE_HTML_CONTEXT_H
#define CORE_HTML_CONTEXT_H

#include <stdbool.h>

#include "base/slice.h"
#include "core/liquid/liquid.h"

/* For liquid_options. */
extern const struct liquid_surroundings html_context_surroundings;

/* https://..., mailto:... or tel:..., without control characters. */
bool html_context_is_link(struct slice value);
/* Does an attribute of that name hold an address? Any case. */
bool html_context_is_link_attribute(struct slice name);

#endif
