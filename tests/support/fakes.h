/*
 * fakes: the outside of the process in memory, for tests of common/run. Linked instead of libio.
 *
 * Redis, Kafka, the provider and time belong to the world: they survive when everything of the "process" (loop, clients,
 * pipeline) is destroyed and made anew. There is one world; fakes_begin() makes a fresh one. Time stands still until
 * loop_turn() has nothing left to do now, and then jumps to what is next. The same calls give the same run.
 *
 * Every step that crosses the border of the process is a point. A test may do something at the k-th point: let the
 * process die, lose the answer, empty Redis. A dead process reaches nobody any more: its calls have no effect, no
 * callback is called, except by the functions that close something.
 */
#ifndef SUPPORT_FAKES_H
#define SUPPORT_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/catalog.h"
#include "core/provider.h"
#include "io/kafka_admin.h"
#include "io/kafka_consumer.h"
#include "io/loop.h"
#include "io/redis.h"

/* --- the world ---------------------------------------------------------------------------------------------------- */

void fakes_begin(void);
/* The same with another random generator. */
void fakes_begin_with(uint64_t seed);
void fakes_end(void);
/* The process is dead, or lives again (a new one). */
void fakes_set_dead(bool is_dead);
bool fakes_is_dead(void);

/* Turns the loop until `fn` says so. False: it did not within `limit_ms` of the world's time, or the process died. */
typedef bool (*fakes_until_fn)(void *arg);
bool fakes_run(struct loop *loop, int64_t limit_ms, fakes_until_fn fn, void *arg);
/* Turns it for so long. */
void fakes_run_ms(struct loop *loop, int64_t ms);
int64_t fakes_mono_ms(void);
/* When this loop has something to do (INT64_MAX: never), for tests of several processes: whoever turns the loops in the order
 * of time lets the world's time pass to here. */
int64_t fakes_next_ms(const struct loop *loop);
void fakes_advance_to_ms(int64_t mono_ms);
int64_t fakes_wall_ms(void);
/* Moves the wall clock of this machine against Redis' clock. */
void fakes_set_skew(int64_t skew_ms);

/* --- points ------------------------------------------------------------------------------------------------------- */

enum fake_point {
    FAKE_REDIS_CALL,   /* a command reaches the server */
    FAKE_REDIS_ANSWER, /* it was executed; its answer arrives */
    FAKE_HTTP_BEGIN,   /* a request reaches the provider */
    FAKE_HTTP_ANSWER,  /* the provider has decided; its answer arrives */
    FAKE_PRODUCE,      /* a record reaches Kafka */
    FAKE_PRODUCE_ACK,
    FAKE_COMMIT, /* a commit reaches Kafka */
    FAKE_COMMIT_ACK,
    FAKE_POINT_COUNT,
};

const char *fake_point_name(enum fake_point point);

enum fake_fault {
    FAKE_FAULT_NONE,
    FAKE_FAULT_CRASH,       /* the process dies just before the step */
    FAKE_FAULT_LOST,        /* the step fails: the connection breaks before the server, or before the answer, is reached */
    FAKE_FAULT_REDIS_EMPTY, /* Redis loses everything and starts anew */
    FAKE_FAULT_REDIS_FLUSH, /* Redis loses everything, and no connection breaks */
};

/* What happens at the `number`-th point (from 1) from now on; 0: nothing. Counting starts anew. */
void fakes_plan(enum fake_fault fault, uint64_t number);
uint64_t fakes_point_count(void);
/* The kind of the point where the fault happened; only when fakes_has_faulted(). */
bool fakes_has_faulted(void);
enum fake_point fakes_fault_point(void);
/* Asked at every point what happens there, in place of a plan. NULL: the plan counts again. */
typedef enum fake_fault (*fake_choose_fn)(void *arg, enum fake_point point);
void fakes_choose(fake_choose_fn fn, void *arg);

/* For tests of the tests: bugs that show at the border of the process, made at the border. */
enum fake_bug {
    FAKE_BUG_NONE,
    FAKE_BUG_COMMIT_HIGHEST_SEEN, /* commits everything that was read */
    FAKE_BUG_BEGIN_SKIPPED,       /* every claim is granted, and nothing is written */
    FAKE_BUG_TAKEOVER_IS_NEW,     /* an expired lease is taken for "not sent" */
    FAKE_BUG_RESEND_WITHOUT_KEY,  /* each request has a key of its own */
    FAKE_BUG_SETTLE_LAST_WINS,    /* SETTLE replaces whatever stands there */
    FAKE_BUG_OUTCOME_LOST,        /* outcomes are acknowledged, and every tenth is not written */
    FAKE_BUG_EPOCH_STAYS,         /* an emptied Redis looks as if it had never forgotten */
    FAKE_BUG_TOKENS_FREE,         /* as many as are wanted */
    FAKE_BUG_COUNT,
};
const char *fake_bug_name(enum fake_bug bug);
void fakes_plant(enum fake_bug bug);
bool fakes_has_bug(enum fake_bug bug);

