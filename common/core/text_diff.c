#include "core/text_diff.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash_table.h"
#include "core/text_words.h"

/* --- pieces ------------------------------------------------------------------------------------------------------- */

static size_t find_line_end(struct slice text, size_t at)
{
    const char *newline = memchr(text.data + at, '\n', text.len - at);

    return newline ? (size_t)(newline - text.data) + 1 : text.len;
}

static void split(struct text_pieces *pieces, enum text_diff_unit unit, struct slice text)
{
    size_t capacity = 0;

    *pieces = (struct text_pieces){0};
    for (size_t at = 0; at < text.len;) {
        size_t end = unit == TEXT_DIFF_LINES ? find_line_end(text, at) : text_word_end(text, at);

        if (pieces->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            pieces->items = xreallocarray(pieces->items, capacity, sizeof(*pieces->items));
        }
        pieces->items[pieces->count++] = slice_make(text.data + at, end - at);
        at = end;
    }
}

struct slice text_pieces_join(const struct text_pieces *pieces, size_t at, size_t count)
{
    const struct slice *last;

    if (count == 0) {
        return SLICE("");
    }
    last = &pieces->items[at + count - 1];
    return slice_make(pieces->items[at].data, (size_t)(last->data + last->len - pieces->items[at].data));
}

/* Equal pieces get equal numbers, so that comparing is comparing numbers. */
struct piece_number {
    struct slice piece;
    int number;
    UT_hash_handle hh;
};

static int *number_pieces(const struct text_pieces *pieces, struct piece_number **known)
{
    int *numbers = xcalloc(pieces->count + 1, sizeof(*numbers));

    for (size_t i = 0; i < pieces->count; i++) {
        const struct slice *piece = &pieces->items[i];
        struct piece_number *entry = NULL;

        HASH_FIND(hh, *known, piece->data, piece->len, entry);
        if (!entry) {
            entry = xcalloc(1, sizeof(*entry));
            entry->piece = *piece;
            entry->number = (int)HASH_COUNT(*known) + 1;
            HASH_ADD_KEYPTR(hh, *known, entry->piece.data, entry->piece.len, entry);
        }
        numbers[i] = entry->number;
    }
    return numbers;
}

/* --- the shortest way --------------------------------------------------------------------------------------------- */

/* A point (x, y) says: x old and y new pieces are dealt with. It lies on diagonal x - y. An edit goes one to the right
 * (drops an old piece) or one down (adds a new piece); equal pieces lead on along the diagonal for nothing. */
struct search {
    const int *old_numbers, *new_numbers;
    bool *is_dropped, *is_added;
    int *forward, *backward; /* by diagonal: how far (x) one gets with so many edits, from the start and from the end */
};

/* The part of both texts that is looked at. */
struct box {
    int x, y; /* where it begins */
    int width, height;
};

static int number_at(const int *numbers, int from, int length, int i, bool is_reversed)
{
    return numbers[is_reversed ? from + length - 1 - i : from + i];
}

enum { NOWHERE = INT_MIN / 2 };

/* The furthest x on `diagonal` with one more edit than what is in `reached`. */
static int step(const struct search *search, const struct box *box, const int *reached, int diagonal, int cost,
                bool is_reversed)
{
    int right = diagonal > -cost ? reached[diagonal - 1] + 1 : NOWHERE;
    int down = diagonal < cost ? reached[diagonal + 1] : NOWHERE;
    int x = NOWHERE;

    if (cost == 0) {
        x = 0;
    }
    if (right >= 0 && right <= box->width) {
        x = right;
    }
    if (down > x && down - diagonal <= box->height) {
        x = down;
    }
    while (x >= 0 && x < box->width && x - diagonal < box->height &&
           number_at(search->old_numbers, box->x, box->width, x, is_reversed) ==
               number_at(search->new_numbers, box->y, box->height, x - diagonal, is_reversed)) {
        x++;
    }
    return x;
}

struct point {
    int x, y;
};

static struct point find_furthest(const struct box *box, const int *reached, int cost)
{
    struct point best = {0, 0};
    int low = cost <= box->height ? -cost : cost - 2 * box->height;
    int high = cost <= box->width ? cost : 2 * box->width - cost;

