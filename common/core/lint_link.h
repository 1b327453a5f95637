/*
 * lint_link: does a link lead somewhere that a mail may lead to?
 */
#ifndef CORE_LINT_LINK_H
#define CORE_LINT_LINK_H

#include <stdbool.h>

#include "base/slice.h"

struct lint_link_problem {
    const char *message;
    const char *hint;
};

/* `link` may hold HTML entities and, for what is printed when a message is made, bytes HTML_SOURCE_OUTPUT. */
bool lint_link_check(struct slice link, struct lint_link_problem *problem);

#endif