/* For the fakes: one more point. True: go on; false: the step does not happen. */
bool fakes_reach(enum fake_point point);

/* --- Redis -------------------------------------------------------------------------------------------------------- */

/* Executes at once, without a connection: for checks, and to compare with a real server. Borrowed until the next call. */
const struct redis_reply *fake_redis_call(const struct slice args[], size_t count);
const struct redis_reply *fake_redis_eval(const char *script, const struct slice args[], size_t count);
/* Text of a key; data NULL when there is none. */
struct slice fake_redis_get(struct slice key);
void fake_redis_set(struct slice key, struct slice value);
void fake_redis_empty(void);
/* The server is not there: connections break, and none is made. */
void fake_redis_set_down(bool is_down);
/* Microseconds since 1970 that TIME answers instead of the world's time; 0: the world's. */
void fake_redis_set_time(int64_t us);
/* Answer of CONFIG GET maxmemory-policy: NULL refuses the command. */
void fake_redis_set_policy(const char *policy);
/* The next commands of this name ("begin", "GET") are answered with this status and text, `count` times. */
void fake_redis_refuse(const char *name, enum redis_status status, const char *text, int count);
uint64_t fake_redis_count(const char *name); /* executed commands of that name */
/* Told what each script answered: its first word, or "number". */
typedef void (*fake_answer_fn)(void *arg, const char *script, const char *word);
void fake_redis_watch(fake_answer_fn fn, void *arg);
/* All connections break; the server goes on. */
void fake_redis_break(void);
/* What a replica holds: fail_over() promotes it, as it was at the last save(). */
void fake_redis_save(void);
void fake_redis_fail_over(void);
/* Each way of a command and its answer. */
void fake_redis_set_latency(int64_t ms);
/* Texts only. */
typedef void (*fake_each_fn)(void *arg, struct slice key, const char *text);
void fake_redis_each(fake_each_fn fn, void *arg);

/* --- Kafka -------------------------------------------------------------------------------------------------------- */

void fake_kafka_add_topic(const char *topic, int32_t partitions);
/* Returns the offset. */
int64_t fake_kafka_append(const char *topic, int32_t partition, struct slice key, struct slice value,
                          const struct kafka_header *headers, size_t header_count);
int64_t fake_kafka_end(const char *topic, int32_t partition);
/* NULL beyond the end. Borrowed until the world ends. */
const struct kafka_record *fake_kafka_record(const char *topic, int32_t partition, int64_t offset);
/* Offsets go on after a gap (compaction, transaction markers). */
void fake_kafka_skip(const char *topic, int32_t partition, int64_t count);
/* Its retention is over for what lies below. */
void fake_kafka_remove_below(const char *topic, int32_t partition, int64_t offset);
/* Deleted and created again: empty, and offsets begin anew. */
void fake_kafka_make_anew(const char *topic, int32_t partition);
/* -1: nothing committed. */
int64_t fake_kafka_committed(const char *group, const char *topic, int32_t partition);
const char *fake_kafka_metadata(const char *group, const char *topic, int32_t partition);
/* Every partition of every topic that this consumer reads is committed up to its end. */
bool fake_kafka_is_all_committed(const struct kafka_consumer *consumer);
/* The same for all consumers that are open. False when there is none. */
bool fake_kafka_is_idle(void);
/* Told of each commit as Kafka takes it. */
typedef void (*fake_commit_fn)(void *arg, const char *group, const char *topic, int32_t partition, int64_t offset);
void fake_kafka_watch_commits(fake_commit_fn fn, void *arg);
/* Told of each record as it is appended. */
typedef void (*fake_record_fn)(void *arg, const struct kafka_record *record);
void fake_kafka_watch_records(fake_record_fn fn, void *arg);
/* Several processes: from now on consumers that open get no partition by themselves, and commit only what is theirs. */
void fake_kafka_share(void);
/* In the order in which they were opened; NULL: there are not so many. */
struct kafka_consumer *fake_kafka_consumer(size_t index);
size_t fake_kafka_partition_count(const struct kafka_consumer *consumer);
bool fake_kafka_has(const struct kafka_consumer *consumer, size_t partition);
void fake_kafka_give(struct kafka_consumer *consumer, size_t partition);
void fake_kafka_take_away(struct kafka_consumer *consumer, size_t partition, bool can_commit);
/* The group went on without it: its commits are refused. It does not know until they are taken away. */
void fake_kafka_expel(struct kafka_consumer *consumer);
/* Takes all partitions away (with a commit, when asked for) and gives them back. */
void fake_kafka_rebalance(struct kafka_consumer *consumer, bool can_commit);
bool fake_kafka_is_paused(const struct kafka_consumer *consumer, const char *topic, int32_t partition);
bool fake_kafka_is_held(const struct kafka_consumer *consumer);
/* Larger records are refused; 0: none is. */
void fake_kafka_set_most_bytes(size_t bytes);
/* Brokers refuse: records are not taken, commits fail. */
void fake_kafka_set_down(bool is_down);
/* The reader fails after so many records; -1: never. */
void fake_kafka_fail_reader_after(int64_t records);
/* So long an opening (io/kafka_opening.h) takes from now on; 0: it is done in the next turn. */
void fake_kafka_set_opening_ms(int64_t ms);

