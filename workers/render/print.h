/*
 * print: one message on standard output, for people, for programs, or one part of it alone.
 */
#ifndef WORKERS_RENDER_PRINT_H
#define WORKERS_RENDER_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/diag.h"
#include "core/flow.h"
#include "workers/render/preview.h"

enum print_part { PRINT_ALL, PRINT_SUBJECT, PRINT_PREHEADER, PRINT_HTML, PRINT_TEXT };

/* What a message was made of. */
struct print_facts {
    const struct flow *flow;
    enum channel channel;
    const char *event;     /* where the event came from */
    const char *direction; /* "ltr", "rtl" */
    bool has_version;      /* the message's version is that of the folder */
};

bool print_part_parse(const char *name, enum print_part *part);

void print_whole(const struct preview_message *result, const struct print_facts *facts, FILE *to);
/* False: the message has no such part. */
bool print_one_part(const struct preview_message *result, enum print_part part, FILE *to);
/* One object: the message, or {"errors": [...]} when it was not rendered. */
void print_json(const struct preview_message *result, const struct print_facts *facts, FILE *to);

/* Errors of templates, one a line, or as {"errors": [...]}. */
void print_diags(const struct diag_list *diags, FILE *to);
void print_diags_json(const struct diag_list *diags, FILE *to);
/* One error with no place. */
void print_error_json(const char *message, FILE *to);

/* "GSM-7" or "UCS-2". */
const char *print_encoding(const struct sms_size *size);
/* Septets or units that as many segments hold. */
int print_capacity(const struct sms_size *size);

#endif
