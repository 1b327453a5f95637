#include "workers/replay/diff_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/embed.h"
#include "base/mem.h"
#include "core/html_entity.h"
#include "core/text_diff.h"

EMBED_FILE(diff_base_css, "workers/render/gallery.css")
EMBED_FILE(diff_css, "workers/replay/diff.css")

struct diff_page {
    char *dir;
    struct diff_list *shown; /* the same groups, with pieces of HTML */
    int files;
};

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool make_dir(const char *path, struct err *err)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST || err_set(err, "%s: %s", path, strerror(errno));
}

static FILE *open_file(const struct diff_page *page, const char *name, struct err *err)
{
    char *path = xasprintf("%s/%s", page->dir, name);
    FILE *file = fopen(path, "w");

    if (!file) {
        err_set(err, "%s: %s", path, strerror(errno));
    }
    free(path);
    return file;
}

static bool close_file(const struct diff_page *page, const char *name, FILE *file, struct err *err)
{
    bool is_fine = !ferror(file);

    return (fclose(file) == 0 && is_fine) || err_set(err, "%s/%s: %s", page->dir, name, strerror(errno));
}

struct diff_page *diff_page_open(const char *dir, struct err *err)
{
    struct diff_page *page = xcalloc(1, sizeof(*page));
    char *mail = xasprintf("%s/mail", dir);

    page->dir = xstrdup(dir);
    page->shown = diff_list_create(err);
    if (!page->shown || !make_dir(dir, err) || !make_dir(mail, err)) {
        diff_page_close(page);
        page = NULL;
    }
    free(mail);
    return page;
}

void diff_page_close(struct diff_page *page)
{
    if (!page) {
        return;
    }
    diff_list_destroy(page->shown);
    free(page->dir);
    free(page);
}

/* --- one change --------------------------------------------------------------------------------------------------- */

static void append_words(const struct text_diff *words, bool is_after, struct buf *out)
{
    const struct text_pieces *pieces = is_after ? &words->new_pieces : &words->old_pieces;
    size_t at = 0;

    for (size_t i = 0; i < words->change_count; i++) {
        const struct text_change *change = &words->changes[i];
        size_t start = is_after ? change->new_at : change->old_at;
        size_t count = is_after ? change->new_count : change->old_count;

        html_escape_append(out, text_pieces_join(pieces, at, start - at));
        if (count) {
            buf_append_text(out, is_after ? "<ins>" : "<del>");
            html_escape_append(out, text_pieces_join(pieces, start, count));
            buf_append_text(out, is_after ? "</ins>" : "</del>");
        }
        at = start + count;
    }
    html_escape_append(out, text_pieces_join(pieces, at, pieces->count - at));
}

/* Two cells: the same piece before and after. */
static void append_row(struct slice before, struct slice after, struct buf *out)
{
    struct text_diff words;

    text_diff_init(&words, TEXT_DIFF_WORDS, before, after);
    buf_append_text(out, "<tr><td dir=auto>");
    append_words(&words, false, out);
    buf_append_text(out, "</td><td dir=auto>");
    append_words(&words, true, out);
    buf_append_text(out, "</td></tr>\n");
    text_diff_finish(&words);
}

/* Equal lines between `from` and `to`; of many, those next to a change. */
static void append_equal(const struct text_pieces *lines, size_t from, size_t to, bool is_first, bool is_last,
                         struct buf *out)
{
    size_t head = is_first ? 0 : TEXT_DIFF_CONTEXT, tail = is_last ? 0 : TEXT_DIFF_CONTEXT;
    struct slice text;

    if (to - from <= head + tail + 1) {
        head = to - from;
        tail = 0;
    }
    if (head) {
        text = text_pieces_join(lines, from, head);
        append_row(text, text, out);
    }
    if (head + tail < to - from) {
        buf_appendf(out, "<tr class=gap><td colspan=2>%zu lines are the same</td></tr>\n", to - from - head - tail);
    }
    if (tail) {
        text = text_pieces_join(lines, to - tail, tail);
        append_row(text, text, out);
    }
}

static void append_table(const struct diff_part *part, struct buf *out)
{
    struct text_diff diff;
    size_t at = 0;

    text_diff_init(&diff, TEXT_DIFF_LINES, slice_of(part->before), slice_of(part->after));
    buf_append_text(out, "<table class=pair>\n");
    for (size_t i = 0; i < diff.change_count; i++) {
        const struct text_change *change = &diff.changes[i];

        append_equal(&diff.old_pieces, at, change->old_at, i == 0, false, out);
        append_row(text_pieces_join(&diff.old_pieces, change->old_at, change->old_count),
                   text_pieces_join(&diff.new_pieces, change->new_at, change->new_count), out);
        at = change->old_at + change->old_count;
    }
    append_equal(&diff.old_pieces, at, diff.old_pieces.count, false, true, out);
    buf_append_text(out, "</table>\n");
    text_diff_finish(&diff);
}

static bool write_mail(struct diff_page *page, const char *name, const char *html, struct err *err)
{
    FILE *file = open_file(page, name, err);

    if (!file) {
        return false;
    }
    fputs(html, file);
    return close_file(page, name, file, err);
}

