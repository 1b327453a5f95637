/*
 * Fuzzing of Redis' replies. The first line of the input names commands and scripts; the rest is what the server says
 * to them, in its protocol, one reply after the other. All others, and those that come when the replies are used up,
 * are answered as a server in good health would. "mark" and "server" stand for the HGET and the GET of a rebuild.
 * hiredis' parser and ours (redis_reader) make the replies, then everything of a worker that asks Redis hears them:
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

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/random.h"
#include "io/redis_check.h"
#include "io/redis_reader.h"
#include "io/redis_refusal.h"
#include "run/careful.h"
#include "run/claims.h"
#include "run/limiter.h"
#include "run/pool.h"
#include "tests/support/fake_world.h"
#include "tests/support/fakes.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_SIZE = 24, FAST_MS = 1, RECONNECT_MS = 50, MOST_REPLIES = 64, MOST_QUESTIONS = 8 };
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

/* --- the server --------------------------------------------------------------------------------------------------- */

struct command {
    char name[NAME_SIZE];
    bool is_of_many; /* the same as to the first of 256 shards */
    redis_fn fn;
    void *arg;
    struct command *prev, *next; /* list: redis->commands */
};

struct redis {
    struct redis_events events;
    struct loop_timer *connect_timer, *answer_timer;
    struct command *commands;
    bool is_ready, is_closed;
};

/* What the input says. `last`: the first word of the last reply of its kind, while a callback runs. */
static struct server {
    struct slice names;
    struct redis_reader *reader;
    redisAsyncContext context;
    int replies;
    bool is_used_up;
    bool is_from_input;
    char word[NAME_SIZE];
    int64_t number;
    char mark[48]; /* of the last rebuild */
} server;

static bool is_named(const char *name)
{
    struct slice rest = server.names;

    while (rest.len) {
        const char *blank = memchr(rest.data, ' ', rest.len);
        size_t len = blank ? (size_t)(blank - rest.data) : rest.len;

        if (slice_is(slice_make(rest.data, len), name)) {
            return true;
        }
        rest = slice_make(rest.data + len + (blank != NULL), rest.len - len - (blank != NULL));
    }
    return false;
}

static void begin_server(struct slice names, struct slice replies)
{
    server.names = names;
    server.replies = 0;
    server.is_used_up = false;
    server.is_from_input = false;
    server.mark[0] = '\0';
    server.reader = redis_reader_create();
    server.context.c.reader = redisReaderCreate();
    redis_reader_attach(server.reader, &server.context);
    redisReaderFeed(server.context.c.reader, replies.data, replies.len);
}

static void end_server(void)
{
    redisReaderFree(server.context.c.reader);
    redis_reader_destroy(server.reader);
}

/* As redis_link.c and redis.c do: an error speaks of the command, or of the server. False: the input has no more. */
static bool take_reply(enum redis_status *status, struct redis_reply *reply)
{
    void *raw = NULL;

    if (server.is_used_up || server.replies++ == MOST_REPLIES) {
        return false;
    }
    redis_reader_expect(server.reader);
    if (redisReaderGetReply(server.context.c.reader, &raw) != 0 || !raw) {
        server.is_used_up = true;
        return false;
    }
    *status = REDIS_OK;
    if (redis_reader_convert(server.reader, raw, reply)) {
        *status = redis_refusal_of(reply->text) == REDIS_REFUSAL_OF_COMMAND ? REDIS_ERROR : REDIS_UNAVAILABLE;
    }
    return true;
}

/* A server in good health that has just been made sure of. */
static void answer_well(const char *name, struct redis_reply *reply, struct redis_reply items[5])
{
    static char seconds[NUMBER_TEXT_SIZE];

    *reply = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("OK")};
    memset(items, 0, 5 * sizeof(*items));
    if (strcmp(name, "TIME") == 0) {
        items[0] = (struct redis_reply){.type = REDIS_TEXT, .text = number_format(clock_wall_ms() / 1000, seconds)};
        items[1] = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("0")};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 2};
    } else if (strcmp(name, "HGET") == 0) {
        reply->text = SLICE("1795255200000");
    } else if (strcmp(name, "mark") == 0) {
        reply->text = slice_of(server.mark);
    } else if (strcmp(name, "server") == 0) {
        reply->text = SLICE("run1 1795255100000");
    } else if (strcmp(name, "GET") == 0) {
        *reply = (struct redis_reply){.type = REDIS_NIL};
    } else if (strcmp(name, "hold") == 0 || strcmp(name, "open_shard") == 0) {
        *reply = (struct redis_reply){.type = REDIS_INT, .number = 1};
    } else if (strcmp(name, "begin") == 0) {
        items[0] = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("GO")};
        items[1] = (struct redis_reply){.type = REDIS_INT, .number = 7};
        items[2] = (struct redis_reply){.type = REDIS_INT, .number = 1};
        items[3] = (struct redis_reply){.type = REDIS_INT, .number = clock_wall_ms()};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 4};
    } else if (strcmp(name, "tokens") == 0) {
        items[0] = items[1] = (struct redis_reply){.type = REDIS_INT, .number = 5};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 2};
    } else if (strcmp(name, "beat") == 0) {
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 5};
    }
}

