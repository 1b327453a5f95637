#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "run/record_source_inside.h"

enum { MOST_RECORDS = 40 };

/* A source whose records come when the test lets them. */
struct scripted {
    struct record_source source;
    struct record records[MOST_RECORDS];
    size_t count, next;
    size_t hesitations; /* so often nothing comes in time */
    size_t fails_at;    /* 0: never */
};

static size_t closed;

static void scripted_close(struct record_source *source)
{
    closed++;
    free(source);
}

static bool scripted_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                          struct err *err)
{
    struct scripted *self = (struct scripted *)source;

    (void)wait_ms;
    if (self->hesitations > 0) {
        self->hesitations--;
        return true;
    }
    if (self->fails_at && self->next == self->fails_at) {
        return err_set(err, "broken at %zu", self->next);
    }
    *is_end = self->next == self->count;
    *record = *is_end ? NULL : &self->records[self->next++];
    return true;
}

static int64_t scripted_total(const struct record_source *source)
{
    return (int64_t)((const struct scripted *)source)->count;
}

static double scripted_share(const struct record_source *source)
{
    const struct scripted *self = (const struct scripted *)source;

    return self->count ? (double)self->next / (double)self->count : 1;
}

static const char *scripted_note(const struct record_source *source)
{
    return ((const struct scripted *)source)->count == 0 ? "nothing here" : "";
}

static const struct record_source_type scripted_type = {scripted_close, scripted_next, scripted_total, scripted_share,
                                                        scripted_note};

static struct scripted *script(int32_t partition, const int64_t timestamps[], size_t count)
{
    struct scripted *self = xcalloc(1, sizeof(*self));

    self->source.type = &scripted_type;
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        self->records[i] =
            (struct record){.topic = "t", .partition = partition, .offset = (int64_t)i, .timestamp_ms = timestamps[i]};
    }
    return self;
}

static struct record_source *merge(struct scripted *a, struct scripted *b, struct scripted *c)
{
    struct record_source **sources = xcalloc(3, sizeof(struct record_source *));

    closed = 0;
    sources[0] = &a->source;
    sources[1] = &b->source;
    sources[2] = &c->source;
    return record_source_merge(sources, 3);
}

static void records_come_by_time_and_each_partition_in_order(void **state)
{
    static const int64_t first[] = {10, 20, 60}, second[] = {10, 15, 70, 65}, third[] = {-1};
    static const struct {
        int32_t partition;
        int64_t offset;
    } expected[] = {{2, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {1, 2}, {1, 3}};
    struct record_source *source = merge(script(0, first, 3), script(1, second, 4), script(2, third, 1));
    const struct record *record;
    struct err err = {0};
    bool is_end;

    (void)state;
    assert_int_equal(record_source_total(source), 8);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(record_source_next(source, 0, &record, &is_end, &err));
        assert_non_null(record);
        assert_int_equal(record->partition, expected[i].partition);
        assert_int_equal(record->offset, expected[i].offset);
    }
    assert_true(record_source_next(source, 0, &record, &is_end, &err));
    assert_true(is_end && !record);
    assert_true(record_source_share(source) == 1);
    record_source_close(source);
    assert_int_equal(closed, 3);
}

static void nothing_is_handed_out_while_an_older_record_may_come(void **state)
{
    static const int64_t late[] = {5}, early[] = {10};
    struct scripted *slow = script(1, late, 1);
    struct record_source *source;
    const struct record *record;
    struct err err = {0};
    bool is_end;

    (void)state;
    slow->hesitations = 3;
    source = merge(script(0, early, 1), slow, script(2, NULL, 0));
    assert_string_equal(record_source_note(source), "nothing here");
    for (int i = 0; i < 3; i++) {
        assert_true(record_source_next(source, 0, &record, &is_end, &err));
        assert_true(!record && !is_end);
    }
    assert_true(record_source_next(source, 0, &record, &is_end, &err));
    assert_int_equal(record->timestamp_ms, 5);
    assert_true(record_source_next(source, 0, &record, &is_end, &err));
    assert_int_equal(record->timestamp_ms, 10);
    record_source_close(source);
}

static void an_error_of_one_is_an_error_of_all(void **state)
{
    static const int64_t times[] = {1, 2};
    struct scripted *broken = script(1, times, 2);
    struct record_source *source;
    const struct record *record;
    struct err err = {0};
    bool is_end;

    (void)state;
    broken->fails_at = 1;
    source = merge(script(0, times, 2), broken, script(2, NULL, 0));
    assert_true(record_source_next(source, 0, &record, &is_end, &err));
    assert_true(record_source_next(source, 0, &record, &is_end, &err));
    assert_false(record_source_next(source, 0, &record, &is_end, &err));
    assert_string_equal(err.text, "broken at 1");
    record_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_by_time_and_each_partition_in_order),
        cmocka_unit_test(nothing_is_handed_out_while_an_older_record_may_come),
        cmocka_unit_test(an_error_of_one_is_an_error_of_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