/* The e-mail as it looks, in two frames. */
static bool append_frames(struct diff_page *page, const struct diff_part *part, struct buf *out, struct err *err)
{
    const char *const sides[] = {"before", "after"}, *const html[] = {part->before, part->after};

    buf_append_text(out, "<div class=frames>\n");
    for (int i = 0; i < 2; i++) {
        char *name = xasprintf("mail/%d.%s.html", page->files, sides[i]);

        if (html[i][0]) {
            buf_appendf(out,
                        "<figure><figcaption>%s</figcaption><iframe sandbox loading=lazy title=\"%s\" src=\"%s\">"
                        "</iframe></figure>\n",
                        sides[i], sides[i], name);
        }
        if (html[i][0] && !write_mail(page, name, html[i], err)) {
            free(name);
            return false;
        }
        free(name);
    }
    buf_append_text(out, "</div>\n");
    page->files++;
    return true;
}

static void append_escaped(struct buf *out, const char *text)
{
    html_escape_append(out, slice_of(text));
}

static void append_error(const char *label, const struct diff_side *side, struct buf *out)
{
    if (side->is_broken) {
        buf_appendf(out, "<p class=fault>%s", label);
        append_escaped(out, side->error.reason);
        buf_append_text(out, ": ");
        append_escaped(out, side->error.text);
        buf_append_text(out, "</p>\n");
    }
}

static bool append_parts(struct diff_page *page, const struct diff_change *change, struct buf *out, struct err *err)
{
    struct diff_part parts[DIFF_MOST_PARTS];
    size_t count = diff_change_parts(change, parts);
    bool is_fine = true;

    for (size_t i = 0; i < count && is_fine; i++) {
        bool is_html = strcmp(parts[i].name, "html") == 0;

        if (is_html) {
            is_fine = append_frames(page, &parts[i], out, err);
        }
        buf_appendf(out, "%s%s%s", is_html ? "<details><summary>" : "<h4>",
                    is_html ? "source of the HTML" : parts[i].name, is_html ? "</summary>" : "</h4>\n");
        append_table(&parts[i], out);
        buf_append_text(out, is_html ? "</details>\n" : "");
    }
    return is_fine;
}

bool diff_page_add(struct diff_page *page, const struct diff_change *change, const struct diff_facts *facts,
                   struct err *err)
{
    struct diff_group *group =
        diff_list_get_group(page->shown, facts->group->flow, facts->group->channel, facts->group->locale);
    struct buf out;
    bool is_fine;

    if (group->messages >= DIFF_PAGE_MOST_A_GROUP) {
        return true;
    }
    group->messages++;
    buf_init(&out, 0);
    buf_append_text(&out, "<section class=card><div class=bar><h3>member ");
    append_escaped(&out, facts->member_id[0] ? facts->member_id : "-");
    buf_append_text(&out, " <small>");
    append_escaped(&out, facts->place);
    buf_appendf(&out, "</small></h3><label>%s</label></div><div class=body>\n", diff_change_kind_name(change->kind));
    append_error("before: ", &change->before, &out);
    append_error("after: ", &change->after, &out);
    is_fine = append_parts(page, change, &out, err);
    buf_append_text(&out, "</div></section>\n");
    is_fine = is_fine && diff_list_add(page->shown, group, buf_slice(&out), err);
    buf_finish(&out);
    return is_fine;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void print_escaped(const char *text, FILE *to)
{
    struct buf out;

    buf_init(&out, 0);
    append_escaped(&out, text);
    fputs(buf_text(&out), to);
    buf_finish(&out);
}

static void print_groups(struct diff_page *page, const struct diff_list *list, FILE *to)
{
    diff_list_sort(page->shown);
    for (size_t i = 0, own = 0; i < diff_list_group_count(list); i++) {
        const struct diff_group *group = diff_list_group(list, i);
        int64_t changed = diff_group_changed(group);

        if (changed == 0) {
            continue;
        }
        fputs("<div class=flow><h2>", to);
        print_escaped(group->flow, to);
        fprintf(to, "</h2><p>%s, ", channel_name(group->channel));
        print_escaped(group->locale, to);
        fprintf(to, ": %" PRId64 " of %" PRId64 " messages%s</p>\n", changed, group->messages,
                changed > DIFF_PAGE_MOST_A_GROUP ? "; the first of them:" : "");
        /* Both lists have the groups with changes in the same order. */
        diff_list_print(page->shown, own++, DIFF_PAGE_MOST_A_GROUP, "", to);
        fputs("</div>\n", to);
    }
}

bool diff_page_finish(struct diff_page *page, const struct diff_list *list, const char *before, const char *after,
                      struct err *err)
{
    static const char name[] = "index.html";
    FILE *file = open_file(page, name, err);
    int64_t changed = 0, messages = 0;

    if (!file) {
        return false;
    }
    for (size_t i = 0; i < diff_list_group_count(list); i++) {
        changed += diff_group_changed(diff_list_group(list, i));
        messages += diff_list_group(list, i)->messages;
    }
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\">\n<title>perkline: what changes</title><link rel=\"icon\" "
          "href=\"data:,\">\n<style>\n",
          file);
    fputs(diff_base_css_data, file);
    fputs(diff_css_data, file);
    fputs("</style></head><body>\n<header><h1>perkline <span>what changes</span></h1><p>", file);
    print_escaped(before, file);
    fputs(" → ", file);
    print_escaped(after, file);
    fprintf(file, "</p><p id=\"count\">%" PRId64 " of %" PRId64 " messages</p></header>\n<main>\n", changed, messages);
    print_groups(page, list, file);
    fputs(changed ? "" : "<p class=nothing>Nothing changes.</p>\n", file);
    fputs("</main></body></html>\n", file);
    return close_file(page, name, file, err);
}
