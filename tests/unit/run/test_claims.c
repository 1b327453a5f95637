#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "claims_fixture.h"

static const struct mid mid_a = {{0xa0, 1, 2, 3}}, mid_b = {{0xb0, 1, 2, 3}};

/* --- claim_record_parse ------------------------------------------------------------------------------------------- */

static void records_of_every_state_are_read(void **state)
{
    struct claim_record record;

    (void)state;
    assert_true(claim_record_parse(SLICE("W|7|1700000000000|2|1690000000000|boot.1|v1:abc|d"), &record));
    assert_int_equal(record.state, 'W');
    assert_int_equal(record.fence, 7);
    assert_int_equal(record.deadline_ms, 1700000000000);
    assert_int_equal(record.attempts, 2);
    assert_int_equal(record.first_ms, 1690000000000);
    assert_string_equal(record.fingerprint, "v1:abc|d");
    assert_true(claim_record_parse(SLICE("P|7|1|1|1||"), &record));
    assert_string_equal(record.fingerprint, "");
    assert_true(claim_record_parse(SLICE("S|9|0.17 id|with bars"), &record));
    assert_int_equal(record.fence, 9);
    assert_string_equal(record.info, "0.17 id|with bars");
    assert_true(claim_record_is_terminal(&record));
    assert_true(claim_record_parse(SLICE("X|0|too_old"), &record));
    assert_true(claim_record_parse(SLICE("S|1|"), &record));
    assert_true(claim_record_parse(SLICE("S|1"), &record));
    assert_string_equal(record.info, "");
}

static void texts_that_are_no_record_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "S", "S|", "S|x|id", "S|-1|id", "S|1234567890123456789|id", "Q|1|x", "SS|1|x", "|1|x", "W|1", "W|1|2", "W|1|2|3",
        "W|1|2|3|x|b|f", "W|1|2|1000001|4|b|f", "W|1||3|4|b|f", "s|1|x",
    };
    struct claim_record record;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (claim_record_parse(slice_of(bad[i]), &record)) {
            fail_msg("taken: \"%s\"", bad[i]);
        }
    }
    assert_false(claim_record_parse(slice_make("\0|1|x", 5), &record));
    assert_false(claim_record_parse(slice_make("\0|1|2|3|4|b|f", 13), &record)); /* no state, and not "there is none" */
    assert_false(claim_record_parse(slice_make(NULL, 0), &record));
}

/* --- with a connection -------------------------------------------------------------------------------------------- */

static void on_begun(void *arg, const struct claim_result *result)
{
    struct world *world = arg;

    world->begun++;
    world->result = *result;
}

static void on_settled(void *arg, enum claim_settled how)
{
    struct world *world = arg;

    world->settled++;
    world->how = how;
}

static void on_looked_up(void *arg, const struct claim_record *record)
{
    struct world *world = arg;

    world->looked_up++;
    world->record = *record;
}

static bool has_begun(void *arg)
{
    return ((struct world *)arg)->begun > 0;
}

static bool has_settled(void *arg)
{
    return ((struct world *)arg)->settled > 0;
}

static bool has_looked_up(void *arg)
{
    return ((struct world *)arg)->looked_up > 0;
}

static enum claim_answer begin(struct world *world, const struct mid *mid)
{
    world->claim.id[0] = '\0';
    world->begun = 0;
    claims_begin(world->claims, mid, &world->claim, "v1:print", NULL, TTL_MS, on_begun, world);
    assert_true(fakes_run(world->loop, 120000, has_begun, world));
    assert_int_equal(world->begun, 1);
    return world->result.answer;
}

static enum claim_settled settle(struct world *world, const struct mid *mid, char as, int64_t delay_ms)
{
    world->settled = 0;
    claims_settle(world->claims, mid, true, world->claim.fence, as, "1.2 info", TTL_MS, delay_ms, on_settled, world);
    assert_true(fakes_run(world->loop, 120000, has_settled, world));
    assert_int_equal(world->settled, 1);
    return world->how;
}

