/*
 * claims_fixture: claims that are connected, and what they answered. Included by the tests of claims.
 */
#ifndef TEST_RUN_CLAIMS_FIXTURE_H
#define TEST_RUN_CLAIMS_FIXTURE_H

#include <stdlib.h>

#include "run/claims.h"
#include "tests/support/fakes.h"

static const int64_t TTL_MS = 86400000;

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct claims *claims;
    int recoveries;
    bool is_recovered_at_once;

    int begun, settled, looked_up; /* answers */
    struct claim claim;
    struct claim_result result;
    enum claim_settled how;
    struct claim_record record;
};

static inline void on_recover(void *arg)
{
    struct world *world = arg;

    world->recoveries++;
    if (world->is_recovered_at_once) {
        claims_recovered(world->claims);
    }
}

static inline void open_claims(struct world *world)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    struct err err = {0};

    world->claims = claims_open(world->loop, &redis, &claims, world->metrics, &err);
    assert_non_null(world->claims);
    claims_set_recovery(world->claims, on_recover, world);
}

static inline int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fakes_begin();
    world->loop = loop_create();
    world->metrics = metrics_create();
    world->is_recovered_at_once = true;
    open_claims(world);
    *state = world;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *world = *state;

    claims_close(world->claims);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
    free(world);
    fakes_end();
    return 0;
}

static inline bool is_ready(void *arg)
{
    return claims_is_ready(((struct world *)arg)->claims);
}

static inline void wait_ready(struct world *world)
{
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
}

#endif
