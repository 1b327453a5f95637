/*
 * Redis forgets: all of it, once and again while it is rebuilt; its last moments, with another server; and what a caller knows
 * better.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "claims_fixture.h"

static const struct mid mid_a = {{0xa0, 1, 2, 3}};

static bool is_recovering(void *arg)
{
    struct world *world = arg;

    return world->recoveries > 1;
}

static void on_begun(void *arg, const struct claim_result *result)
{
    struct world *world = arg;

    world->begun++;
    world->result = *result;
}

static bool is_begun(void *arg)
{
    return ((struct world *)arg)->begun > 0;
}

static enum claim_answer begin(struct world *world, const struct claim_record *known)
{
    world->claim.id[0] = '\0';
    world->begun = 0;
    claims_begin(world->claims, &mid_a, &world->claim, "v2:ours", known, TTL_MS, on_begun, world);
    assert_true(fakes_run(world->loop, 120000, is_begun, world));
    return world->result.answer;
}

static void count_on_the_wire(void *arg, struct slice key, const char *text)
{
    (void)key;
    *(int *)arg += text[0] == 'W' && text[1] == '|';
}

static int on_the_wire(void)
{
    int count = 0;

    fake_redis_each(count_on_the_wire, &count);
    return count;
}

/* Redis is emptied, and another worker has begun to rebuild it. */
static void empty_for_another(const char *mark)
{
    char key[CLAIM_KEY_SIZE];

    fake_redis_empty();
    fake_redis_set(SLICE("n:{test.recovery}"), SLICE("somebody"));
    fake_redis_call((const struct slice[]){SLICE("HSET"), claim_guard_key("test", 0, key), SLICE("r"), slice_of(mark)}, 4);
}

/* --- emptied again -------------------------------------------------------------------------------------------------- */

static void a_redis_that_was_emptied_while_it_was_rebuilt_is_not_whole(void **state)
{
    struct world *world = *state;

    world->is_recovered_at_once = false;
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->recoveries, 1);
    fake_redis_empty();
    claims_recovered(world->claims);
    fakes_run_ms(world->loop, 500);
    assert_false(claims_is_ready(world->claims));
    assert_true(fakes_run(world->loop, 5000, is_recovering, world));
    claims_recovered(world->claims);
    wait_ready(world);
}

static void what_is_on_the_wire_goes_back_under_each_rebuild_of_another(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    assert_int_equal(begin(world, NULL), CLAIM_GO);
    empty_for_another("first");
    fakes_run_ms(world->loop, 2500);
    assert_int_equal(on_the_wire(), 1);
    empty_for_another("second");
    assert_int_equal(on_the_wire(), 0);
    fakes_run_ms(world->loop, 2500);
    assert_int_equal(on_the_wire(), 1);
    assert_int_equal(world->recoveries, 1);
}

static void what_could_not_be_put_back_is_put_back_later(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    assert_int_equal(begin(world, NULL), CLAIM_GO);
    fake_redis_refuse("restore", REDIS_UNAVAILABLE, "BUSY", 1);
    empty_for_another("theirs");
    fakes_run_ms(world->loop, 4000);
    assert_int_equal(on_the_wire(), 1);
}

/* It sends nothing, but it knows what it sent. */
static void a_worker_with_a_wrong_clock_puts_back_too(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    assert_int_equal(begin(world, NULL), CLAIM_GO);
    fakes_set_skew(200000);
    empty_for_another("theirs");
    fakes_run_ms(world->loop, 3000);
    assert_false(claims_is_ready(world->claims));
    assert_string_equal(claims_state_reason(world->claims), "the clocks of this machine and of Redis differ too much");
    assert_int_equal(on_the_wire(), 1);
    assert_int_equal(world->recoveries, 1);
}

static void who_rebuilds_notices_that_another_began_anew(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    assert_int_equal(begin(world, NULL), CLAIM_GO);
    world->is_recovered_at_once = false;
    fake_redis_empty();
    assert_true(fakes_run(world->loop, 5000, is_recovering, world));
    empty_for_another("anothers");
    fakes_run_ms(world->loop, 2500);
    assert_int_equal(on_the_wire(), 1);
    assert_string_equal(claims_state_reason(world->claims), "another worker is rebuilding Redis from the outcomes topic");
}

