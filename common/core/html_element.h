/*
 * html_element: one tag of HTML in template source: its name and its attributes. Liquid inside the tag may hold
 * anything,
 * '>' and quotes too.
 */
#ifndef CORE_HTML_ELEMENT_H
#define CORE_HTML_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Borrowed from the source. */
struct html_element {
    struct slice name;       /* "" for declarations */
    struct slice attributes; /* all between the name and the '>' */
    bool is_closing;
};

/* Reads the tag whose '<' is at `at`; returns the place behind its '>', or the end of a text that has none. */
size_t html_element_parse(struct slice text, size_t at, struct html_element *element);
/* Letters count the same in either case. */
bool html_element_is(struct slice name, const char *wanted);
/* Value of an attribute, as written; "" when it is not there. */
struct slice html_element_find(struct slice attributes, const char *name);

#endif