static char look_up(struct world *world, const struct mid *mid)
{
    world->looked_up = 0;
    claims_look_up(world->claims, mid, on_looked_up, world);
    assert_true(fakes_run(world->loop, 120000, has_looked_up, world));
    return world->record.state;
}

static void restart_redis_empty(struct world *world)
{
    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 10);
    fake_redis_empty();
    fake_redis_set_down(false);
    fakes_run_ms(world->loop, 200);
    wait_ready(world);
}

static void an_empty_redis_is_recovered_before_it_is_ready(void **state)
{
    struct world *world = *state;

    world->is_recovered_at_once = false;
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(world->recoveries, 1);
    assert_false(claims_is_ready(world->claims));
    claims_restore(world->claims, &mid_a, SLICE("S|12|- id"), CLAIM_FOREVER_MS);
    assert_int_equal(claims_restore_open_count(world->claims), 1);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(claims_restore_open_count(world->claims), 0);
    claims_recovered(world->claims);
    wait_ready(world);
    assert_int_equal(look_up(world, &mid_a), 'S');
    assert_int_equal(begin(world, &mid_a), CLAIM_DONE);
    assert_string_equal(world->result.record.info, "- id");
    assert_int_equal(begin(world, &mid_b), CLAIM_GO);
    assert_true(world->claim.fence > 1000000000000); /* above every fence that was ever given */
}

static void a_failed_recovery_is_asked_for_again(void **state)
{
    struct world *world = *state;

    world->is_recovered_at_once = false;
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->recoveries, 1);
    claims_recovery_failed(world->claims, "Kafka is away");
    assert_string_equal(claims_state_reason(world->claims), "Kafka is away");
    fakes_run_ms(world->loop, 1500);
    assert_int_equal(world->recoveries, 2); /* its own lease does not stand in the way */
    claims_recovered(world->claims);
    wait_ready(world);
}

static void another_workers_recovery_is_waited_for(void **state)
{
    struct world *world = *state;

    fake_redis_set(SLICE("n:{test.recovery}"), SLICE("somebody"));
    fakes_run_ms(world->loop, 10000);
    assert_int_equal(world->recoveries, 0);
    assert_string_equal(claims_state_reason(world->claims), "another worker is rebuilding Redis from the outcomes topic");
}

static void a_claim_is_taken_once(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    assert_int_equal(look_up(world, &mid_a), 0);
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
    assert_int_equal(world->claim.attempts, 1);
    assert_int_equal(look_up(world, &mid_a), 'W');
    assert_int_equal(begin(world, &mid_a), CLAIM_BUSY);
    assert_in_range(world->result.wait_ms, 14000, 15000);
    assert_int_equal(begin(world, &mid_b), CLAIM_GO);
}

static void an_expired_lease_is_ambiguous_and_never_free(void **state)
{
    struct world *world = *state;
    uint64_t fence;

    wait_ready(world);
    begin(world, &mid_a);
    fence = world->claim.fence;
    fakes_run_ms(world->loop, 16000);
    assert_int_equal(begin(world, &mid_a), CLAIM_AMBIGUOUS);
    assert_true(world->claim.fence > fence);
    assert_int_equal(world->claim.attempts, 2);
    assert_string_equal(world->result.fingerprint, "v1:print");
    assert_in_range(world->result.age_ms, 16000, 17000);
    assert_int_equal(settle(world, &mid_a, 'S', 0), CLAIM_SETTLED_OK);
    assert_int_equal(begin(world, &mid_a), CLAIM_DONE);
    assert_int_equal(world->result.record.state, 'S');
}

static void what_is_proved_not_sent_is_free_after_its_time(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    assert_int_equal(settle(world, &mid_a, 'P', 5000), CLAIM_SETTLED_OK);
    assert_int_equal(begin(world, &mid_a), CLAIM_LATER);
    assert_in_range(world->result.wait_ms, 4000, 5000);
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
    assert_int_equal(world->claim.attempts, 1); /* whoever settled it lived */
}

