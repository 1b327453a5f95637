#include "fakes.h"

#include <assert.h>

#include "base/clock.h"
#include "base/random.h"
#include "fake_world.h"

enum { SEED = 1 };
static const int64_t START_MONO_US = 1000000000;
static const int64_t START_WALL_US = 1795255200000000; /* 2026-11-21T10:00:00Z */

static struct {
    struct clock_source clock;
    struct random random;
    fake_choose_fn choose_fn;
    void *choose_arg;
    enum fake_bug bug;
    int64_t skew_us;
    bool is_dead;
    uint64_t points, fault_at;
    enum fake_fault fault;
    bool has_faulted;
    enum fake_point fault_point;
} world;

void fakes_begin(void)
{
    fakes_begin_with(SEED);
}

void fakes_begin_with(uint64_t seed)
{
    world.clock = (struct clock_source){START_MONO_US, START_WALL_US};
    world.skew_us = 0;
    world.is_dead = false;
    world.choose_fn = NULL;
    world.bug = FAKE_BUG_NONE;
    random_init(&world.random, seed);
    clock_set_source(&world.clock);
    random_set_source(&world.random);
    fakes_plan(FAKE_FAULT_NONE, 0);
    fake_redis_begin_world();
    fake_kafka_begin_world();
    fake_http_begin_world();
}

void fakes_end(void)
{
    fake_http_end_world();
    fake_kafka_end_world();
    fake_redis_end_world();
    random_set_source(NULL);
    clock_set_source(NULL);
}

void fakes_set_dead(bool is_dead)
{
    world.is_dead = is_dead;
}

bool fakes_is_dead(void)
{
    return world.is_dead;
}

/* --- time --------------------------------------------------------------------------------------------------------- */

void fakes_advance_to_ms(int64_t mono_ms)
{
    int64_t by_us = mono_ms * 1000 - world.clock.mono_us;

    if (by_us > 0) {
        world.clock.mono_us += by_us;
        world.clock.wall_us += by_us;
    }
}

int64_t fakes_mono_ms(void)
{
    return world.clock.mono_us / 1000;
}

int64_t fakes_wall_ms(void)
{
    return world.clock.wall_us / 1000;
}

int64_t fakes_redis_us(void)
{
    return world.clock.wall_us - world.skew_us;
}

void fakes_set_skew(int64_t skew_ms)
{
    world.clock.wall_us += skew_ms * 1000 - world.skew_us;
    world.skew_us = skew_ms * 1000;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

bool fakes_run(struct loop *loop, int64_t limit_ms, fakes_until_fn fn, void *arg)
{
    struct loop_timer *limit = loop_timer_create(loop, do_nothing, NULL); /* time does not jump over it */
    bool is_reached = fn(arg);

    loop_timer_start(limit, limit_ms);
    while (!world.is_dead && !is_reached && loop_timer_is_active(limit)) {
        loop_turn(loop, true);
        is_reached = !world.is_dead && fn(arg);
    }
    loop_timer_destroy(limit);
    return is_reached;
}

static bool is_never(void *arg)
{
    (void)arg;
    return false;
}

void fakes_run_ms(struct loop *loop, int64_t ms)
{
    fakes_run(loop, ms, is_never, NULL);
}

/* --- points ------------------------------------------------------------------------------------------------------- */

const char *fake_point_name(enum fake_point point)
{
    static const char *const names[FAKE_POINT_COUNT] = {
        [FAKE_REDIS_CALL] = "redis call",    [FAKE_REDIS_ANSWER] = "redis answer", [FAKE_HTTP_BEGIN] = "http begin",
        [FAKE_HTTP_ANSWER] = "http answer",  [FAKE_PRODUCE] = "produce",           [FAKE_PRODUCE_ACK] = "produce ack",
        [FAKE_COMMIT] = "commit",            [FAKE_COMMIT_ACK] = "commit ack",
    };

    return names[point];
}

void fakes_choose(fake_choose_fn fn, void *arg)
{
    world.choose_fn = fn;
    world.choose_arg = arg;
}

const char *fake_bug_name(enum fake_bug bug)
{
    static const char *const names[FAKE_BUG_COUNT] = {
        [FAKE_BUG_NONE] = "none",
        [FAKE_BUG_COMMIT_HIGHEST_SEEN] = "commit_highest_seen",
        [FAKE_BUG_BEGIN_SKIPPED] = "begin_skipped",
        [FAKE_BUG_TAKEOVER_IS_NEW] = "takeover_is_new",
        [FAKE_BUG_RESEND_WITHOUT_KEY] = "resend_without_key",
        [FAKE_BUG_SETTLE_LAST_WINS] = "settle_last_wins",
        [FAKE_BUG_OUTCOME_LOST] = "outcome_lost",
        [FAKE_BUG_EPOCH_STAYS] = "epoch_stays",
        [FAKE_BUG_TOKENS_FREE] = "tokens_free",
    };

    return names[bug];
}

void fakes_plant(enum fake_bug bug)
{
    world.bug = bug;
}

bool fakes_has_bug(enum fake_bug bug)
{
    return world.bug == bug;
}

void fakes_plan(enum fake_fault fault, uint64_t number)
{
    world.fault = fault;
    world.fault_at = number;
    world.points = 0;
    world.has_faulted = false;
}

uint64_t fakes_point_count(void)
{
    return world.points;
}

bool fakes_has_faulted(void)
{
    return world.has_faulted;
}

enum fake_point fakes_fault_point(void)
{
    return world.fault_point;
}

bool fakes_reach(enum fake_point point)
{
    enum fake_fault fault = world.fault;

    assert(!world.is_dead);
    world.points++;
    if (world.choose_fn) {
        fault = world.choose_fn(world.choose_arg, point);
    } else if (world.points != world.fault_at) {
        return true;
    } else {
        world.has_faulted = true;
        world.fault_point = point;
    }
    switch (fault) {
    case FAKE_FAULT_CRASH:
        world.is_dead = true;
        return false;
    case FAKE_FAULT_REDIS_EMPTY:
        fake_redis_crash();
        return point != FAKE_REDIS_CALL && point != FAKE_REDIS_ANSWER;
    case FAKE_FAULT_REDIS_FLUSH:
        fake_redis_empty();
        return true;
    case FAKE_FAULT_LOST:
        return false;
    case FAKE_FAULT_NONE:
        break;
    }
    return true;
}
