/*
 * html_tags: the tags of an HTML text one after the other, with their attributes. It reads as mail programs do:
 * comments (those of Outlook too), declarations and what stands in style, script, title and textarea are passed over.
 * Any bytes are taken; nothing is copied.
 */
#ifndef CORE_HTML_TAGS_H
#define CORE_HTML_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { HTML_TAG_MOST_ATTRIBUTES = 64 }; /* further ones are left out */

struct html_attribute {
    struct slice name;
    struct slice value; /* as written, without the quotes */
    size_t at;          /* of the name, from the start of the text */
    bool is_quoted;
};

struct html_tag {
    struct slice name;
    size_t at; /* of "<" */
    bool is_closing;
    struct html_attribute attributes[HTML_TAG_MOST_ATTRIBUTES];
    size_t attribute_count;
};

struct html_tags {
    struct slice text;
    size_t at;
    struct slice raw; /* name of an element whose content is no HTML, until its end */
};

struct html_tags html_tags_of(struct slice text);
/* False behind the last one. */
bool html_tags_next(struct html_tags *tags, struct html_tag *tag);
/* By name in any case; NULL. Borrowed from `tag`. */
const struct html_attribute *html_tag_find(const struct html_tag *tag, const char *name);
bool html_tag_is(const struct html_tag *tag, const char *name);
/* Has it no content and no closing tag (br, img, ...)? */
bool html_tag_is_void(const struct html_tag *tag);

#endif
