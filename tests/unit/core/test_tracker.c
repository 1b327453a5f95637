#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"
#include "core/tracker.h"

static void assert_metadata(const struct tracker *tracker, const char *expected)
{
    struct buf text;

    buf_init(&text, 0);
    tracker_format_metadata(tracker, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_finish(&text);
}

static void a_new_tracker_is_where_it_begins(void **state)
{
    struct tracker *tracker = tracker_create(1017, "");

    (void)state;
    assert_int_equal(tracker_watermark(tracker), 1017);
    assert_int_equal(tracker_last(tracker), 1016);
    assert_int_equal(tracker_open_count(tracker), 0);
    assert_metadata(tracker, "");
    tracker_destroy(tracker);
    tracker_destroy(NULL);
}

static void the_watermark_waits_for_the_lowest_open_offset(void **state)
{
    struct tracker *tracker = tracker_create(10, "");

    (void)state;
    for (int64_t offset = 10; offset < 14; offset++) {
        assert_true(tracker_open(tracker, offset));
    }
    tracker_close(tracker, 12);
    tracker_close(tracker, 11);
    assert_int_equal(tracker_watermark(tracker), 10);
    assert_int_equal(tracker_open_count(tracker), 2);
    assert_metadata(tracker, "1:Bg=="); /* bits 1 and 2 */
    tracker_close(tracker, 10);
    assert_int_equal(tracker_watermark(tracker), 13);
    assert_metadata(tracker, "");
    tracker_close(tracker, 13);
    assert_int_equal(tracker_watermark(tracker), 14);
    assert_int_equal(tracker_last(tracker), 13);
    tracker_destroy(tracker);
}

static void it_walks_received_offsets_over_gaps(void **state)
{
    struct tracker *tracker = tracker_create(0, "");

    (void)state;
    tracker_open(tracker, 5);
    assert_int_equal(tracker_watermark(tracker), 5);
    tracker_open(tracker, 1000000007);
    tracker_close(tracker, 5);
    assert_int_equal(tracker_watermark(tracker), 1000000007);
    tracker_close(tracker, 1000000007);
    assert_int_equal(tracker_watermark(tracker), 1000000008);
    tracker_destroy(tracker);
}

static void the_end_of_the_partition_moves_the_watermark_only_when_nothing_is_open(void **state)
{
    struct tracker *tracker = tracker_create(0, "");

    (void)state;
    tracker_reach(tracker, 3);
    assert_int_equal(tracker_watermark(tracker), 3);
    tracker_open(tracker, 7);
    tracker_reach(tracker, 20);
    tracker_reach(tracker, 9);
    assert_int_equal(tracker_watermark(tracker), 7);
    assert_int_equal(tracker_last(tracker), 7);
    tracker_close(tracker, 7);
    assert_int_equal(tracker_watermark(tracker), 20);
    tracker_open(tracker, 20);
    assert_int_equal(tracker_watermark(tracker), 20);
    tracker_destroy(tracker);
}

static void what_the_metadata_says_is_done_is_not_done_again(void **state)
{
    /* Bits 1, 2 and 9. */
    struct tracker *tracker = tracker_create(100, "1:BgI=");

    (void)state;
    assert_true(tracker_open(tracker, 100));
    assert_false(tracker_open(tracker, 101));
    /* 102 and 109 were not received again yet, but are still done. */
    assert_metadata(tracker, "1:BgI=");
    assert_false(tracker_open(tracker, 102));
    assert_true(tracker_open(tracker, 103));
    assert_int_equal(tracker_open_count(tracker), 2);
    tracker_close(tracker, 100);
    assert_int_equal(tracker_watermark(tracker), 103);
    assert_metadata(tracker, "1:QA=="); /* 109 */
    tracker_close(tracker, 103);
    assert_int_equal(tracker_watermark(tracker), 104);
    assert_false(tracker_open(tracker, 109)); /* after a gap */
    assert_int_equal(tracker_watermark(tracker), 110);
    assert_metadata(tracker, "");
    assert_true(tracker_open(tracker, 110));
    tracker_destroy(tracker);
}

static void metadata_that_is_not_ours_is_ignored(void **state)
{
    static const char *const rows[] = {
        "", "x", "1", "1:", "2:Bg==", "1:B", "1:Bg=", "1:Bg==x", "1:####", "consumer-7", "1:Bg==\n", "\xff\xfe",
    };
    char longer[TRACKER_METADATA_MOST + 8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tracker *tracker = tracker_create(0, rows[i]);

        for (int64_t offset = 0; offset < 20; offset++) {
            assert_true(tracker_open(tracker, offset));
        }
        tracker_destroy(tracker);
    }
    memset(longer, '/', sizeof(longer));
    memcpy(longer, "1:", 2);
    longer[sizeof(longer) - 2] = '\0';
    struct tracker *tracker = tracker_create(0, longer);
    assert_true(tracker_open(tracker, 0));
    tracker_destroy(tracker);
}

static void a_bitmap_is_cut_to_what_the_metadata_can_hold(void **state)
{
    enum { COUNT = 40000, KEPT = (TRACKER_METADATA_MOST - 2) / 4 * 3 * 8 };
    struct tracker *tracker = tracker_create(0, "");
    struct buf text;

    (void)state;
    for (int64_t offset = 0; offset < COUNT; offset++) {
        tracker_open(tracker, offset);
    }
    for (int64_t offset = COUNT - 1; offset > 0; offset--) {
        tracker_close(tracker, offset);
    }
    buf_init(&text, TRACKER_METADATA_MOST);
    tracker_format_metadata(tracker, &text);
    assert_false(text.overflowed);
    assert_true(text.len > TRACKER_METADATA_MOST - 8);
    tracker_destroy(tracker);

    tracker = tracker_create(0, buf_text(&text));
    assert_true(tracker_open(tracker, 0));
    for (int64_t offset = 1; offset < COUNT; offset++) {
        assert_int_equal(tracker_open(tracker, offset), offset >= KEPT);
    }
    assert_int_equal(tracker_open_count(tracker), COUNT - KEPT + 1);
    tracker_close(tracker, 0);
    assert_int_equal(tracker_watermark(tracker), KEPT);
    tracker_destroy(tracker);
    buf_finish(&text);
}

/* --- against a model ---------------------------------------------------------------------------------------------- */

enum { MODEL_SIZE = 4000 };

enum model_state { ABSENT, OPEN, CLOSED };

/* The plainest form of the same thing: one state for each offset. */
struct model {
    enum model_state states[MODEL_SIZE];
    bool was_done[MODEL_SIZE];
    int64_t next;
};

static int64_t model_watermark(const struct model *model)
{
    for (int64_t i = 0; i < model->next; i++) {
        if (model->states[i] == OPEN) {
            return i;
        }
    }
    return model->next;
}

static size_t model_open_count(const struct model *model)
{
    size_t count = 0;

    for (int64_t i = 0; i < model->next; i++) {
        count += model->states[i] == OPEN;
    }
    return count;
}

static void compare(const struct tracker *tracker, const struct model *model, int64_t before)
{
    assert_int_equal(tracker_watermark(tracker), model_watermark(model));
    assert_int_equal(tracker_open_count(tracker), model_open_count(model));
    assert_true(tracker_watermark(tracker) >= before);
}

static void compare_metadata(const struct tracker *tracker, const struct model *model)
{
    int64_t watermark = model_watermark(model);
    struct buf text, bits;

    buf_init(&text, 0);
    buf_init(&bits, 0);
    tracker_format_metadata(tracker, &text);
    if (text.len) {
        assert_memory_equal(text.data, "1:", 2);
        assert_true(base64_parse(slice_make(text.data + 2, text.len - 2), &bits));
        assert_int_not_equal(bits.data[bits.len - 1], 0);
    }
    for (int64_t i = watermark; i < MODEL_SIZE; i++) {
        size_t bit = (size_t)(i - watermark);
        bool is_set = bit / 8 < bits.len && ((unsigned char)bits.data[bit / 8] >> bit % 8 & 1);
        bool is_closed = i < model->next ? model->states[i] == CLOSED : model->was_done[i];

        assert_int_equal(is_set, is_closed);
    }
    buf_finish(&text);
    buf_finish(&bits);
}

static void open_next(struct tracker *tracker, struct model *model, struct random *random, uint64_t most_gap)
{
    int64_t offset = model->next + (random_below(random, 4) == 0 ? (int64_t)random_below(random, most_gap + 1) : 0);

    if (offset >= MODEL_SIZE) {
        return;
    }
    assert_int_equal(tracker_open(tracker, offset), !model->was_done[offset]);
    model->states[offset] = model->was_done[offset] ? CLOSED : OPEN;
    model->next = offset + 1;
    assert_int_equal(tracker_last(tracker), offset);
}

static void close_any(struct tracker *tracker, struct model *model, struct random *random)
{
    uint64_t count = model_open_count(model);
    uint64_t nth = random_below(random, count);

    for (int64_t i = 0; count && i < model->next; i++) {
        if (model->states[i] == OPEN && nth-- == 0) {
            tracker_close(tracker, i);
            model->states[i] = CLOSED;
            return;
        }
    }
}

/* A process that ends without a word, and its successor: from the committed watermark on, with the metadata. */
static struct tracker *restart(struct tracker *tracker, struct model *model)
{
    int64_t watermark = tracker_watermark(tracker);
    struct buf text;

    buf_init(&text, 0);
    tracker_format_metadata(tracker, &text);
    tracker_destroy(tracker);
    tracker = tracker_create(watermark, buf_text(&text));
    buf_finish(&text);
    for (int64_t i = watermark; i < model->next; i++) {
        model->was_done[i] = model->states[i] == CLOSED;
        model->states[i] = ABSENT;
    }
    model->next = watermark;
    return tracker;
}

static void random_orders_with_gaps_and_restarts_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct model *model = test_calloc(1, sizeof(*model));
        struct tracker *tracker = tracker_create(0, "");
        struct random random;
        uint64_t bias, most_gap;

        random_init(&random, seed);
        bias = 2 + random_below(&random, 7); /* of 10 steps, how many open */
        most_gap = random_below(&random, 20);
        for (int step = 0; step < 1500; step++) {
            int64_t before = tracker_watermark(tracker);

            if (random_below(&random, 400) == 0) {
                tracker = restart(tracker, model);
            } else if (random_below(&random, 10) < bias) {
                open_next(tracker, model, &random, most_gap);
            } else {
                close_any(tracker, model, &random);
            }
            if (random_below(&random, 100) == 0 && model->next < MODEL_SIZE - 5) {
                model->next += 3;
                tracker_reach(tracker, model->next);
            }
            compare(tracker, model, before);
            if (step % 20 == 0) {
                compare_metadata(tracker, model);
            }
        }
        while (model_open_count(model)) {
            close_any(tracker, model, &random);
        }
        compare(tracker, model, 0);
        assert_int_equal(tracker_watermark(tracker), model->next);
        tracker_destroy(tracker);
        test_free(model);
    }
}

