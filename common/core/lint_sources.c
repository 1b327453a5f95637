/* Templates as they are written, every branch of them: links, pictures, and where escaping is switched off. */
#include <string.h>

#include "core/html_source.h"
#include "core/lint_html.h"
#include "core/lint_inside.h"
#include "core/tag_scan.h"

struct check {
    struct lint *lint;
    const struct file_entry *entry;
    size_t base; /* of the body in the file */
};

static void complain(void *arg, size_t at, const char *hint, const char *message)
{
    struct check *check = arg;
    int line, column;

    lint_find_place(check->entry, check->base + at, &line, &column);
    lint_add(check->lint, DIAG_ERROR, check->entry->path, line, column, hint, "%s", message);
}

static void check_tags(struct check *check, struct slice html)
{
    struct html_tags tags = html_tags_of(html);
    struct html_tag tag;

    while (html_tags_next(&tags, &tag)) {
        lint_html_check_tag(&tag, complain, check);
    }
}

static void check_plain_links(struct check *check, struct slice text)
{
    for (size_t at = 0; at + 7 <= text.len; at++) {
        if (memcmp(text.data + at, "http://", 7) == 0) {
            complain(check, at, "write https:// instead of http://", "the link is not encrypted");
        }
    }
}

/* --- raw ---------------------------------------------------------------------------------------------------------- */

/* `{{ x | raw }}` in one Liquid tag that starts at `start`. */
static void note_raw(struct check *check, struct slice tag, size_t start)
{
    for (size_t at = 2; at < tag.len; at++) {
        const char *quote = tag.data[at] == '\'' || tag.data[at] == '"'
                                ? memchr(tag.data + at + 1, tag.data[at], tag.len - at - 1)
                                : NULL;
        size_t word;
        int line, column;

        if (quote) {
            at = (size_t)(quote - tag.data);
            continue;
        }
        word = tag.data[at] == '|' ? tag_scan_skip_blanks(tag, at + 1) : tag.len;
        if (word + 3 < tag.len && memcmp(tag.data + word, "raw", 3) == 0 && !tag_scan_is_word(tag.data[word + 3])) {
            lint_find_place(check->entry, check->base + start + word, &line, &column);
            lint_add(check->lint, DIAG_NOTE, check->entry->path, line, column,
                     "make sure that no customer and no shop system writes this value",
                     "raw: this value is printed into HTML as it is");
        }
    }
}

static void note_raws(struct check *check, struct slice source)
{
    struct slice tag;

    for (size_t at = 0; tag_scan_next(source, &at, &tag);) {
        note_raw(check, tag, (size_t)(tag.data - source.data));
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void check_file(struct lint *lint, const struct file_entry *entry)
{
    struct slice body = lint_body(entry);
    struct check check = {lint, entry, (size_t)(body.data - entry->data)};
    struct buf blank;

    buf_init(&blank, 0);
    html_source_blank(body, &blank);
    if (lint_is_html(entry->path)) {
        check_tags(&check, buf_slice(&blank));
        note_raws(&check, body);
    } else {
        check_plain_links(&check, buf_slice(&blank));
    }
    buf_finish(&blank);
}

void lint_sources(struct lint *lint)
{
    for (size_t i = 0; i < lint->tree->count; i++) {
        if (slice_ends_with(slice_of(lint->tree->entries[i].path), ".liquid")) {
            check_file(lint, &lint->tree->entries[i]);
        }
    }
}
