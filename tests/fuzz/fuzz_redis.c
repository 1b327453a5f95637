/*
 * Fuzzing of Redis' replies. The first line of the input names commands and scripts; the rest is what the server says
 * to them, in its protocol, one reply after the other (redis_bytes.h). Everything of a worker that asks Redis hears them:
 * claims with their checks and the rebuild, limiter, careful, and, where the line names "beat", pool, pauses and
 * versions. "connect" in the line: the questions of a new connection come first; "slow": a rebuild takes a while.
 *
 * Whatever Redis says: nothing is ours unless it said so, what a module takes from it is in bounds, every call is
 * answered at most once, and all memory is given back.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "io/redis_check.h"
#include "run/careful.h"
#include "run/claims.h"
#include "run/limiter.h"
#include "run/pool.h"
#include "tests/fuzz/redis_bytes.h"
#include "tests/support/fake_world.h"
#include "tests/support/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECONNECT_MS = 50, MOST_QUESTIONS = 8 };
static const int64_t start_ms = 1795255200000, ttl_ms = 86400000;
static const struct mid mid_a = {{0xa0, 1}}, mid_b = {{0xb0, 1}};

/* --- the world: time, and nobody dies ----------------------------------------------------------------------------- */

static struct clock_source world_clock;

bool fakes_is_dead(void)
{
    return false;
}

void fakes_set_dead(bool is_dead)
{
    (void)is_dead;
}

void fakes_advance_to_ms(int64_t mono_ms)
{
    int64_t by_us = mono_ms * 1000 - world_clock.mono_us;

    if (by_us > 0) {
        world_clock.mono_us += by_us;
        world_clock.wall_us += by_us;
    }
}

/* --- a new connection --------------------------------------------------------------------------------------------- */

struct connection {
    struct redis_check check;
    struct {
        redis_fn fn;
        void *arg;
    } questions[MOST_QUESTIONS];
    size_t count;
    int ends;
};

static void on_question(void *arg, const struct slice args[], size_t count, redis_fn fn, void *fn_arg)
{
    struct connection *connection = arg;

    (void)args;
    assert(count > 0 && connection->count < MOST_QUESTIONS);
    connection->questions[connection->count].fn = fn;
    connection->questions[connection->count++].arg = fn_arg;
}

/* Until it has passed, or failed, which breaks the connection. */
static void answer_questions(struct connection *connection)
{
    for (size_t i = 0; i < connection->count && connection->ends == 0; i++) {
        struct redis_reply reply;
        enum redis_status status;

        if (!redis_bytes_take(&status, &reply)) {
            return;
        }
        connection->questions[i].fn(connection->questions[i].arg, status == REDIS_UNAVAILABLE ? REDIS_ERROR : status,
                                    &reply);
    }
}

static void on_pass(void *arg, const char *run_id)
{
    struct connection *connection = arg;

    connection->ends++;
    assert(strlen(run_id) < REDIS_RUN_ID_SIZE);
}

static void on_fail(void *arg, const char *reason)
{
    struct connection *connection = arg;

    connection->ends++;
    assert(reason[0]);
}

static void check_connection(void)
{
    struct connection connection = {.count = 0};
    const struct redis_check_events events = {on_question, on_pass, on_fail, &connection};
    const struct redis_url url = {.user = (char *)"u", .password = (char *)"p", .db = 2};

    redis_check_init(&connection.check, &events);
    redis_check_add_script(&connection.check, &pool_choose_script);
    redis_check_begin(&connection.check, &url);
    answer_questions(&connection);
    assert(connection.ends <= 1);
    redis_check_evalsha(&connection.check, &pool_choose_script);
    redis_check_finish(&connection.check);
}

/* --- a worker ----------------------------------------------------------------------------------------------------- */

struct worker {
    struct loop *loop;
    struct metrics *metrics;
    struct claims *claims;
    struct limiter *limiter;
    struct careful *careful;
    struct templates *templates;
    struct pool *pool;
    struct claim claim;
    int look_ups, begins, settles, reopens, reads;
    bool is_ours;
};

static void on_recover(void *arg)
{
    struct worker *worker = arg;

    claims_restore(worker->claims, &mid_b, SLICE("S|3|- id"), ttl_ms);
    if (!redis_bytes_names("slow")) {
        claims_recovered(worker->claims);
    }
}

static bool is_word(const char *word)
{
    return strcmp(redis_bytes_said.word, word) == 0;
}

static void on_looked_up(void *arg, const struct claim_record *record)
{
    struct worker *worker = arg;

    assert(++worker->look_ups == 1);
    assert(!record->state || (redis_bytes_said.is_from_input && strchr("WUPSXDH?!", record->state)));
}

static void on_settled(void *arg, enum claim_settled settled)
{
    struct worker *worker = arg;

    assert(++worker->settles == 1);
    assert(settled != CLAIM_SETTLED_WAS_SENT || is_word("KEEP"));
    assert(settled != CLAIM_SETTLED_OK || is_word("OK") || is_word("STALE_SENT") || is_word("UNKNOWN"));
}

static void check_ours(const struct worker *worker, const struct claim_result *result)
{
    assert(worker->claim.fence > 0 && worker->claim.fence <= INT64_MAX);
    assert(worker->claim.attempts >= 0 && worker->claim.attempts <= 1000000);
    assert(result->age_ms >= 0 && result->age_ms <= clock_wall_ms() + CLAIM_FOREVER_MS);
    assert(worker->claim.id[0] && strlen(result->fingerprint) < CLAIM_FINGERPRINT_SIZE);
}

