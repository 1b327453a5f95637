#include "core/front_matter.h"

#include <string.h>

/* The line at *at without its end; moves *at behind it. */
static struct slice take_line(struct slice text, size_t *at)
{
    const char *start = text.data + *at;
    const char *end = memchr(start, '\n', text.len - *at);
    size_t len = end ? (size_t)(end - start) : text.len - *at;

    *at += len + (end != NULL);
    while (len && (start[len - 1] == '\r' || start[len - 1] == ' ' || start[len - 1] == '\t')) {
        len--;
    }
    return slice_make(start, len);
}

bool front_matter_split(const char *path, struct slice text, struct front_matter *parts, struct diag_list *diags)
{
    size_t at = 0;
    size_t yaml_start, line_start;
    int line = 2;

    if (slice_starts_with(text, "\xef\xbb\xbf")) {
        text = slice_make(text.data + 3, text.len - 3);
    }
    *parts = (struct front_matter){.body = text, .body_line = 1};
    if (!slice_is(take_line(text, &at), "---")) {
        return true;
    }
    yaml_start = at;
    while (at < text.len) {
        line_start = at;
        if (slice_is(take_line(text, &at), "---")) {
            parts->yaml = slice_make(text.data + yaml_start, line_start - yaml_start);
            parts->yaml_line = 2;
            parts->body = slice_make(text.data + at, text.len - at);
            parts->body_line = line + 1;
            return true;
        }
        line++;
    }
    diag_add(diags, DIAG_ERROR, path, 1, 1, "end it with a line of three dashes", "the front matter never ends");
    return false;
}