static void note_reply(const struct redis_reply *reply)
{
    const struct redis_reply *first = reply->type == REDIS_ARRAY && reply->count ? &reply->items[0] : reply;

    snprintf(server.word, sizeof(server.word), "%.*s", (int)(first->text.len < NAME_SIZE ? first->text.len : NAME_SIZE - 1),
             first->text.data ? first->text.data : "");
    server.number = first->number;
}

static void answer(const struct command *command)
{
    struct redis_reply reply, items[5];
    enum redis_status status = REDIS_OK;

    server.is_from_input = !command->is_of_many && is_named(command->name) && take_reply(&status, &reply);
    if (!server.is_from_input) {
        answer_well(command->name, &reply, items);
    }
    note_reply(&reply);
    if (command->fn) {
        command->fn(command->arg, status, &reply);
    }
}

/* --- io/redis.h --------------------------------------------------------------------------------------------------- */

static void on_answers(void *arg)
{
    struct redis *redis = arg;
    struct command *list = redis->commands;

    redis->commands = NULL;
    while (list) {
        struct command *command = list;

        DL_DELETE(list, command);
        answer(command);
        free(command);
    }
}

static void on_connect(void *arg)
{
    struct redis *redis = arg;

    redis->events.on_connect(redis->events.arg, "run1", true);
}

struct redis *redis_open(struct loop *loop, const struct redis_settings *settings, const struct redis_events *events,
                         struct err *err)
{
    struct redis *redis = xcalloc(1, sizeof(*redis));

    (void)settings;
    (void)err;
    redis->events = *events;
    redis->connect_timer = loop_timer_create(loop, on_connect, redis);
    redis->answer_timer = loop_timer_create(loop, on_answers, redis);
    loop_timer_start(redis->connect_timer, FAST_MS);
    return redis;
}

void redis_close(struct redis *redis)
{
    const struct redis_reply closed = {.type = REDIS_TEXT, .text = SLICE("closed")};

    redis->is_closed = true;
    while (redis->commands) {
        struct command *command = redis->commands;

        DL_DELETE(redis->commands, command);
        if (command->fn) {
            command->fn(command->arg, REDIS_UNAVAILABLE, &closed);
        }
        free(command);
    }
    loop_timer_destroy(redis->connect_timer);
    loop_timer_destroy(redis->answer_timer);
    free(redis);
}

/* `key`: of what is asked of every shard alike. */
static void send(struct redis *redis, struct slice name, struct slice key, redis_fn fn, void *arg)
{
    struct command *command = xcalloc(1, sizeof(*command));

    snprintf(command->name, sizeof(command->name), "%.*s", (int)name.len, name.data);
    command->is_of_many = (slice_is(name, "HGET") || slice_is(name, "HSET") || slice_is(name, "open_shard")) &&
                          !memmem(key.data, key.len, ".00}", 4);
    command->fn = fn;
    command->arg = arg;
    DL_APPEND(redis->commands, command);
    if (!redis->is_closed && !loop_timer_is_active(redis->answer_timer)) {
        loop_timer_start(redis->answer_timer, FAST_MS);
    }
}

void redis_call(struct redis *redis, const struct slice args[], size_t count, redis_fn fn, void *arg)
{
    struct slice name = args[0];

    assert(count > 0);
    if (slice_is(name, "HSET")) {
        snprintf(server.mark, sizeof(server.mark), "%.*s", (int)args[3].len, args[3].data);
    } else if (slice_is(name, "HGET") && slice_is(args[2], "r")) {
        name = SLICE("mark");
    } else if (slice_is(name, "GET") && slice_ends_with(args[1], ":server")) {
        name = SLICE("server");
    }
    send(redis, name, args[count > 1], fn, arg);
}

void redis_eval(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count, redis_fn fn,
                void *arg)
{
    assert(count >= (size_t)script->key_count);
    send(redis, slice_of(script->name), args[0], fn, arg);
}

void redis_add_script(struct redis *redis, const struct redis_script *script)
{
    (void)redis;
    assert(script->key_count > 0);
}

void redis_set_ready(struct redis *redis)
{
    redis->is_ready = true;
    redis->events.on_state(redis->events.arg, true, "");
}

bool redis_is_ready(const struct redis *redis)
{
    return redis->is_ready;
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

        if (!take_reply(&status, &reply)) {
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
    if (!is_named("slow")) {
        claims_recovered(worker->claims);
    }
}

static bool is_word(const char *word)
{
    return strcmp(server.word, word) == 0;
}

static void on_looked_up(void *arg, const struct claim_record *record)
{
    struct worker *worker = arg;

    assert(++worker->look_ups == 1);
    assert(!record->state || (server.is_from_input && strchr("WUPSXDH?!", record->state)));
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
    assert(!is_killer || (server.is_from_input && server.number > 1));
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
    if (is_named("beat")) {
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
    if (is_named("slow")) {
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
    begin_server(slice_make((const char *)data, line_len), slice_make((const char *)data + used, size - used));
    if (is_named("connect")) {
        check_connection();
    }
    start(&worker);
    work(&worker);
    stop(&worker);
    end_server();
    random_set_source(NULL);
    clock_set_source(NULL);
    return 0;
}
