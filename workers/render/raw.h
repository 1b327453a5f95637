/*
 * raw: any plain Liquid file with a file of data, without the rules of messages: nothing is escaped, an undefined
 * variable is nil, 'now' is the wall clock.
 */
#ifndef WORKERS_RENDER_RAW_H
#define WORKERS_RENDER_RAW_H

#include <stdbool.h>

/* `is_strict`: an undefined variable that is printed is an error, as in messages.
 * `template` and `data` are files, "-" is standard input; `data` NULL: no variables; `partials` NULL: none. Prints the
 * output alone on stdout, or "file:line:column: message" on stderr. Returns the exit status: 0 or 1. */
int raw_render(const char *template, const char *data, const char *partials, bool is_strict);

#endif
