#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "core/lanes.h"

static char text_a[] = "a", text_b[] = "b", text_c[] = "c";

static void entries_of_one_member_go_one_after_the_other(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry a, b, c;

    (void)state;
    assert_true(lanes_enter(lanes, SLICE("42"), &a, text_a));
    assert_false(lanes_enter(lanes, SLICE("42"), &b, text_b));
    assert_false(lanes_enter(lanes, SLICE("42"), &c, text_c));
    assert_int_equal(lanes_count(lanes), 1);
    assert_string_equal(lanes_leave(lanes, &a), "b");
    assert_string_equal(lanes_leave(lanes, &b), "c");
    assert_null(lanes_leave(lanes, &c));
    assert_int_equal(lanes_count(lanes), 0);
    assert_true(lanes_enter(lanes, SLICE("42"), &a, text_a));
    assert_null(lanes_leave(lanes, &a));
    lanes_destroy(lanes);
    lanes_destroy(NULL);
}

static void members_do_not_wait_for_each_other(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry a, b, c;

    (void)state;
    assert_true(lanes_enter(lanes, SLICE("42"), &a, text_a));
    assert_true(lanes_enter(lanes, SLICE("4"), &b, text_b));
    assert_true(lanes_enter(lanes, slice_make("42\0", 3), &c, text_c));
    assert_int_equal(lanes_count(lanes), 3);
    assert_null(lanes_leave(lanes, &b));
    assert_null(lanes_leave(lanes, &a));
    assert_null(lanes_leave(lanes, &c));
    lanes_destroy(lanes);
}

static void leaving_from_the_middle_or_the_end_lets_nobody_new_go(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry entries[4], late;

    (void)state;
    for (int i = 0; i < 4; i++) {
        lanes_enter(lanes, SLICE("m"), &entries[i], &entries[i]);
    }
    assert_null(lanes_leave(lanes, &entries[1]));
    assert_null(lanes_leave(lanes, &entries[3]));
    assert_false(lanes_enter(lanes, SLICE("m"), &late, &late));
    assert_ptr_equal(lanes_leave(lanes, &entries[0]), &entries[2]);
    assert_ptr_equal(lanes_leave(lanes, &entries[2]), &late);
    assert_null(lanes_leave(lanes, &late));
    assert_int_equal(lanes_count(lanes), 0);
    lanes_destroy(lanes);
}

static void leaving_twice_does_nothing(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry a, b;

    (void)state;
    lanes_enter(lanes, SLICE("m"), &a, text_a);
    lanes_enter(lanes, SLICE("m"), &b, text_b);
    assert_string_equal(lanes_leave(lanes, &a), "b");
    assert_null(lanes_leave(lanes, &a));
    assert_int_equal(lanes_count(lanes), 1);
    lanes_leave(lanes, &b);
    lanes_destroy(lanes);
}

static void an_empty_key_means_no_order(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry a, b;

    (void)state;
    assert_true(lanes_enter(lanes, SLICE(""), &a, text_a));
    assert_true(lanes_enter(lanes, slice_make(NULL, 0), &b, text_b));
    assert_int_equal(lanes_count(lanes), 0);
    assert_null(lanes_leave(lanes, &a));
    assert_null(lanes_leave(lanes, &b));
    lanes_destroy(lanes);
}

static void the_key_is_copied_and_may_have_any_length(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry a, b, c;
    char key[1000];

    (void)state;
    memset(key, 'k', sizeof(key));
    assert_true(lanes_enter(lanes, slice_make(key, sizeof(key)), &a, text_a));
    key[999] = 'x';
    assert_true(lanes_enter(lanes, slice_make(key, sizeof(key)), &b, text_b));
    key[999] = 'k';
    assert_false(lanes_enter(lanes, slice_make(key, sizeof(key)), &c, text_c));
    assert_string_equal(lanes_leave(lanes, &a), "c");
    lanes_leave(lanes, &b);
    lanes_leave(lanes, &c);
    lanes_destroy(lanes);
}

static void destroying_frees_lanes_that_are_in_use(void **state)
{
    struct lanes *lanes = lanes_create();
    struct lane_entry entries[10];
    char key[8];

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "%d", i % 4);
        lanes_enter(lanes, slice_of(key), &entries[i], NULL);
    }
    lanes_destroy(lanes);
    for (int i = 0; i < 10; i++) {
        assert_null(entries[i].lane);
    }
}

/* Random entering and leaving; after each step exactly the first entry of each member may go. */
static void in_any_order_exactly_the_first_of_each_member_may_go(void **state)
{
    enum { ENTRIES = 300, MEMBERS = 40 };
    static struct item {
        struct lane_entry entry;
        uint64_t came; /* 0: not in */
        unsigned member;
        bool may_go;
    } items[ENTRIES];
    struct lanes *lanes = lanes_create();
    struct random random;

    (void)state;
    random_init(&random, 5);
    for (uint64_t step = 1; step < 20000; step++) {
        struct item *item = &items[random_below(&random, ENTRIES)];
        unsigned first[MEMBERS] = {0};
        size_t members = 0;

        if (item->came == 0) {
            char key[8];

            item->member = (unsigned)random_below(&random, MEMBERS);
            item->came = step;
            snprintf(key, sizeof(key), "m%u", item->member);
            item->may_go = lanes_enter(lanes, slice_of(key), &item->entry, item);
        } else {
            struct item *next = lanes_leave(lanes, &item->entry);

            item->came = 0;
            if (next) {
                assert_false(next->may_go);
                next->may_go = true;
            }
        }
        for (unsigned i = 0; i < ENTRIES; i++) {
            unsigned *f = &first[items[i].member];

            if (items[i].came && (*f == 0 || items[i].came < items[*f - 1].came)) {
                members += *f == 0;
                *f = i + 1;
            }
        }
        for (unsigned i = 0; i < ENTRIES; i++) {
            if (items[i].came) {
                assert_int_equal(items[i].may_go, first[items[i].member] == i + 1);
            }
        }
        assert_int_equal(lanes_count(lanes), members);
    }
    lanes_destroy(lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_one_member_go_one_after_the_other),
        cmocka_unit_test(members_do_not_wait_for_each_other),
        cmocka_unit_test(leaving_from_the_middle_or_the_end_lets_nobody_new_go),
        cmocka_unit_test(leaving_twice_does_nothing),
        cmocka_unit_test(an_empty_key_means_no_order),
        cmocka_unit_test(the_key_is_copied_and_may_have_any_length),
        cmocka_unit_test(destroying_frees_lanes_that_are_in_use),
        cmocka_unit_test(in_any_order_exactly_the_first_of_each_member_may_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
