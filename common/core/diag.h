/*
 * diag: what is wrong in what marketing wrote, as a list of places with a sentence each.
 *
 * Collected by the YAML loader, the template compiler, the flow parser and the catalog; printed by lint, by a worker
 * that refuses to start or to reload, and by preview.
 */
#ifndef CORE_DIAG_H
#define CORE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum diag_severity {
    DIAG_NOTE,    /* worth knowing, nothing wrong */
    DIAG_WARNING, /* taken all the same */
    DIAG_ERROR,
};

struct diag {
    enum diag_severity severity;
    char *file;    /* relative to the templates folder */
    int line;      /* from 1; 0 when the whole file is meant */
    int column;    /* from 1, in code points; 0 when the whole line is meant */
    char *message; /* what is wrong */
    char *hint;    /* how to mend it; may be NULL */
};

struct diag_list {
    struct diag *items;
    size_t count;
    size_t error_count;
};

void diag_list_init(struct diag_list *list);
void diag_list_finish(struct diag_list *list);
/* Texts are copied; message is formatted. */
void diag_add(struct diag_list *list, enum diag_severity severity, const char *file, int line, int column,
              const char *hint, const char *format, ...) __attribute__((format(printf, 7, 8)));
/* "file:line:column: error: message (hint)" for one entry. */
void diag_format(const struct diag *diag, struct buf *out);
/* Sorted by file, line, column. */
void diag_list_sort(struct diag_list *list);
/* Keeps the first of those that say the same of the same place: a fault in what many share is found with each of them. */
void diag_list_drop_repeated(struct diag_list *list);
const char *diag_severity_name(enum diag_severity severity);

#endif