static void sent_stands_above_everything(void **state)
{
    struct world *world = *state;
    uint64_t old;

    wait_ready(world);
    begin(world, &mid_a);
    old = world->claim.fence;
    fakes_run_ms(world->loop, 16000);
    begin(world, &mid_a); /* taken over */
    world->claim.fence = old;
    assert_int_equal(settle(world, &mid_a, 'D', 0), CLAIM_SETTLED_STALE);
    assert_int_equal(settle(world, &mid_a, 'P', 0), CLAIM_SETTLED_STALE);
    assert_int_equal(settle(world, &mid_a, 'S', 0), CLAIM_SETTLED_OK);
    world->claim.fence = old + 1;
    assert_int_equal(settle(world, &mid_a, 'D', 0), CLAIM_SETTLED_WAS_SENT);
    assert_int_equal(look_up(world, &mid_a), 'S');
}

/* --- when Redis is away ------------------------------------------------------------------------------------------- */

static void calls_wait_while_redis_is_away(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fake_redis_set_down(true);
    claims_begin(world->claims, &mid_a, &world->claim, "v1:print", NULL, TTL_MS, on_begun, world);
    claims_look_up(world->claims, &mid_b, on_looked_up, world);
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(world->begun + world->looked_up, 0);
    assert_false(claims_is_ready(world->claims));
    fake_redis_set_down(false);
    assert_true(fakes_run(world->loop, 5000, has_begun, world));
    assert_int_equal(world->result.answer, CLAIM_GO);
    assert_int_equal(world->looked_up, 1);
}

static void a_begin_whose_answer_was_lost_is_ours(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fakes_plan(FAKE_FAULT_LOST, 2); /* executed; the answer is lost */
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
    assert_int_equal(world->claim.attempts, 1);
    assert_true(fakes_has_faulted());
    assert_int_equal(fake_redis_count("begin"), 2);
    /* and it is put back when Redis is emptied, as one whose answer came */
    restart_redis_empty(world);
    assert_int_equal(look_up(world, &mid_a), 'W');
}

static void what_was_written_lately_is_put_back(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    settle(world, &mid_a, 'S', 0);
    begin(world, &mid_b);
    settle(world, &mid_b, 'D', 0);
    restart_redis_empty(world);
    assert_int_equal(world->recoveries, 2);
    assert_int_equal(look_up(world, &mid_a), 'S');
    assert_int_equal(look_up(world, &mid_b), 'D');
    assert_string_equal(world->record.info, "1.2 info");
}

static void what_is_proved_not_sent_stays_so_when_it_is_put_back(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    settle(world, &mid_a, 'P', 1000);
    restart_redis_empty(world);
    fakes_run_ms(world->loop, 20000);
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
}

static void the_age_of_a_first_attempt_does_not_shrink(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    fakes_run_ms(world->loop, 50000);
    assert_int_equal(begin(world, &mid_a), CLAIM_AMBIGUOUS);
    restart_redis_empty(world);
    fakes_run_ms(world->loop, 16000);
    assert_int_equal(begin(world, &mid_a), CLAIM_AMBIGUOUS);
    assert_in_range(world->result.age_ms, 66000, 70000);
    assert_string_equal(world->result.fingerprint, "v1:print");
}

static void a_full_redis_is_not_asked_every_turn(void **state)
{
    struct world *world = *state;
    uint64_t before;

    wait_ready(world);
    before = fake_redis_count("begin");
    fake_redis_refuse("begin", REDIS_UNAVAILABLE, "OOM command not allowed", 3);
    claims_begin(world->claims, &mid_a, &world->claim, "v1:print", NULL, TTL_MS, on_begun, world);
    fakes_run_ms(world->loop, 500);
    assert_false(claims_is_ready(world->claims));
    assert_non_null(strstr(claims_state_reason(world->claims), "OOM"));
    assert_int_equal(fake_redis_count("begin"), before + 1);
    assert_true(fakes_run(world->loop, 10000, has_begun, world));
    assert_int_equal(fake_redis_count("begin"), before + 4);
}

