/*
 * What the checks of lint say, and where: the place of a key, of a byte, of a template's text.
 */
#include "core/lint_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/front_matter.h"

enum { MESSAGE_SIZE = 1024 };

__attribute__((format(printf, 7, 0))) static void add(struct lint *lint, enum diag_severity severity, const char *file,
                                                       int line, int column, const char *hint, const char *format,
                                                       va_list args)
{
    char message[MESSAGE_SIZE];

    vsnprintf(message, sizeof(message), format, args);
    diag_add(lint->diags, severity, file, line, column, hint, "%s", message);
}

void lint_add(struct lint *lint, enum diag_severity severity, const char *file, int line, int column, const char *hint,
              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(lint, severity, file, line, column, hint, format, args);
    va_end(args);
}

void lint_add_at_key(struct lint *lint, enum diag_severity severity, const struct lint_flow *flow, const char *key,
                     const char *hint, const char *format, ...)
{
    int line = 1, column = 1;
    va_list args;

    if (flow->yaml) {
        yaml_find_place(flow->yaml, key, &line, &column);
    }
    va_start(args, format);
    add(lint, severity, flow->path, line, column, hint, format, args);
    va_end(args);
}

void lint_find_place(const struct file_entry *entry, size_t at, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < entry->len; i++) {
        unsigned char c = (unsigned char)entry->data[i];

        if (c == '\n') {
            ++*line;
            *column = 1;
        } else if ((c & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

bool lint_is_html(const char *path)
{
    const char *slash = strchr(path, '/');
    struct slice file = slice_of(slash ? slash + 1 : "");

    if (!slice_ends_with(file, ".liquid") || slice_ends_with(file, ".text.liquid")) {
        return false;
    }
    return slice_starts_with(slice_of(path), "_layouts/") || slice_starts_with(slice_of(path), "_partials/") ||
           (*path != '_' && slice_starts_with(file, "email."));
}

struct slice lint_body(const struct file_entry *entry)
{
    struct front_matter parts;
    struct diag_list ignored; /* the catalog has reported them */
    bool is_split;

    if (*entry->path == '_') {
        return catalog_text_of(entry);
    }
    diag_list_init(&ignored);
    is_split = front_matter_split(entry->path, catalog_text_of(entry), &parts, &ignored);
    diag_list_finish(&ignored);
    return is_split ? parts.body : slice_make(entry->data + entry->len, 0);
}

void lint_add_at_body(struct lint *lint, enum diag_severity severity, const char *path, const char *hint,
                      const char *format, ...)
{
    const struct file_entry *entry = file_tree_find(lint->tree, path);
    int line = 1, column = 1;
    va_list args;

    if (entry) {
        lint_find_place(entry, (size_t)(lint_body(entry).data - entry->data), &line, &column);
    }
    va_start(args, format);
    add(lint, severity, path, line, column, hint, format, args);
    va_end(args);
}
