#include "core/string_uses.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/tag_scan.h"

void string_uses_init(struct string_uses *uses)
{
    *uses = (struct string_uses){0};
}

void string_uses_finish(struct string_uses *uses)
{
    for (size_t i = 0; i < uses->count; i++) {
        free(uses->items[i].key);
        free(uses->items[i].file);
    }
    free(uses->items);
    *uses = (struct string_uses){0};
}

static void add(struct string_uses *uses, struct slice key, const char *file, int line, int column)
{
    uses->items = xreallocarray(uses->items, uses->count + 1, sizeof(*uses->items));
    uses->items[uses->count++] = (struct string_use){
        .key = xmemdup(key.data, key.len),
        .file = xstrdup(file),
        .line = line,
        .column = column,
    };
}

/* Lines and columns of ascending offsets, counted once over the text. */
struct place {
    size_t at;
    int line, column;
};

static void move_to(struct place *place, struct slice source, size_t at)
{
    for (; place->at < at; place->at++) {
        unsigned char c = (unsigned char)source.data[place->at];

        if (c == '\n') {
            place->line++;
            place->column = 1;
        } else if ((c & 0xc0) != 0x80) {
            place->column++;
        }
    }
}

/* Does `| t` follow? */
static bool is_translated(struct slice tag, size_t at)
{
    at = tag_scan_skip_blanks(tag, at);
    if (at >= tag.len || tag.data[at] != '|') {
        return false;
    }
    at = tag_scan_skip_blanks(tag, at + 1);
    return at + 1 < tag.len && tag.data[at] == 't' && !tag_scan_is_word(tag.data[at + 1]);
}

/* One Liquid tag that starts at `start` of the source. */
static void scan_tag(struct string_uses *uses, const char *file, struct slice source, struct slice tag, size_t start,
                     struct place *place)
{
    for (size_t at = 2; at < tag.len; at++) {
        const char *end;
        size_t open = at;

        if (tag.data[at] != '\'' && tag.data[at] != '"') {
            continue;
        }
        end = memchr(tag.data + at + 1, tag.data[at], tag.len - at - 1);
        if (!end) {
            return;
        }
        at = (size_t)(end - tag.data);
        if (is_translated(tag, at + 1)) {
            move_to(place, source, start + open);
            add(uses, slice_make(tag.data + open + 1, at - open - 1), file, place->line, place->column);
        }
    }
}

void string_uses_scan(struct string_uses *uses, const char *file, struct slice source, int first_line)
{
    struct place place = {.line = first_line, .column = 1};
    struct slice tag;

    for (size_t at = 0; tag_scan_next(source, &at, &tag);) {
        scan_tag(uses, file, source, tag, (size_t)(tag.data - source.data), &place);
    }
}