    for (int diagonal = low; diagonal <= high; diagonal += 2) {
        int x = reached[diagonal];

        if (x >= 0 && 2 * x - diagonal > best.x + best.y) {
            best = (struct point){x, x - diagonal};
        }
    }
    return best;
}

/* A point in the middle of a shortest way through the box, whose first and last pieces differ; never a corner of it. */
static struct point find_middle(const struct search *search, const struct box *box)
{
    int delta = box->width - box->height;
    bool is_odd = delta % 2 != 0;
    /* The diagonals of a box that begins at (0, 0). */
    int *forward = search->forward + box->height + 1;
    int *backward = search->backward + box->height + 1;

    for (int cost = 0;; cost++) {
        int low = cost <= box->height ? -cost : cost - 2 * box->height;
        int high = cost <= box->width ? cost : 2 * box->width - cost;

        for (int diagonal = low; diagonal <= high; diagonal += 2) {
            int x = step(search, box, forward, diagonal, cost, false);
            int other = delta - diagonal; /* the same diagonal, seen from the end */

            forward[diagonal] = x;
            if (is_odd && x >= 0 && other >= -(cost - 1) && other <= cost - 1 && other >= -box->height &&
                other <= box->width && x + backward[other] >= box->width) {
                return (struct point){x, x - diagonal};
            }
        }
        for (int diagonal = low; diagonal <= high; diagonal += 2) {
            int x = step(search, box, backward, diagonal, cost, true);
            int other = delta - diagonal;

            backward[diagonal] = x;
            if (!is_odd && x >= 0 && other >= -cost && other <= cost && other >= -box->height && other <= box->width &&
                x + forward[other] >= box->width) {
                return (struct point){box->width - x, box->height - (x - diagonal)};
            }
        }
        if (cost == TEXT_DIFF_MOST_COST) {
            return find_furthest(box, forward, cost);
        }
    }
}

static void trim_equal_ends(const struct search *search, struct box *box)
{
    while (box->width && box->height && search->old_numbers[box->x] == search->new_numbers[box->y]) {
        *box = (struct box){box->x + 1, box->y + 1, box->width - 1, box->height - 1};
    }
    while (box->width && box->height &&
           search->old_numbers[box->x + box->width - 1] == search->new_numbers[box->y + box->height - 1]) {
        box->width--;
        box->height--;
    }
}