static void a_check_that_is_refused_is_tried_again(void **state)
{
    static const char *const commands[] = {"TIME", "CONFIG", "HGET", "SET", "open_shard", "restore"};
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fake_redis_set_down(true);
        fakes_run_ms(world->loop, 10);
        fake_redis_empty();
        fake_redis_refuse(commands[i], REDIS_UNAVAILABLE, "MISCONF no disk", 1);
        fake_redis_set_down(false);
        fakes_run_ms(world->loop, 200);
        if (claims_is_ready(world->claims) || !strstr(claims_state_reason(world->claims), "MISCONF")) {
            fail_msg("%s: %s", commands[i], claims_state_reason(world->claims));
        }
        wait_ready(world);
    }
}

static void a_redis_that_may_evict_is_refused(void **state)
{
    struct world *world = *state;

    fake_redis_set_policy("allkeys-lru");
    fakes_run_ms(world->loop, 3000);
    assert_non_null(strstr(claims_state_reason(world->claims), "noeviction"));
    fake_redis_set_policy("noeviction");
    wait_ready(world);
    fake_redis_set_policy("allkeys-lru"); /* changed while we run: noticed within a minute */
    fakes_run_ms(world->loop, 61000);
    assert_false(claims_is_ready(world->claims));
    fake_redis_set_policy(NULL); /* not allowed to ask: taken at the operator's word */
    wait_ready(world);
}

static void clocks_that_differ_too_much_are_refused(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fakes_set_skew(61000);
    world->claim.id[0] = '\0';
    claims_begin(world->claims, &mid_a, &world->claim, "v1:print", NULL, TTL_MS, on_begun, world);
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(world->begun, 0);
    assert_non_null(strstr(claims_state_reason(world->claims), "clocks"));
    fakes_set_skew(-59000);
    assert_true(fakes_run(world->loop, 5000, has_begun, world));
    assert_int_equal(world->result.answer, CLAIM_GO);
}

static void an_outcome_without_an_attempt_is_not_built_on_a_forgotten_record(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    settle(world, &mid_a, 'S', 0);
    fake_redis_empty();
    claims_settle(world->claims, &mid_a, false, 0, 'X', "no_consent", TTL_MS, 0, on_settled, world);
    world->settled = 0;
    assert_true(fakes_run(world->loop, 60000, has_settled, world));
    assert_int_equal(world->how, CLAIM_SETTLED_WAS_SENT);
    assert_int_equal(world->recoveries, 2);
}

static void a_flushed_redis_is_noticed_by_the_next_begin(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    begin(world, &mid_a);
    settle(world, &mid_a, 'S', 0);
    fake_redis_empty();
    assert_int_equal(begin(world, &mid_a), CLAIM_DONE);
    assert_int_equal(world->recoveries, 2);
}

static void count_on_the_wire(void *arg, struct slice key, const char *text)
{
    (void)key;
    *(int *)arg += text[0] == 'W' && text[1] == '|';
}

/* Another worker may rebuild it meanwhile, and the outcomes topic does not tell of what is on the wire. */
static void a_flushed_redis_is_noticed_without_a_begin_and_gets_back_what_is_on_the_wire(void **state)
{
    struct world *world = *state;
    char key[CLAIM_KEY_SIZE];
    int on_the_wire = 0;

    wait_ready(world);
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
    fake_redis_empty();
    fake_redis_set(SLICE("n:{test.recovery}"), SLICE("somebody"));
    fake_redis_call((const struct slice[]){SLICE("HSET"), claim_guard_key("test", 0, key), SLICE("r"), SLICE("theirs")}, 4);
    fakes_run_ms(world->loop, 2000);
    assert_false(claims_is_ready(world->claims));
    assert_int_equal(world->recoveries, 1);
    fake_redis_each(count_on_the_wire, &on_the_wire);
    assert_int_equal(on_the_wire, 1);
}

