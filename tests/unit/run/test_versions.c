/*
 * The beat of the pool over fakes: what workers say of themselves and hear of each other, through one Redis. Two workers
 * are two pools in one process, each with a connection and templates of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/pool.h"
#include "run/pool_keys.h"
#include "tests/support/fakes.h"

static const char v1[] = "1111111111111111", v2[] = "2222222222222222";

struct member {
    struct claims *claims;
    struct metrics *metrics;
    struct templates *templates;
    struct pool *pool;
};

struct world {
    struct loop *loop;
    struct pool_keys keys;
    struct member members[2];
};

static void on_recover(void *arg)
{
    claims_recovered(((struct member *)arg)->claims);
}

static void describe(void *arg, struct json_text *j)
{
    (void)arg;
    json_text_member(j, "mood", "fine");
}

static void start(struct world *world, int index)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    struct member *member = &world->members[index];
    struct diag_list diags;
    struct err err = {0};

    diag_list_init(&diags);
    member->metrics = metrics_create();
    member->claims = claims_open(world->loop, &redis, &claims, member->metrics, &err);
    claims_set_recovery(member->claims, on_recover, member);
    member->templates = templates_open(fake_templates_dir(), "en", member->metrics, &diags, &err);
    assert_non_null(member->templates);
    member->pool = pool_create(&(struct pool_parts){world->loop, member->claims, member->templates, member->metrics,
                                                    "test", describe, NULL});
    diag_list_finish(&diags);
}

static void stop(struct world *world, int index)
{
    struct member *member = &world->members[index];

    if (member->pool) {
        claims_close(member->claims);
        pool_destroy(member->pool);
        templates_close(member->templates);
        metrics_destroy(member->metrics);
        *member = (struct member){0};
    }
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fakes_begin();
    fake_catalog_set_version(v1);
    world->loop = loop_create();
    pool_keys_init(&world->keys, "test");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    stop(world, 0);
    stop(world, 1);
    loop_destroy(world->loop);
    free(world);
    fakes_end();
    return 0;
}

/* --- what stands in Redis ----------------------------------------------------------------------------------------- */

static size_t worker_count(const struct world *world)
{
    const struct slice args[] = {SLICE("ZRANGE"), slice_of(world->keys.workers), SLICE("0"), SLICE("-1")};

    return fake_redis_call(args, 4)->count;
}

/* The state of the worker of that index in the order of beats; new reference, NULL when it is gone. */
static json_t *worker_state(const struct world *world, size_t index)
{
    const struct slice args[] = {SLICE("ZRANGE"), slice_of(world->keys.workers), SLICE("0"), SLICE("-1")};
    const struct redis_reply *names = fake_redis_call(args, 4);
    char name[128], key[POOL_KEY_SIZE];
    struct slice value;
    const char *brace;

    assert_true(index < names->count);
    snprintf(name, sizeof(name), "%.*s", (int)names->items[index].text.len, names->items[index].text.data);
    value = fake_redis_get(pool_key(world->keys.worker_prefix, name, key));
    brace = value.len ? memchr(value.data, '{', value.len) : NULL;
    return brace ? json_loads(brace, 0, NULL) : NULL;
}

static const char *in_use(const struct member *member)
{
    return catalog_version(templates_current(member->templates));
}

static void pin(const struct world *world, const char *text)
{
    fake_redis_set(slice_of(world->keys.pin), slice_of(text));
}

static bool has_files(const struct world *world, const char *version)
{
    char key[POOL_KEY_SIZE];

    return fake_redis_get(pool_key(world->keys.files_prefix, version, key)).data != NULL;
}

