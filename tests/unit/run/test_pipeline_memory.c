/* T33: one event of each kind; an allocation that it needs fails, each once, in a child of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "core/json_memory.h"
#include "pipeline_fixture.h"
#include "tests/support/every_allocation.h"

static const char libraries[] = "libjansson,libcrypto";
static const int64_t DAY_MS = 86400000;

static const char *const topics[] = {"loyalty.outcomes",  "loyalty.dlq",      "loyalty.held",    "loyalty.retry.1m",
                                     "loyalty.retry.10m", "loyalty.retry.1h", "loyalty.retry.6h"};
enum { TOPICS = sizeof(topics) / sizeof(topics[0]), SHORT_STEP = 29 };

static const struct kind {
    const char *name, *type, *data; /* `data`: of the event, behind "n" and the member's id; NULL: no event */
    int64_t age_ms;
    enum fake_behaviour behaviour; /* of the provider, the first time and at both channels */
    bool is_twice;
    int outcomes; /* in the end */
} kinds[] = {
    {"sent", "test.order", "", 0, FAKE_ACCEPT, false, 2},
    {"read twice", "test.order", "", 0, FAKE_ACCEPT, true, 2},
    {"unknown", "test.order", "", 0, FAKE_ACCEPT_LOSE_ANSWER, false, 2},
    {"unknown, asked for", "test.ask", "", 0, FAKE_ACCEPT_LOSE_ANSWER, false, 1},
    {"refused for now", "test.order", "", 0, FAKE_REFUSE_NOW, false, 2},
    {"too many", "test.order", "", 0, FAKE_ANSWER_429, false, 2},
    {"no connection", "test.order", "", 0, FAKE_NEVER_BEGIN, false, 2},
    {"refused for good", "test.order", "", 0, FAKE_ANSWER_400, false, 2},
    {"without consent", "test.order", ",\"consent\":{\"email\":false,\"sms\":false}", 0, FAKE_ACCEPT, false, 2},
    {"too old", "test.order", "", 2 * DAY_MS, FAKE_ACCEPT, false, 2},
    {"cannot be rendered", "test.order", "},\"broken\":true,\"x\":{", 0, FAKE_ACCEPT, false, 2},
    {"for no flow", "test.elsewhere", "", 0, FAKE_ACCEPT, false, 0},
    {"no event", NULL, NULL, 0, FAKE_ACCEPT, false, 0},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What stands outside of the process; commits apart. */
struct sight {
    int64_t ends[TOPICS];
    size_t messages;
};

struct case_of_kind {
    struct process *process;
    const struct kind *kind;
    struct sight whole; /* when no allocation fails */
};

static struct sight look(void)
{
    struct sight sight = {.messages = fake_http_message_count()};

    for (size_t i = 0; i < TOPICS; i++) {
        sight.ends[i] = count_in(topics[i]);
    }
    return sight;
}

static void append(const struct kind *kind)
{
    char text[1024], time[CLOCK_ISO_SIZE];

    clock_format_iso(fakes_wall_ms() - kind->age_ms, time);
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/test\",\"type\":\"%s\",\"time\":\"%s\",\"data\":{\"n\":\"n1\","
             "\"member\":{\"id\":\"m1\",\"email\":\"m1@example.com\",\"phone\":\"+36301234567\"%s}}}",
             kind->type ? kind->type : "", time, kind->data ? kind->data : "");
    if (!kind->data) {
        text[20] = '\0';
    }
    for (int i = 0; i < 1 + kind->is_twice; i++) {
        fake_kafka_append("loyalty.events", 0, SLICE("m1"), slice_of(text), NULL, 0);
    }
}

static void handle(void *arg)
{
    const struct case_of_kind *one = arg;

    run_until_idle(one->process);
}

static bool is_committed(void)
{
    return fake_kafka_committed("perkline-email", "loyalty.events", 0) > 0 &&
           fake_kafka_committed("perkline-sms", "loyalty.events", 0) > 0;
}

/* Whoever goes on has done all; whoever has ended has committed nothing that is not done, which may be parked. */
static bool is_right(void *arg, bool has_ended)
{
    const struct case_of_kind *one = arg;
    struct sight now = look();
    bool has_parked = one->whole.ends[3] > 0;

    if (has_ended ? is_committed() && (has_parked ? now.ends[3] == 0 : memcmp(&now, &one->whole, sizeof(now)) != 0)
                  : memcmp(&now, &one->whole, sizeof(now)) != 0) {
        fprintf(stderr, "outside it looks otherwise: %zu messages, %lld outcomes%s\n", now.messages, (long long)now.ends[0],
                is_committed() ? ", committed" : "");
        return false;
    }
    return true;
}

/* SLOW=1: every one. */
static int step(void)
{
    return getenv("SLOW") ? 1 : SHORT_STEP;
}

/* A worker that is ready, and the event that waits for it. */
static void begin(const struct kind *kind, struct case_of_kind *one)
{
    void *fixture;

    set_up(&fixture);
    one->process = fixture;
    one->kind = kind;
    fake_http_script("m1@example.com", 1, 1, kind->behaviour);
    fake_http_script("+36301234567", 1, 1, kind->behaviour);
    append(kind);
}

static void end(struct case_of_kind *one)
{
    void *fixture = one->process;

    tear_down(&fixture);
}

static struct every_allocation_figures fail_in(const struct kind *kind)
{
    struct every_allocation_figures figures;
    struct case_of_kind one;

    begin(kind, &one);
    handle(&one);
    one.whole = look();
    assert_int_equal(one.whole.ends[0], kind->outcomes);
    assert_true(is_committed());
    end(&one);
    begin(kind, &one);
    figures = every_allocation_fail(&(struct every_allocation){libraries, step(), handle, is_right, &one});
    end(&one);
    print_message("%s: %d, %d ended with a line that says why, %d went on, %d otherwise\n", kind->name, figures.counted,
                  figures.ended, figures.went_on, figures.wrong);
    return figures;
}

static void an_event_of_each_kind_ends_rightly_whichever_allocation_fails(void **state)
{
    int counted = 0, wrong = 0;

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct every_allocation_figures figures = fail_in(&kinds[i]);

        assert_true(figures.counted > 100 / step());
        counted += figures.counted;
        wrong += figures.wrong;
    }
    print_message("%d allocations\n", counted);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_of_each_kind_ends_rightly_whichever_allocation_fails),
    };

    json_memory_use();
    digest_use_memory();
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
