/* T33: templates are read, and messages made of them; an allocation fails, each once, in a child of its own. No template is
 * refused and no message dropped for want of memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/digest.h"
#include "catalog_fixture.h"
#include "core/json_memory.h"
#include "core/locale.h"
#include "tests/support/every_allocation.h"

static const char libraries[] = "libjansson,libyaml,libicu,libcrypto";
enum { SHORT_STEP = 61 };

/* What a message may ask of ICU. */
static const char dear[] = "=== news/email.en.liquid\n"
                           "---\nsubject: \"{{ 'points.left' | t: count: points }} for {{ member.first_name }}\"\n---\n"
                           "{% include 'hello' %}<p>{{ points | number }} until {{ until | local_date: \"full\" }}, "
                           "{{ 12.5 | money: \"HUF\" }}</p>\n";

struct work {
    const struct catalog *catalog; /* NULL: it is to be read */
    bool is_done;
};

static const char *const texts[] = {good, dear};

static void read_templates(void *arg)
{
    struct work *work = arg;
    struct diag_list diags;
    struct catalog *catalog;

    diag_list_init(&diags);
    catalog = build(texts, 2, &diags);
    work->is_done = catalog && diags.count == 0;
    for (size_t i = 0; i < diags.count; i++) {
        fprintf(stderr, "%s: %s\n", diags.items[i].file, diags.items[i].message);
    }
    diag_list_finish(&diags);
    catalog_unref(catalog);
}

static void make_messages(void *arg)
{
    static const char text[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"loyalty.news\",\"time\":"
                               "\"2026-11-21T23:30:00Z\",\"data\":{\"points\":1200,\"until\":\"2026-12-31\",\"member\":{"
                               "\"id\":\"42\",\"first_name\":\"Eva\",\"email\":\"eva@example.com\",\"phone\":\"+36301234567\","
                               "\"time_zone\":\"Europe/Budapest\"}}}";
    struct work *work = arg;
    struct record record = {.topic = "", .timestamp_ms = -1, .value = SLICE(text)};
    struct event event = {0};
    const char *reason;
    struct err err = {0};

    work->is_done = event_decode(&record, &event, &reason, &err);
    for (int i = 0; i < 2 * CHANNEL_COUNT && work->is_done; i++) {
        struct render_error error = {.text = ""};
        struct message message = {0};

        work->is_done = catalog_render(work->catalog, catalog_find_flow(work->catalog, "news"),
                                       (enum channel)(i % CHANNEL_COUNT), &event, i < CHANNEL_COUNT ? "en" : "hu", &message,
                                       &error);
        if (!work->is_done) {
            fprintf(stderr, "%s\n", error.text);
        }
        message_finish(&message);
    }
    event_finish(&event);
}

static bool is_right(void *arg, bool has_ended)
{
    const struct work *work = arg;

    return has_ended || work->is_done;
}

static void fail_each(const char *name, void (*fn)(void *arg), const struct catalog *catalog)
{
    struct work work = {.catalog = catalog};
    int step = getenv("SLOW") ? 1 : SHORT_STEP;
    struct every_allocation_figures figures =
        every_allocation_fail(&(struct every_allocation){libraries, step, fn, is_right, &work});

    print_message("%s: %d, %d ended with a line that says why, %d went on, %d otherwise\n", name, figures.counted,
                  figures.ended, figures.went_on, figures.wrong);
    assert_true(figures.counted > 1000 / step);
    assert_int_equal(figures.wrong, 0);
}

static void templates_are_never_refused_for_want_of_memory(void **state)
{
    (void)state;
    fail_each("templates are read", read_templates, NULL);
}

static void a_message_is_never_dropped_for_want_of_memory(void **state)
{
    struct diag_list diags;
    struct catalog *catalog;

    (void)state;
    diag_list_init(&diags);
    catalog = build(texts, 2, &diags);
    assert_non_null(catalog);
    fail_each("messages are made", make_messages, catalog);
    catalog_unref(catalog);
    diag_list_finish(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_never_refused_for_want_of_memory),
        cmocka_unit_test(a_message_is_never_dropped_for_want_of_memory),
    };

    json_memory_use();
    locale_use_memory();
    digest_use_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
