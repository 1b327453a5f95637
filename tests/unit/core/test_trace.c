#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void what_was_parsed_is_written_the_same(void **state)
{
    struct trace_context context;
    char text[TRACE_TEXT_SIZE];

    (void)state;
    assert_true(trace_parse(SLICE(GOOD), &context));
    assert_true(context.is_sampled);
    assert_int_equal(context.trace_id[0], 0x0a);
    assert_int_equal(context.trace_id[15], 0x9c);
    assert_int_equal(context.span_id[7], 0x31);
    trace_format(&context, text);
    assert_string_equal(text, GOOD);
    assert_true(trace_parse(SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"), &context));
    assert_false(context.is_sampled);
    trace_format(&context, text);
    assert_string_equal(text, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
}

static void only_what_w3c_allows_is_taken(void **state)
{
    static const struct {
        const char *name;
        struct slice text;
        bool is_good;
    } rows[] = {
        {"good", SLICE(GOOD), true},
        {"a later version", SLICE("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), true},
        {"a later version that goes on", SLICE("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"), true},
        {"a later version that goes on without a dash", SLICE("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x"),
         false},
        {"version 00 that goes on", SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"), false},
        {"version ff", SLICE("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), false},
        {"upper case", SLICE("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"), false},
        {"no hex", SLICE("00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01"), false},
        {"no trace", SLICE("00-00000000000000000000000000000000-b7ad6b7169203331-01"), false},
        {"no span", SLICE("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"), false},
        {"another separator", SLICE("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), false},
        {"too short", SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"), false},
        {"a NUL in it", SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920\00031-01"), false},
        {"empty", SLICE(""), false},
        {"nothing", {NULL, 0}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* On the heap without a NUL, so that a read beyond the end is seen. */
        char *copy = malloc(rows[i].text.len ? rows[i].text.len : 1);
        struct trace_context context = {.span_id = {7}};

        if (rows[i].text.len) {
            memcpy(copy, rows[i].text.data, rows[i].text.len);
        }
        if (trace_parse(slice_make(rows[i].text.data ? copy : NULL, rows[i].text.len), &context) != rows[i].is_good) {
            fail_msg("%s", rows[i].name);
        }
        assert_true(rows[i].is_good || context.span_id[0] == 7);
        free(copy);
    }
}

static void a_trace_is_named_after_its_event(void **state)
{
    uint8_t one[TRACE_ID_SIZE], same[TRACE_ID_SIZE], other[TRACE_ID_SIZE];

    (void)state;
    trace_id_of_event("/loyalty", "1", one);
    trace_id_of_event("/loyalty", "1", same);
    trace_id_of_event("/loyalty1", "", other);
    assert_memory_equal(one, same, TRACE_ID_SIZE);
    assert_memory_not_equal(one, other, TRACE_ID_SIZE);
}

static void about_the_part_that_is_wanted_is_chosen(void **state)
{
    int chosen = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint8_t trace_id[TRACE_ID_SIZE];
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        trace_id_of_event("/loyalty", id, trace_id);
        assert_false(trace_is_chosen(trace_id, 0));
        assert_true(trace_is_chosen(trace_id, 1));
        chosen += trace_is_chosen(trace_id, 0.1);
        assert_true(!trace_is_chosen(trace_id, 0.1) || trace_is_chosen(trace_id, 0.2));
    }
    assert_in_range(chosen, 900, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_parsed_is_written_the_same),
        cmocka_unit_test(only_what_w3c_allows_is_taken),
        cmocka_unit_test(a_trace_is_named_after_its_event),
        cmocka_unit_test(about_the_part_that_is_wanted_is_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