static void put_live(struct member *member, const char *version)
{
    fake_catalog_set_version(version);
    assert_true(templates_reload(member->templates));
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void a_worker_says_who_it_is_and_is_gone_when_it_leaves(void **state)
{
    struct world *world = *state;
    json_t *json;
    long long pid = 0;
    const char *mood = NULL, *boot = NULL, *version = NULL;

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    assert_int_equal(worker_count(world), 1);
    json = worker_state(world, 0);
    assert_int_equal(
        json_unpack(json, "{s:I, s:s, s:s, s:{s:s}}", "pid", &pid, "mood", &mood, "boot", &boot, "templates", "version",
                    &version),
        0);
    assert_string_equal(mood, "fine");
    assert_string_equal(version, v1);
    assert_int_equal(strlen(boot), 6);
    assert_true(pid > 0);
    json_decref(json);
    pool_leave(world->members[0].pool);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(worker_count(world), 0);
}

static void a_silent_worker_is_forgotten(void **state)
{
    struct world *world = *state;
    json_t *json;

    start(world, 0);
    start(world, 1);
    fakes_run_ms(world->loop, 1000);
    assert_int_equal(worker_count(world), 2);
    stop(world, 0); /* killed */
    fakes_run_ms(world->loop, 11000);
    assert_int_equal(worker_count(world), 2);
    json = worker_state(world, 0);
    assert_null(json);
    fakes_run_ms(world->loop, 51000);
    assert_int_equal(worker_count(world), 1);
}

static void it_beats_twice_a_second_in_one_command(void **state)
{
    struct world *world = *state;
    uint64_t beats, others;

    start(world, 0);
    fakes_run_ms(world->loop, 2000);
    beats = fake_redis_count("beat");
    others = fake_redis_count("SET") + fake_redis_count("GET");
    fakes_run_ms(world->loop, 10000);
    assert_in_range(fake_redis_count("beat") - beats, 19, 21);
    assert_int_equal(fake_redis_count("SET") + fake_redis_count("GET"), others);
}

static void the_files_of_a_version_are_kept_once(void **state)
{
    struct world *world = *state;

    start(world, 0);
    start(world, 1);
    fakes_run_ms(world->loop, 2000);
    assert_true(has_files(world, v1));
    put_live(&world->members[0], v2);
    fakes_run_ms(world->loop, 2000);
    assert_true(has_files(world, v2));
}

static void a_choice_is_in_use_everywhere_within_a_second(void **state)
{
    struct world *world = *state;
    char text[64];

    start(world, 0);
    start(world, 1);
    fakes_run_ms(world->loop, 1000);
    put_live(&world->members[0], v2);
    put_live(&world->members[1], v2);
    fakes_run_ms(world->loop, 1000);
    assert_string_equal(in_use(&world->members[0]), v2);
    snprintf(text, sizeof(text), "1 %s %s", v1, v2);
    pin(world, text);
    fakes_run_ms(world->loop, 600);
    assert_string_equal(in_use(&world->members[0]), v1);
    assert_string_equal(in_use(&world->members[1]), v1);
}

static void a_version_that_a_worker_never_had_comes_from_another(void **state)
{
    struct world *world = *state;
    char text[64];

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    fake_catalog_set_version(v2);
    start(world, 1);
    fake_catalog_set_version(v1); /* what the files in Redis turn out to be */
    snprintf(text, sizeof(text), "1 %s %s", v1, v2);
    pin(world, text);
    fakes_run_ms(world->loop, 1000);
    assert_string_equal(in_use(&world->members[1]), v1);
    assert_string_equal(templates_folder_version(world->members[1].templates), v2);
}

static void it_may_end_while_a_version_is_built(void **state)
{
    struct world *world = *state;

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    fake_catalog_set_version(v2);
    start(world, 1);
    while (fake_background_open_count() == 0) {
        loop_turn(world->loop, true);
    }
    stop(world, 1);
    assert_int_equal(fake_background_open_count(), 1);
    fakes_run_ms(world->loop, 1000);
}

static void an_emptied_redis_learns_choices_and_pauses_again(void **state)
{
    struct world *world = *state;
    char text[64];

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    put_live(&world->members[0], v2);
    snprintf(text, sizeof(text), "7 %s %s", v1, v2);
    pin(world, text);
    fake_redis_set(slice_of(world->keys.pauses), SLICE("9 [{\"scope\":\"all\",\"since\":1}]"));
    fakes_run_ms(world->loop, 1000);
    fake_redis_empty();
    fakes_run_ms(world->loop, 1000);
    assert_true(slice_starts_with(fake_redis_get(slice_of(world->keys.pin)), text));
    assert_true(slice_starts_with(fake_redis_get(slice_of(world->keys.pauses)), "9 [{\"scope\":\"all\""));
    assert_true(has_files(world, v1));
}

static void an_unreadable_choice_changes_nothing(void **state)
{
    struct world *world = *state;

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    pin(world, "5 nonsense");
    fake_redis_set(slice_of(world->keys.pauses), SLICE("5 nonsense"));
    fakes_run_ms(world->loop, 1000);
    assert_string_equal(in_use(&world->members[0]), v1);
    assert_false(pauses_stop(pool_pauses(world->members[0].pool), CHANNEL_EMAIL, "fake"));
    assert_non_null(strstr(pool_refusal(world->members[0].pool), "pause"));
    fake_redis_set(slice_of(world->keys.pauses), SLICE("6 []"));
    fakes_run_ms(world->loop, 1000);
    assert_string_equal(pool_refusal(world->members[0].pool), "");
}

static void a_pause_is_heard_and_said_within_a_second(void **state)
{
    struct world *world = *state;
    long long serial = 0;

    start(world, 0);
    start(world, 1);
    fakes_run_ms(world->loop, 1000);
    fake_redis_set(slice_of(world->keys.pauses), SLICE("9 [{\"scope\":\"channel\",\"name\":\"sms\",\"since\":1}]"));
    fakes_run_ms(world->loop, 600);
    for (int i = 0; i < 2; i++) {
        json_t *json = worker_state(world, (size_t)i);

        assert_true(pauses_stop(pool_pauses(world->members[i].pool), CHANNEL_SMS, "fake"));
        assert_false(pauses_stop(pool_pauses(world->members[i].pool), CHANNEL_EMAIL, "fake"));
        assert_int_equal(json_unpack(json, "{s:I}", "pauses", &serial), 0);
        assert_int_equal(serial, 9);
        json_decref(json);
    }
}

static void a_worker_that_starts_waits_until_it_knows(void **state)
{
    struct world *world = *state;

    fake_redis_set(slice_of(world->keys.pauses), SLICE("9 [{\"scope\":\"all\",\"since\":1}]"));
    fake_redis_set_down(true);
    start(world, 0);
    pool_wait(world->members[0].pool, 1000);
    assert_false(pool_is_known(world->members[0].pool));
    fake_redis_set_down(false);
    pool_wait(world->members[0].pool, 5000);
    assert_true(pool_is_known(world->members[0].pool));
    assert_true(pauses_stop(pool_pauses(world->members[0].pool), CHANNEL_EMAIL, "fake"));
}

static void a_refused_beat_is_a_reason(void **state)
{
    struct world *world = *state;

    fake_redis_refuse("beat", REDIS_ERROR, "NOPERM no such right", 1000);
    start(world, 0);
    fakes_run_ms(world->loop, 2000);
    assert_false(pool_is_known(world->members[0].pool));
    assert_non_null(strstr(pool_refusal(world->members[0].pool), "NOPERM"));
}

static void it_may_end_while_a_beat_is_open(void **state)
{
    struct world *world = *state;
    uint64_t before;

    start(world, 0);
    fakes_run_ms(world->loop, 1000);
    before = fake_redis_count("beat");
    while (fake_redis_count("beat") == before) {
        loop_turn(world->loop, true);
    }
    stop(world, 0);
    fakes_run_ms(world->loop, 1000);
}

#define versions_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        versions_test(a_worker_says_who_it_is_and_is_gone_when_it_leaves),
        versions_test(a_silent_worker_is_forgotten),
        versions_test(it_beats_twice_a_second_in_one_command),
        versions_test(the_files_of_a_version_are_kept_once),
        versions_test(a_choice_is_in_use_everywhere_within_a_second),
        versions_test(a_version_that_a_worker_never_had_comes_from_another),
        versions_test(an_emptied_redis_learns_choices_and_pauses_again),
        versions_test(an_unreadable_choice_changes_nothing),
        versions_test(a_pause_is_heard_and_said_within_a_second),
        versions_test(a_worker_that_starts_waits_until_it_knows),
        versions_test(a_refused_beat_is_a_reason),
        versions_test(it_may_end_while_a_beat_is_open),
        versions_test(it_may_end_while_a_version_is_built),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