static void compare(const struct search *search, struct box box)
{
    for (;;) {
        struct point middle;

        trim_equal_ends(search, &box);
        if (box.width == 0 || box.height == 0) {
            memset(search->is_dropped + box.x, true, (size_t)box.width);
            memset(search->is_added + box.y, true, (size_t)box.height);
            return;
        }
        middle = find_middle(search, &box);
        assert(middle.x + middle.y > 0 && middle.x + middle.y < box.width + box.height);
        compare(search, (struct box){box.x, box.y, middle.x, middle.y});
        box = (struct box){box.x + middle.x, box.y + middle.y, box.width - middle.x, box.height - middle.y};
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void collect_changes(struct text_diff *diff, const bool *is_dropped, const bool *is_added)
{
    size_t x = 0, y = 0;

    while (x < diff->old_pieces.count || y < diff->new_pieces.count) {
        struct text_change change = {x, 0, y, 0};

        while (x < diff->old_pieces.count && is_dropped[x]) {
            x++;
        }
        while (y < diff->new_pieces.count && is_added[y]) {
            y++;
        }
        change.old_count = x - change.old_at;
        change.new_count = y - change.new_at;
        if (change.old_count || change.new_count) {
            diff->changes = xreallocarray(diff->changes, diff->change_count + 1, sizeof(*diff->changes));
            diff->changes[diff->change_count++] = change;
        } else {
            x++;
            y++;
        }
    }
}

void text_diff_init(struct text_diff *diff, enum text_diff_unit unit, struct slice old_text, struct slice new_text)
{
    struct piece_number *known = NULL, *entry, *next;
    struct search search;
    size_t diagonals;

    *diff = (struct text_diff){0};
    split(&diff->old_pieces, unit, old_text);
    split(&diff->new_pieces, unit, new_text);
    diagonals = diff->old_pieces.count + diff->new_pieces.count + 3;
    assert(diagonals < INT_MAX / 4);
    search = (struct search){
        .old_numbers = number_pieces(&diff->old_pieces, &known),
        .new_numbers = number_pieces(&diff->new_pieces, &known),
        .is_dropped = xcalloc(diff->old_pieces.count + 1, sizeof(bool)),
        .is_added = xcalloc(diff->new_pieces.count + 1, sizeof(bool)),
        .forward = xcalloc(diagonals, sizeof(int)),
        .backward = xcalloc(diagonals, sizeof(int)),
    };
    HASH_ITER(hh, known, entry, next)
    {
        HASH_DEL(known, entry);
        free(entry);
    }
    compare(&search, (struct box){0, 0, (int)diff->old_pieces.count, (int)diff->new_pieces.count});
    collect_changes(diff, search.is_dropped, search.is_added);
    free((void *)search.old_numbers);
    free((void *)search.new_numbers);
    free(search.is_dropped);
    free(search.is_added);
    free(search.forward);
    free(search.backward);
}

void text_diff_finish(struct text_diff *diff)
{
    free(diff->old_pieces.items);
    free(diff->new_pieces.items);
    free(diff->changes);
    *diff = (struct text_diff){0};
}

/* --- unified ------------------------------------------------------------------------------------------------------ */

static void append_lines(const struct text_pieces *lines, size_t from, size_t to, char sign, struct buf *out)
{
    for (size_t i = from; i < to; i++) {
        buf_append_char(out, sign);
        buf_append_slice(out, lines->items[i]);
        if (!slice_ends_with(lines->items[i], "\n")) {
            buf_append_text(out, "\n\\ No newline at end of file\n");
        }
    }
}

/* "12,3"; an empty range is named by the line before it. */
static void append_range(size_t at, size_t count, struct buf *out)
{
    buf_append_int(out, (int64_t)(count ? at + 1 : at));
    if (count != 1) {
        buf_append_char(out, ',');
        buf_append_int(out, (int64_t)count);
    }
}

/* Changes `first` to `last` with what lies around them. */
static void append_hunk(const struct text_diff *diff, size_t first, size_t last, struct buf *out)
{
    const struct text_change *head = &diff->changes[first], *tail = &diff->changes[last];
    size_t before = head->old_at < TEXT_DIFF_CONTEXT ? head->old_at : TEXT_DIFF_CONTEXT;
    size_t old_end = tail->old_at + tail->old_count, new_end = tail->new_at + tail->new_count;
    size_t rest = diff->old_pieces.count - old_end;
    size_t after = rest < TEXT_DIFF_CONTEXT ? rest : TEXT_DIFF_CONTEXT;
    size_t at = head->old_at - before;

    buf_append_text(out, "@@ -");
    append_range(at, old_end + after - at, out);
    buf_append_text(out, " +");
    append_range(head->new_at - before, new_end + after - (head->new_at - before), out);
    buf_append_text(out, " @@\n");
    for (size_t i = first; i <= last; i++) {
        const struct text_change *change = &diff->changes[i];

        append_lines(&diff->old_pieces, at, change->old_at, ' ', out);
        append_lines(&diff->old_pieces, change->old_at, change->old_at + change->old_count, '-', out);
        append_lines(&diff->new_pieces, change->new_at, change->new_at + change->new_count, '+', out);
        at = change->old_at + change->old_count;
    }
    append_lines(&diff->old_pieces, at, at + after, ' ', out);
}

void text_diff_append_unified(const struct text_diff *diff, struct buf *out)
{
    for (size_t first = 0; first < diff->change_count;) {
        size_t last = first;

        while (last + 1 < diff->change_count &&
               diff->changes[last + 1].old_at - (diff->changes[last].old_at + diff->changes[last].old_count) <=
                   2 * TEXT_DIFF_CONTEXT) {
            last++;
        }
        append_hunk(diff, first, last, out);
        first = last + 1;
    }
}
