#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/text_diff.h"

static char *diff_lines(const char *old_text, const char *new_text)
{
    struct text_diff diff;
    struct buf out;

    buf_init(&out, 0);
    text_diff_init(&diff, TEXT_DIFF_LINES, slice_of(old_text), slice_of(new_text));
    text_diff_append_unified(&diff, &out);
    text_diff_finish(&diff);
    return buf_take(&out);
}

static void changes_are_printed_as_diff_u_prints_them(void **state)
{
    static const struct {
        const char *name, *old_text, *new_text, *expected;
    } cases[] = {
        {"nothing to nothing", "", "", ""},
        {"equal", "a\nb\n", "a\nb\n", ""},
        {"all new", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
        {"all gone", "a\n", "", "@@ -1 +0,0 @@\n-a\n"},
        {"one line changed", "a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
        {"no newline before", "a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
        {"no newline after", "a\nb\n", "a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n"},
        {"no newline in both", "x\nb", "y\nb", "@@ -1,2 +1,2 @@\n-x\n+y\n b\n\\ No newline at end of file\n"},
        {"three lines around", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
         "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
        {"six lines between are one hunk", "a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
         "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n"},
        {"seven lines between are two", "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
         "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
        {"a line put between", "a\nb\n", "a\nnew\nb\n", "@@ -1,2 +1,3 @@\n a\n+new\n b\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *got = diff_lines(cases[i].old_text, cases[i].new_text);

        if (strcmp(got, cases[i].expected) != 0) {
            fail_msg("%s:\n%s", cases[i].name, got);
        }
        free(got);
    }
}

/* "-old-" and "+new+" around what changed. */
static char *mark_words(const char *old_text, const char *new_text)
{
    struct text_diff diff;
    struct buf out;
    size_t at = 0;

    buf_init(&out, 0);
    text_diff_init(&diff, TEXT_DIFF_WORDS, slice_of(old_text), slice_of(new_text));
    for (size_t i = 0; i < diff.change_count; i++) {
        const struct text_change *change = &diff.changes[i];

        buf_append_slice(&out, text_pieces_join(&diff.old_pieces, at, change->old_at - at));
        if (change->old_count) {
            buf_append_char(&out, '-');
            buf_append_slice(&out, text_pieces_join(&diff.old_pieces, change->old_at, change->old_count));
            buf_append_char(&out, '-');
        }
        if (change->new_count) {
            buf_append_char(&out, '+');
            buf_append_slice(&out, text_pieces_join(&diff.new_pieces, change->new_at, change->new_count));
            buf_append_char(&out, '+');
        }
        at = change->old_at + change->old_count;
    }
    buf_append_slice(&out, text_pieces_join(&diff.old_pieces, at, diff.old_pieces.count - at));
    text_diff_finish(&diff);
    return buf_take(&out);
}

static void words_are_marked_and_not_letters(void **state)
{
    static const struct {
        const char *old_text, *new_text, *expected;
    } cases[] = {
        {"Hello Ilona!", "Hello Anna!", "Hello -Ilona-+Anna+!"},
        {"you have 12 points", "you have 120 points", "you have -12-+120+ points"},
        {"Kedves Kovács úr", "Kedves Kovácsné", "Kedves -Kovács úr-+Kovácsné+"},
        {"one two", "one  two", "one- -+  +two"},
        {"سلام سارا", "سلام مریم", "سلام -سارا-+مریم+"},
        {"a\xff.", "a\xfe.", "a-\xff-+\xfe+."},
        {"same", "same", "same"},
        {"", "new", "+new+"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *got = mark_words(cases[i].old_text, cases[i].new_text);

        assert_string_equal(got, cases[i].expected);
        free(got);
    }
}

/* --- properties --------------------------------------------------------------------------------------------------- */

static char *random_text(struct random *random, size_t most_lines, unsigned kinds)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = random_below(random, most_lines + 1); i > 0; i--) {
        buf_appendf(&text, "%c%s", (int)('a' + random_below(random, kinds)),
                    i == 1 && random_below(random, 4) == 0 ? "" : "\n");
    }
    return buf_take(&text);
}

static bool take_line(const char **at, struct slice *line)
{
    const char *newline = strchr(*at, '\n');

    if (!**at) {
        return false;
    }
    assert_non_null(newline);
    *line = slice_make(*at, (size_t)(newline - *at) + 1);
    *at = newline + 1;
    return true;
}

static void skip_old(const char *old_text, size_t *old_at, struct slice line)
{
    assert_memory_equal(old_text + *old_at, line.data, line.len);
    *old_at += line.len;
}

/* What `patch` does with the text: reads the printed form alone. */
static char *apply(const char *old_text, const char *patch)
{
    struct buf out;
    size_t old_at = 0, line_number = 1;
    struct slice line;

    buf_init(&out, 0);
    while (take_line(&patch, &line)) {
        char sign = line.data[0];

        if (sign == '@') {
            unsigned long from = strtoul(line.data + 4, NULL, 10);
            const char *comma = strchr(line.data + 4, ',');
            const char *plus = strchr(line.data, '+');

            /* An empty range stands behind the line that it names. */
            from += comma && comma < plus && strtoul(comma + 1, NULL, 10) == 0;
            for (; line_number < from; line_number++) {
                size_t len = strcspn(old_text + old_at, "\n") + 1;

                buf_append(&out, old_text + old_at, len);
                old_at += len;
            }
            continue;
        }
        line = slice_make(line.data + 1, line.len - 1);
        if (strncmp(patch, "\\ No newline", 12) == 0) {
            struct slice note;

            line.len--;
            take_line(&patch, &note);
        }
        if (sign != '+') {
            skip_old(old_text, &old_at, line);
            line_number++;
        }
        if (sign != '-') {
            buf_append_slice(&out, line);
        }
    }
    buf_append_text(&out, old_text + old_at);
    return buf_take(&out);
}

static size_t count_changed(const struct text_diff *diff)
{
    size_t count = 0;

    for (size_t i = 0; i < diff->change_count; i++) {
        count += diff->changes[i].old_count + diff->changes[i].new_count;
    }
    return count;
}

/* The least number of edits, by the table that everybody trusts. */
static size_t least_edits(const struct text_diff *diff)
{
    size_t width = diff->old_pieces.count, height = diff->new_pieces.count;
    size_t *table = xcalloc((width + 1) * (height + 1), sizeof(*table));
    size_t least;

    for (size_t x = 0; x <= width; x++) {
        for (size_t y = 0; y <= height; y++) {
            size_t *cell = &table[x * (height + 1) + y];

            if (x == 0 || y == 0) {
                *cell = x + y;
            } else if (slice_equal(diff->old_pieces.items[x - 1], diff->new_pieces.items[y - 1])) {
                *cell = cell[-(ptrdiff_t)(height + 2)];
            } else {
                size_t drop = cell[-(ptrdiff_t)(height + 1)], add = cell[-1];

                *cell = 1 + (drop < add ? drop : add);
            }
        }
    }
    least = table[width * (height + 1) + height];
    free(table);
    return least;
}

static void applying_the_diff_gives_the_other_text_and_it_is_the_shortest(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 42);
    for (int i = 0; i < 4000; i++) {
        unsigned kinds = 1 + (unsigned)random_below(&random, 6);
        char *old_text = random_text(&random, 24, kinds), *new_text = random_text(&random, 24, kinds);
        char *patch = diff_lines(old_text, new_text), *got = apply(old_text, patch);
        struct text_diff diff;

        assert_string_equal(got, new_text);
        text_diff_init(&diff, TEXT_DIFF_LINES, slice_of(old_text), slice_of(new_text));
        assert_int_equal(count_changed(&diff), least_edits(&diff));
        text_diff_finish(&diff);
        free(old_text);
        free(new_text);
        free(patch);
        free(got);
    }
}

static void two_texts_with_nothing_in_common_cost_bounded_time_and_are_still_right(void **state)
{
    struct buf old_text, new_text;
    char *patch, *got;

    (void)state;
    buf_init(&old_text, 0);
    buf_init(&new_text, 0);
    for (int i = 0; i < 30000; i++) {
        buf_appendf(&old_text, "old %d\n", i);
        buf_appendf(&new_text, "new %d\n", i);
        if (i % 1000 == 0) {
            buf_appendf(&old_text, "both %d\n", i);
            buf_appendf(&new_text, "both %d\n", i);
        }
    }
    patch = diff_lines(buf_text(&old_text), buf_text(&new_text));
    got = apply(buf_text(&old_text), patch);
    assert_string_equal(got, buf_text(&new_text));
    free(patch);
    free(got);
    buf_finish(&old_text);
    buf_finish(&new_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_printed_as_diff_u_prints_them),
        cmocka_unit_test(words_are_marked_and_not_letters),
        cmocka_unit_test(applying_the_diff_gives_the_other_text_and_it_is_the_shortest),
        cmocka_unit_test(two_texts_with_nothing_in_common_cost_bounded_time_and_are_still_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
