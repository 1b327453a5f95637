/*
 * The pipeline as a rehearsal: what would be done is told, and nothing of it is done.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/pipeline.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct templates *templates;
    struct claims *claims;
    struct pipeline *pipeline;

    int done;
    bool is_complete, is_rendered, is_repeated;
    enum outcome_state outcome;
    char settle_as;
    char reason[64];
    char text[64];
};

static void on_done(void *arg, struct parcel *parcel, bool is_complete)
{
    struct world *world = arg;
    const struct task *task = &parcel->tasks[0];

    world->done++;
    world->is_complete = is_complete;
    world->is_rendered = task->is_rendered;
    world->is_repeated = task->is_repeated;
    world->outcome = task->outcome;
    world->settle_as = task->settle_as;
    snprintf(world->reason, sizeof(world->reason), "%s", task->reason);
    snprintf(world->text, sizeof(world->text), "%s", task->message.text ? task->message.text : "");
}

static void open_claims(struct world *world)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .only_looks_up = true};
    struct err err = {0};

    world->claims = claims_open(world->loop, &redis, &claims, world->metrics, &err);
    assert_non_null(world->claims);
    fakes_run_ms(world->loop, 100);
    assert_true(claims_is_ready(world->claims));
}

static void create_pipeline(struct world *world, bool is_as_of_event)
{
    world->pipeline = pipeline_create(
        &(struct pipeline_parts){
            .is_rehearsal = true,
            .is_as_of_event = is_as_of_event,
            .channel = CHANNEL_EMAIL,
            .loop = world->loop,
            .claims = world->claims,
            .templates = world->templates,
            .metrics = world->metrics,
        },
        on_done, world);
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    struct diag_list diags;
    struct err err = {0};

    fakes_begin();
    fake_catalog_set_version("v1");
    world->loop = loop_create();
    world->metrics = metrics_create();
    diag_list_init(&diags);
    world->templates = templates_open(fake_templates_dir(), "en", world->metrics, &diags, &err);
    diag_list_finish(&diags);
    *state = world;
    return world->templates ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    pipeline_destroy(world->pipeline);
    claims_close(world->claims);
    templates_close(world->templates);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
    free(world);
    fakes_end();
    return 0;
}

/* An event of flow "order" that is so old, with more members of data. */
static struct parcel *make_parcel(struct world *world, int64_t age_ms, const char *more)
{
    const struct kafka_record record = {.topic = "loyalty.events", .offset = 7};
    struct parcel *parcel = parcel_create(&record);
    char time[CLOCK_ISO_SIZE], value[512];
    struct err err = {0};
    const char *reason;
    struct plan plan;

    clock_format_iso(fakes_wall_ms() - age_ms, time);
    snprintf(value, sizeof(value),
             "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"test.order\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"1\",\"member\":{\"id\":\"m\",\"email\":\"m@example.com\"%s}}}",
             time, more);
    assert_true(event_decode(&(struct record){.topic = "t", .value = slice_of(value)}, &parcel->event, &reason, &err));
    parcel->is_event = true;
    parcel->is_only_here = true;
    parcel->catalog = catalog_ref(templates_current(world->templates));
    assert_true(plan_make(parcel->catalog, &parcel->event, CHANNEL_EMAIL, &plan, &reason, &err));
    assert_int_equal(plan.count, 1);
    parcel_add_tasks(parcel, 1);
    parcel->tasks[0].flow = plan.deliveries[0].flow;
    parcel->tasks[0].mid = plan.deliveries[0].mid;
    return parcel;
}

static void set_record(const struct parcel *parcel, const char *value)
{
    const struct mid *mid = &parcel->tasks[0].mid;
    char key[64];
    int len = snprintf(key, sizeof(key), "n:{test.%02x}:", mid->bytes[0]);

    memcpy(key + len, mid->bytes, MID_SIZE);
    fake_redis_set(slice_make(key, (size_t)len + MID_SIZE), slice_of(value));
}

static void without_redis_each_message_is_rendered_and_told_at_once(void **state)
{
    struct world *world = *state;

    create_pipeline(world, false);
    pipeline_submit(world->pipeline, make_parcel(world, 0, ""));
    assert_int_equal(world->done, 1);
    assert_true(world->is_complete);
    assert_true(world->is_rendered);
    assert_false(world->is_repeated);
    assert_string_equal(world->text, "v1 1");
    assert_int_equal(pipeline_parcel_count(world->pipeline), 0);
}

static void what_is_too_old_is_told_unless_it_is_judged_at_its_own_time(void **state)
{
    struct world *world = *state;

    create_pipeline(world, false);
    pipeline_submit(world->pipeline, make_parcel(world, 2LL * 86400000, ""));
    assert_false(world->is_rendered);
    assert_int_equal(world->outcome, OUTCOME_EXPIRED);
    assert_string_equal(world->reason, "too_old");
    pipeline_destroy(world->pipeline);
    create_pipeline(world, true);
    pipeline_submit(world->pipeline, make_parcel(world, 2LL * 86400000, ""));
    assert_true(world->is_rendered);
}

static void what_may_not_be_sent_is_told_with_its_reason(void **state)
{
    struct world *world = *state;

    create_pipeline(world, false);
    pipeline_submit(world->pipeline, make_parcel(world, 0, ",\"consent\":{\"email\":false}"));
    assert_false(world->is_rendered);
    assert_int_equal(world->settle_as, 'X');
    assert_int_equal(world->outcome, OUTCOME_SUPPRESSED);
    assert_string_equal(world->reason, "no_consent");
}

static void redis_is_asked_and_never_told(void **state)
{
    struct world *world = *state;
    struct parcel *parcel;

    open_claims(world);
    assert_true(claims_know_nothing(world->claims));
    create_pipeline(world, false);
    parcel = make_parcel(world, 0, "");
    set_record(parcel, "S|5|0.7 provider-id");
    pipeline_submit(world->pipeline, parcel);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(world->done, 1);
    assert_true(world->is_repeated);
    assert_false(world->is_rendered);
    assert_int_equal(world->outcome, OUTCOME_SENT);
    assert_int_equal(fake_redis_count("GET"), 1);
    assert_int_equal(fake_redis_count("HGET"), CLAIM_SHARDS);
    assert_int_equal(fake_redis_count("SET") + fake_redis_count("begin") + fake_redis_count("settle"), 0);
}

static void an_environment_that_redis_knows_is_told_from_one_that_it_does_not(void **state)
{
    struct world *world = *state;

    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char guard[64];
        const struct slice args[] = {{guard, (size_t)snprintf(guard, sizeof(guard), "n:{test.%02x}:guard", shard)},
                                     SLICE("77"), SLICE("1"), SLICE("0"), SLICE("mark")};

        fake_redis_call((const struct slice[]){SLICE("HSET"), args[0], SLICE("r"), args[4]}, 4);
        fake_redis_eval("open_shard", args, 5);
    }
    open_claims(world);
    assert_false(claims_know_nothing(world->claims));
}

int main(void)
{
#define rehearsal_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        rehearsal_test(without_redis_each_message_is_rendered_and_told_at_once),
        rehearsal_test(what_is_too_old_is_told_unless_it_is_judged_at_its_own_time),
        rehearsal_test(what_may_not_be_sent_is_told_with_its_reason),
        rehearsal_test(redis_is_asked_and_never_told),
        rehearsal_test(an_environment_that_redis_knows_is_told_from_one_that_it_does_not),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
