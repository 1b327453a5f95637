#include "tests/support/judge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/books.h"

struct totals {
    size_t entries, emails, texts, held;
};

/* Frees all that it reads before it fails, so that leaks do not bury the reason. */
static struct totals judge_books(struct system *system)
{
    struct books *books = books_read(system);
    char *faults = books_find_faults(books);
    const struct totals totals = {
        .entries = books->count,
        .emails = books_count(books, CHANNEL_EMAIL, "sent"),
        .texts = books_count(books, CHANNEL_SMS, "sent"),
        .held = books_count(books, CHANNEL_SMS, "held"),
    };
    bool is_fine = faults[0] == '\0';

    if (!is_fine) {
        print_error("%s", faults);
    }
    free(faults);
    books_destroy(books);
    assert_true(is_fine);
    return totals;
}

size_t judge_all_sent(struct system *system, size_t emails, size_t texts, size_t held_most)
{
    struct totals totals;

    assert_true(system_wait_idle(system));
    totals = judge_books(system);
    assert_int_equal(totals.emails, emails);
    assert_int_equal(totals.texts + totals.held, texts);
    assert_int_equal(totals.entries, emails + texts);
    assert_in_range(totals.held, 0, held_most);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "dlq")), 0);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        assert_int_equal(system_sandbox_count(system, (enum channel)channel, "duplicates"), 0);
    }
    return totals.held;
}
