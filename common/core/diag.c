#include "core/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void diag_list_init(struct diag_list *list)
{
    *list = (struct diag_list){0};
}

void diag_list_finish(struct diag_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].file);
        free(list->items[i].message);
        free(list->items[i].hint);
    }
    free(list->items);
    *list = (struct diag_list){0};
}

void diag_add(struct diag_list *list, enum diag_severity severity, const char *file, int line, int column,
              const char *hint, const char *format, ...)
{
    char message[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = (struct diag){
        .severity = severity,
        .file = xstrdup(file ? file : ""),
        .line = line,
        .column = column,
        .message = xstrdup(message),
        .hint = xstrdup(hint),
    };
    if (severity == DIAG_ERROR) {
        list->error_count++;
    }
}

const char *diag_severity_name(enum diag_severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

void diag_format(const struct diag *diag, struct buf *out)
{
    buf_append_text(out, diag->file);
    if (diag->line > 0) {
        buf_appendf(out, ":%d", diag->line);
    }
    if (diag->line > 0 && diag->column > 0) {
        buf_appendf(out, ":%d", diag->column);
    }
    buf_appendf(out, ": %s: %s", diag_severity_name(diag->severity), diag->message);
    if (diag->hint) {
        buf_appendf(out, " (%s)", diag->hint);
    }
}

static int compare(const void *left, const void *right)
{
    const struct diag *a = left;
    const struct diag *b = right;
    int by_file = strcmp(a->file, b->file);

    if (by_file) {
        return by_file;
    }
    return a->line != b->line ? (a->line > b->line) - (a->line < b->line)
                              : (a->column > b->column) - (a->column < b->column);
}

void diag_list_sort(struct diag_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof(*list->items), compare);
    }
}

static bool is_same(const struct diag *a, const struct diag *b)
{
    return a->line == b->line && a->column == b->column && a->severity == b->severity && !strcmp(a->file, b->file) &&
           !strcmp(a->message, b->message);
}

void diag_list_drop_repeated(struct diag_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct diag *diag = &list->items[i];
        size_t j = 0;

        while (j < kept && !is_same(&list->items[j], diag)) {
            j++;
        }
        if (j == kept) {
            list->items[kept++] = *diag;
            continue;
        }
        list->error_count -= diag->severity == DIAG_ERROR;
        free(diag->file);
        free(diag->message);
        free(diag->hint);
    }
    list->count = kept;
}