static void an_answer_that_no_script_gives_is_distrusted(void **state)
{
    struct world *world = *state;

    wait_ready(world);
    fake_redis_refuse("begin", REDIS_OK, "HELLO", 1);
    fake_redis_refuse("settle", REDIS_OK, "HELLO", 1);
    fake_redis_refuse("GET", REDIS_ERROR, "NOPERM no permissions to access the key", 1);
    assert_int_equal(begin(world, &mid_a), CLAIM_GO);
    assert_int_equal(settle(world, &mid_a, 'S', 0), CLAIM_SETTLED_OK);
    assert_int_equal(look_up(world, &mid_a), 'S');
}

/* One broken record says nothing about Redis, and nothing but "sent" may replace it. */
static void a_broken_record_is_one_deliverys_trouble(void **state)
{
    static const char *const broken[] = {"S|", "S|x|id", "nonsense", "", "W|5|soon|1|2|them|v1:x", "D|12345678901234567890|no"};
    struct world *world = *state;
    struct mid other = {{0xab}};
    char key[CLAIM_KEY_SIZE];

    wait_ready(world);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        fake_redis_set(claim_record_key("test", &mid_a, key), slice_of(broken[i]));
        assert_int_equal(look_up(world, &mid_a), '!');
        assert_int_equal(begin(world, &mid_a), CLAIM_LATER);
        assert_int_equal(world->result.wait_ms, CLAIM_STRANGE_WAIT_MS);
        assert_int_equal(settle(world, &mid_a, 'X', 0), CLAIM_SETTLED_STRANGE);
        assert_true(claims_is_ready(world->claims));
        assert_true(slice_is(fake_redis_get(claim_record_key("test", &mid_a, key)), broken[i]));
    }
    fake_redis_refuse("GET", REDIS_ERROR, "WRONGTYPE Operation against a key holding the wrong kind of value", 1);
    assert_int_equal(look_up(world, &mid_a), '!');
    assert_true(claims_is_ready(world->claims));
    assert_int_equal(begin(world, &other), CLAIM_GO);
    assert_int_equal(settle(world, &mid_a, 'S', 0), CLAIM_SETTLED_OK);
    assert_int_equal(look_up(world, &mid_a), 'S');
}

#define claims_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_state_are_read),
        cmocka_unit_test(texts_that_are_no_record_are_refused),
        claims_test(an_empty_redis_is_recovered_before_it_is_ready),
        claims_test(a_failed_recovery_is_asked_for_again),
        claims_test(another_workers_recovery_is_waited_for),
        claims_test(a_claim_is_taken_once),
        claims_test(an_expired_lease_is_ambiguous_and_never_free),
        claims_test(what_is_proved_not_sent_is_free_after_its_time),
        claims_test(sent_stands_above_everything),
        claims_test(calls_wait_while_redis_is_away),
        claims_test(a_begin_whose_answer_was_lost_is_ours),
        claims_test(what_was_written_lately_is_put_back),
        claims_test(what_is_proved_not_sent_stays_so_when_it_is_put_back),
        claims_test(the_age_of_a_first_attempt_does_not_shrink),
        claims_test(a_full_redis_is_not_asked_every_turn),
        claims_test(a_check_that_is_refused_is_tried_again),
        claims_test(a_redis_that_may_evict_is_refused),
        claims_test(clocks_that_differ_too_much_are_refused),
        claims_test(an_outcome_without_an_attempt_is_not_built_on_a_forgotten_record),
        claims_test(a_flushed_redis_is_noticed_by_the_next_begin),
        claims_test(a_flushed_redis_is_noticed_without_a_begin_and_gets_back_what_is_on_the_wire),
        claims_test(an_answer_that_no_script_gives_is_distrusted),
        claims_test(a_broken_record_is_one_deliverys_trouble),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