static void a_large_window_is_let_go_when_it_empties(void **state)
{
    struct tracker *tracker = tracker_create(0, "");

    (void)state;
    for (int round = 0; round < 3; round++) {
        int64_t base = round * 20000;

        for (int64_t i = 0; i < 20000; i++) {
            tracker_open(tracker, base + i);
        }
        for (int64_t i = 0; i < 20000; i++) {
            tracker_close(tracker, base + i * 7919 % 20000);
        }
        assert_int_equal(tracker_watermark(tracker), base + 20000);
        assert_int_equal(tracker_open_count(tracker), 0);
    }
    tracker_destroy(tracker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_tracker_is_where_it_begins),
        cmocka_unit_test(the_watermark_waits_for_the_lowest_open_offset),
        cmocka_unit_test(it_walks_received_offsets_over_gaps),
        cmocka_unit_test(the_end_of_the_partition_moves_the_watermark_only_when_nothing_is_open),
        cmocka_unit_test(what_the_metadata_says_is_done_is_not_done_again),
        cmocka_unit_test(metadata_that_is_not_ours_is_ignored),
        cmocka_unit_test(a_bitmap_is_cut_to_what_the_metadata_can_hold),
        cmocka_unit_test(random_orders_with_gaps_and_restarts_agree_with_the_model),
        cmocka_unit_test(a_large_window_is_let_go_when_it_empties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
