#include "workers/lint/lint_print.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"

enum { MOST_LINE_CHARS = 160, CHARS_BEFORE = 60 };

static bool is_wanted(const struct lint_print *print, const struct diag *diag)
{
    return diag->severity != DIAG_NOTE || print->has_notes;
}

static char *make_path(const struct lint_print *print, const struct diag *diag)
{
    size_t len = strlen(print->dir);

    return xasprintf("%s%s%s", print->dir, len > 0 && print->dir[len - 1] == '/' ? "" : "/", diag->file);
}

/* --- the line ----------------------------------------------------------------------------------------------------- */

/* Without its line break; data NULL when the file has no such line. */
static struct slice find_line(const struct file_entry *entry, int line)
{
    const char *at = entry->data;
    const char *end = entry->data + entry->len;
    const char *stop;

    for (; line > 1 && at; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at || at >= end) {
        return slice_make(NULL, 0);
    }
    stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop ? stop : end;
    return slice_make(at, (size_t)(stop - at) - (stop > at && stop[-1] == '\r'));
}

/* The byte behind `chars` code points. */
static size_t skip_chars(struct slice text, size_t at, int chars)
{
    while (at < text.len && chars > 0) {
        at++;
        while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
            at++;
        }
        chars--;
    }
    return at;
}

/* What a terminal would act on is shown as a blank; a tab stays one. */
static void append_visible(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        buf_append_char(out, (c < ' ' && c != '\t') || c == 0x7f ? ' ' : (char)c);
    }
}

/* One column for a character, as editors count; tabs go the same way above and below. */
static void append_caret(struct buf *out, struct slice before)
{
    for (size_t i = 0; i < before.len; i++) {
        if (before.data[i] == '\t') {
            buf_append_char(out, '\t');
        } else if (((unsigned char)before.data[i] & 0xc0) != 0x80) {
            buf_append_char(out, ' ');
        }
    }
    buf_append_char(out, '^');
}

/* A long line is cut around the place. */
static void append_source(struct buf *out, const struct diag *diag, struct slice line)
{
    int skipped = diag->column > MOST_LINE_CHARS - CHARS_BEFORE ? diag->column - CHARS_BEFORE : 0;
    size_t from = skip_chars(line, 0, skipped);
    size_t to = skip_chars(line, from, MOST_LINE_CHARS);
    size_t place = skip_chars(line, 0, diag->column - 1);
    const char *cut = from > 0 ? "... " : "";

    buf_appendf(out, "%6d | %s", diag->line, cut);
    append_visible(out, slice_make(line.data + from, to - from));
    buf_appendf(out, "%s\n       | %*s", to < line.len ? " ..." : "", (int)strlen(cut), "");
    append_caret(out, slice_make(line.data + from, place - from));
    buf_append_char(out, '\n');
}

static void append_diag(struct buf *out, const struct lint_print *print, const struct diag *diag)
{
    const struct file_entry *entry = file_tree_find(print->tree, diag->file);
    struct slice line = entry ? find_line(entry, diag->line) : slice_make(NULL, 0);
    char *path = make_path(print, diag);

    buf_appendf(out, "%s:%d:%d: %s: %s\n", path, diag->line, diag->column, diag_severity_name(diag->severity),
                diag->message);
    if (line.data) {
        append_source(out, diag, line);
    }
    if (diag->hint) {
        buf_appendf(out, "       = %s\n", diag->hint);
    }
    free(path);
}

void lint_print_text(const struct lint_print *print, const struct diag_list *diags, FILE *to)
{
    struct buf out;

    buf_init(&out, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (is_wanted(print, &diags->items[i])) {
            append_diag(&out, print, &diags->items[i]);
        }
    }
    fwrite(buf_text(&out), 1, out.len, to);
    buf_finish(&out);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

void lint_print_json(const struct lint_print *print, const struct diag_list *diags, FILE *to)
{
    json_t *list = json_array();

    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *diag = &diags->items[i];
        char *path = make_path(print, diag);

        if (is_wanted(print, diag)) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:i, s:i, s:s, s:s, s:s?}", "file", path, "line", diag->line,
                                            "column", diag->column, "severity", diag_severity_name(diag->severity),
                                            "message", diag->message, "hint", diag->hint));
        }
        free(path);
    }
    json_dumpf(list, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(list);
}