static void an_attempt_that_failed_goes_on_while_nothing_is_forgotten(void **state)
{
    struct world *world = *state;

    world->is_recovered_at_once = false;
    fakes_run_ms(world->loop, 500);
    assert_false(claims_recovery_goes_on(world->claims));
    claims_recovery_failed(world->claims, "Kafka is away");
    fakes_run_ms(world->loop, 1500);
    assert_int_equal(world->recoveries, 2);
    assert_true(claims_recovery_goes_on(world->claims));
    claims_recovery_failed(world->claims, "Kafka is away");
    fake_redis_empty();
    fakes_run_ms(world->loop, 1500);
    assert_int_equal(world->recoveries, 3);
    assert_false(claims_recovery_goes_on(world->claims));
}

/* --- another server ------------------------------------------------------------------------------------------------- */

static void another_server_is_told_what_it_may_lack(void **state)
{
    struct world *world = *state;
    uint64_t fence;
    int64_t saved_ms;

    wait_ready(world);
    fakes_run_ms(world->loop, 3500);
    fake_redis_save();
    saved_ms = fakes_wall_ms();
    assert_int_equal(begin(world, NULL), CLAIM_GO);
    fence = world->claim.fence;
    fakes_run_ms(world->loop, 20000);
    fake_redis_fail_over();
    fakes_run_ms(world->loop, 500);
    wait_ready(world);
    assert_int_equal(world->recoveries, 2);
    assert_in_range(saved_ms - 300000 - claims_recovery_from_ms(world->claims), 0, 1100);
    assert_int_equal(begin(world, NULL), CLAIM_AMBIGUOUS);
    assert_true(world->claim.fence > fence);
}

static void another_server_is_known_to_who_never_saw_the_first(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fakes_run_ms(world->loop, 2000);
    claims_close(world->claims);
    fake_redis_save();
    fake_redis_fail_over();
    open_claims(world);
    wait_ready(world);
    assert_int_equal(world->recoveries, 2);
    assert_true(claims_recovery_from_ms(world->claims) > 0);
}

static void the_same_server_lacks_nothing(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fake_redis_break();
    fakes_run_ms(world->loop, 1000);
    wait_ready(world);
    claims_close(world->claims);
    open_claims(world);
    wait_ready(world);
    assert_int_equal(world->recoveries, 1);
}

static void without_a_word_on_the_server_all_is_told_again(void **state)
{
    static const char *const words[] = {"", "run0", "run9 ", "run9 soon", "run9 -5", " 1795255200000"};
    struct world *world = *state;

    wait_ready(world);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        claims_close(world->claims);
        world->recoveries = 0;
        fake_redis_set(SLICE("n:{test.recovery}:server"), slice_of(words[i]));
        open_claims(world);
        wait_ready(world);
        assert_int_equal(world->recoveries, 1);
        assert_true(i == 5 || claims_recovery_from_ms(world->claims) == 0);
    }
}

/* --- what the caller knows ------------------------------------------------------------------------------------------ */