/* What kafka_retention_ask() answers for the topic "events": how long it keeps, when the broker tells (or does not). */
void fake_kafka_set_retention(enum kafka_admin_status status, int64_t ms);
int fake_kafka_retention_questions(void);

/* --- provider ----------------------------------------------------------------------------------------------------- */

/* Providers for both channels: the e-mail one knows keys for an hour and cannot be asked, the SMS one has no keys and can
 * be asked for what it took FAKE_VISIBILITY_LAG_MS ago. NULL-terminated. */
enum { FAKE_VISIBILITY_LAG_MS = 60000 };
extern const struct provider fake_email_provider, fake_sms_provider;
extern const struct provider *const fake_providers[];

enum fake_behaviour {
    FAKE_ACCEPT,
    FAKE_ACCEPT_LOSE_ANSWER, /* taken, but the connection breaks before the answer */
    FAKE_NEVER_BEGIN,        /* no connection */
    FAKE_HANG,               /* not taken, and no answer until the request's time is over */
    FAKE_ANSWER_400,
    FAKE_ANSWER_401,
    FAKE_ANSWER_429, /* with Retry-After: 2 */
    FAKE_ANSWER_500,
    FAKE_REFUSE_NOW, /* status 425: proved not sent, later perhaps */
};

/* What the provider does with the `number`-th request (from 1) for this recipient; a request without a row is accepted.
 * `first`..`last` inclusive. */
void fake_http_script(const char *to, int first, int last, enum fake_behaviour behaviour);
/* A provider that delivers again although it knows the key: for tests of the tests. */
void fake_http_ignore_keys(bool is_ignored);

/* How long the e-mail provider knows a key. */
enum { FAKE_KEY_TTL_MS = 3600 * 1000 };

/* Asked what becomes of a request in place of the script, and told what became of it. Of a question `to` is FAKE_QUESTION
 * and `mid` what it asks for. `is_delivered`: the customer has it now; or the question was answered with yes. */
struct fake_message;
struct fake_http_judge {
    enum fake_behaviour (*decide)(void *arg, const struct fake_message *message);
    void (*told)(void *arg, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                 bool is_delivered);
    void *arg;
};
void fake_http_set_judge(const struct fake_http_judge *judge);

/* A recipient for fake_http_script(): whoever asks. */
#define FAKE_QUESTION "?"
uint64_t fake_http_question_count(void);

/* A message that reached a customer. */
struct fake_message {
    enum channel channel;
    char mid[MID_TEXT_SIZE], key[MID_TEXT_SIZE];
    char to[256];
    char text[256];
    int64_t wall_ms;
};
size_t fake_http_message_count(void);
const struct fake_message *fake_http_message(size_t index);
uint64_t fake_http_request_count(void);
/* Most requests that were on the wire at once. */
int64_t fake_http_most_open(void);

/* --- templates ---------------------------------------------------------------------------------------------------- */

/* Works that were begun and whose end is not told yet. */
int fake_background_open_count(void);

/* The catalog of tests, the same for every folder: see fake_catalog.c. Another version renders other texts. */
void fake_catalog_set_version(const char *version);
/* dedupe_for of the flow `mail`, which has no max_age; 0: for ever. */
void fake_catalog_remember_for(int64_t ms);
/* The flow "mail" is expected so often; 0 as it is: nobody waits for it. */
void fake_catalog_expect_every(int64_t ms);
/* Messages rendered since the program began. */
int fake_catalog_render_count(void);
/* A folder that templates_open() can read. */
const char *fake_templates_dir(void);

#endif
