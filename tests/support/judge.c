#include "tests/support/judge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/books.h"

size_t judge_all_sent(struct system *system, size_t emails, size_t texts, size_t held_most)
{
    struct books *books;
    char *faults;
    size_t held;

    assert_true(system_wait_idle(system));
    books = books_read(system);
    faults = books_find_faults(books);
    assert_string_equal(faults, "");
    held = books_count(books, CHANNEL_SMS, "held");
    assert_int_equal(books_count(books, CHANNEL_EMAIL, "sent"), emails);
    assert_int_equal(books_count(books, CHANNEL_SMS, "sent") + held, texts);
    assert_int_equal(books->count, emails + texts);
    assert_in_range(held, 0, held_most);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "dlq")), 0);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        assert_int_equal(system_sandbox_count(system, (enum channel)channel, "duplicates"), 0);
    }
    free(faults);
    books_destroy(books);
    return held;
}