static void what_the_caller_knows_counts_where_redis_knows_less(void **state)
{
    static const struct {
        const char *redis, *known;
        enum claim_answer answer;
    } cases[] = {
        {NULL, "U|5|0|1|1795255100000||v1:theirs", CLAIM_AMBIGUOUS},
        {NULL, "W|5|0|1|1795255100000||v1:theirs", CLAIM_AMBIGUOUS},
        {NULL, "W|5|1999999999999|1|1795255100000||v1:theirs", CLAIM_BUSY},
        {NULL, "P|5|0|1|1795255100000||v1:theirs", CLAIM_GO},
        {"P|4|1|1|1795255100000||", "U|5|0|1|1795255100000||v1:theirs", CLAIM_AMBIGUOUS},
        {"W|4|1|1|1795255100000|x|v1:theirs", "P|5|0|1|1795255100000||", CLAIM_GO},
        {"U|5|1|1|1795255100000||v1:theirs", "P|5|0|1|1795255100000||", CLAIM_GO},
        {"H|4|unknown", "U|5|0|1|1795255100000||v1:theirs", CLAIM_AMBIGUOUS},
        /* not where it knows as much, or more */
        {"P|5|1|1|1795255100000||", "U|5|0|1|1795255100000||v1:theirs", CLAIM_GO},
        {"P|6|1|1|1795255100000||", "U|5|0|1|1795255100000||v1:theirs", CLAIM_GO},
        {"H|5|unknown", "U|5|0|1|1795255100000||v1:theirs", CLAIM_DONE},
        {"D|6|refused", "U|5|0|1|1795255100000||v1:theirs", CLAIM_DONE},
        {"S|1|id", "U|5|0|1|1795255100000||v1:theirs", CLAIM_DONE},
        {"S2|1|id", "U|5|0|1|1795255100000||v1:theirs", CLAIM_LATER},
    };
    struct world *world = *state;

    wait_ready(world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct claim_record known;
        char key[CLAIM_KEY_SIZE];

        fake_redis_call((const struct slice[]){SLICE("DEL"), claim_record_key("test", &mid_a, key)}, 2);
        if (cases[i].redis) {
            fake_redis_set(claim_record_key("test", &mid_a, key), slice_of(cases[i].redis));
        }
        assert_true(claim_record_parse(slice_of(cases[i].known), &known));
        if (begin(world, &known) != cases[i].answer) {
            fail_msg("%s, known %s: %d", cases[i].redis ? cases[i].redis : "nothing", cases[i].known, world->result.answer);
        }
        if (world->result.answer == CLAIM_AMBIGUOUS) {
            assert_int_equal(world->result.first_ms, 1795255100000);
            assert_string_equal(world->result.fingerprint, "v1:theirs");
            assert_true(world->claim.fence > 5);
        }
    }
}

static void what_notes_say_of_claims_is_read_strictly(void **state)
{
    static const char *const bad[] = {"", "U", "S|1|id", "W|5|0|1|1||f", "U|9007199254740992|0|1|1||f", "U|5|0|1|1||a|b",
                                      "U|x|0|1|1||f", "U2|5|0|1|1||f"};
    struct claim_record record = {.state = 'W', .fence = 7, .deadline_ms = 9, .attempts = 2, .first_ms = 3,
                                  .fingerprint = "v1:f:4"};
    struct claim_record again;
    struct buf text;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (claim_record_parse_parked(slice_of(bad[i]), &again)) {
            fail_msg("taken: \"%s\"", bad[i]);
        }
    }
    claim_record_format_parked(&record, &text); /* whoever held it parks it: nobody does any more, and nobody knows */
    assert_true(claim_record_parse_parked(buf_slice(&text), &again));
    assert_int_equal(again.state, 'U');
    assert_int_equal(again.fence, 7);
    assert_int_equal(again.deadline_ms, 0);
    assert_int_equal(again.first_ms, 3);
    assert_string_equal(again.fingerprint, "v1:f:4");
    buf_finish(&text);
}

#define rebuild_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        rebuild_test(a_redis_that_was_emptied_while_it_was_rebuilt_is_not_whole),
        rebuild_test(what_is_on_the_wire_goes_back_under_each_rebuild_of_another),
        rebuild_test(what_could_not_be_put_back_is_put_back_later),
        rebuild_test(a_worker_with_a_wrong_clock_puts_back_too),
        rebuild_test(who_rebuilds_notices_that_another_began_anew),
        rebuild_test(an_attempt_that_failed_goes_on_while_nothing_is_forgotten),
        rebuild_test(another_server_is_told_what_it_may_lack),
        rebuild_test(another_server_is_known_to_who_never_saw_the_first),
        rebuild_test(the_same_server_lacks_nothing),
        rebuild_test(without_a_word_on_the_server_all_is_told_again),
        rebuild_test(what_the_caller_knows_counts_where_redis_knows_less),
        cmocka_unit_test(what_notes_say_of_claims_is_read_strictly),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