static void on_begun(void *arg, const struct claim_result *result)
{
    struct worker *worker = arg;

    assert(++worker->begins == 1);
    worker->is_ours = result->answer == CLAIM_GO || result->answer == CLAIM_AMBIGUOUS;
    switch (result->answer) {
    case CLAIM_GO:
        assert(is_word("GO") || is_word("MINE"));
        break;
    case CLAIM_AMBIGUOUS:
        assert(is_word("AMBIG") || is_word("MINE"));
        break;
    case CLAIM_BUSY:
    case CLAIM_LATER:
        assert(is_word("BUSY") || is_word("LATER") || is_word("UNKNOWN"));
        assert(result->wait_ms >= 0 && result->wait_ms <= CLAIM_FOREVER_MS);
        break;
    case CLAIM_DONE:
        assert(is_word("DONE") && claim_record_is_terminal(&result->record));
        break;
    }
    if (worker->is_ours) {
        check_ours(worker, result);
        claims_settle(worker->claims, &mid_a, true, worker->claim.fence, 'S', "id", ttl_ms, 0, on_settled, worker);
    }
}

static void on_reopened(void *arg, bool is_done)
{
    struct worker *worker = arg;

    assert(++worker->reopens == 1);
    assert(!is_done || is_word("OK"));
}

static void on_read(void *arg, bool is_killer)
{
    struct worker *worker = arg;

    assert(++worker->reads == 1);
    assert(!is_killer || (redis_bytes_said.is_from_input && redis_bytes_said.number > 1));
}

static void on_tokens(void *arg)
{
    struct worker *worker = arg;

    if (limiter_take(worker->limiter, 3)) {
        limiter_give_back(worker->limiter);
    }
}

static void start_pool(struct worker *worker)
{
    struct diag_list diags;
    struct err err = {0};

    diag_list_init(&diags);
    worker->templates = templates_open(fake_templates_dir(), "en", worker->metrics, &diags, &err);
    assert(worker->templates);
    worker->pool = pool_create(&(struct pool_parts){worker->loop, worker->claims, worker->templates, worker->metrics, "fuzz",
                                                    NULL, NULL});
    diag_list_finish(&diags);
}

static void start(struct worker *worker)
{
    const struct redis_settings redis = {"redis://fuzz", 500, 2000, RECONNECT_MS};
    const struct claims_settings claims = {.environment = "fuzz", .lease_ms = 15000, .most_skew_ms = 60000};
    const struct limiter_settings limits = {"fuzz", "brevo-email", 100};
    struct err err = {0};

    *worker = (struct worker){.loop = loop_create(), .metrics = metrics_create()};
    worker->claims = claims_open(worker->loop, &redis, &claims, worker->metrics, &err);
    claims_set_recovery(worker->claims, on_recover, worker);
    worker->limiter = limiter_create(worker->loop, claims_redis(worker->claims), &limits, worker->metrics, on_tokens, worker);
    worker->careful = careful_create(worker->loop, claims_redis(worker->claims), "fuzz", worker->metrics);
    if (redis_bytes_names("beat")) {
        start_pool(worker);
    }
}

static void stop(struct worker *worker)
{
    claims_close(worker->claims);
    careful_destroy(worker->careful);
    limiter_destroy(worker->limiter);
    pool_destroy(worker->pool);
    templates_close(worker->templates);
    loop_destroy(worker->loop);
    metrics_destroy(worker->metrics);
}

static void run_for(const struct worker *worker, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;

    while (fakes_next_ms(worker->loop) <= until) {
        loop_turn(worker->loop, true);
    }
    fakes_advance_to_ms(until);
}

/* As run/recovery.c does, which reads topics meanwhile. */
static void go_on_rebuilding(struct worker *worker)
{
    int64_t wait_ms = claims_recovery_wait_ms(worker->claims, false);

    assert(wait_ms >= 0 && wait_ms <= 60000 && claims_recovery_from_ms(worker->claims) >= 0);
    run_for(worker, wait_ms);
    if (claims_recovery_is_ours(worker->claims)) {
        claims_recovered(worker->claims);
    }
}

static void work(struct worker *worker)
{
    const struct record record = {.topic = "loyalty.events", .partition = 1, .offset = 9, .timestamp_ms = 1};

    run_for(worker, 20);
    claims_look_up(worker->claims, &mid_a, on_looked_up, worker);
    claims_begin(worker->claims, &mid_a, &worker->claim, "v1:hash", NULL, ttl_ms, on_begun, worker);
    claims_reopen(worker->claims, &mid_b, 5, 6, ttl_ms, on_reopened, worker);
    careful_take(worker->careful, CHANNEL_EMAIL, "loyalty.events", 1, 9);
    careful_run(worker->careful, CHANNEL_EMAIL, &record, CAREFUL_READ, on_read, worker);
    on_tokens(worker);
    limiter_block(worker->limiter, 5);
    run_for(worker, 1200);
    if (redis_bytes_names("slow")) {
        go_on_rebuilding(worker);
    }
    careful_leave(worker->careful, CHANNEL_EMAIL, NULL, 0);
    on_tokens(worker);
    run_for(worker, 1200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t line_len = end ? (size_t)(end - data) : size;
    size_t used = line_len + (end != NULL);
    static int nowhere = -1;
    struct random random;
    struct worker worker;

    if (nowhere < 0) {
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        log_set_fd(nowhere);
    }
    world_clock = (struct clock_source){1000000, start_ms * 1000};
    clock_set_source(&world_clock);
    random_init(&random, 1);
    random_set_source(&random);
    redis_bytes_begin(slice_make((const char *)data, line_len), slice_make((const char *)data + used, size - used));
    if (redis_bytes_names("connect")) {
        check_connection();
    }
    start(&worker);
    work(&worker);
    stop(&worker);
    redis_bytes_end();
    random_set_source(NULL);
    clock_set_source(NULL);
    return 0;
}
