/*
 * scene: one chaos test from beginning to end: a system, the notes that are published into it, a watcher that writes down
 * what is committed and what Redis holds while everything goes on, the faults that the test injects, and in the end the
 * judgement by tests/chaos/history.h and one line of figures.
 *
 * Three kinds of provider: the e-mail channel has a key (P1) unless it is taken away, SMS has none (P3) and its flow holds
 * or repeats what nobody knows. CHAOS_SEED sets the seed of a run, CHAOS_LONG=1 chooses the long forms.
 */
#ifndef CHAOS_SCENE_H
#define CHAOS_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "tests/chaos/history.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/system.h"

struct scene_options {
    const char *channels;          /* "email", "sms"; NULL: both */
    const char *email_policy;      /* of ambiguous deliveries; NULL: resend */
    const char *sms_policy;        /* NULL: hold */
    const char *const *worker_env; /* NULL-terminated, or NULL */
    const char *const *sandbox_args;
    int partitions; /* 0: four, or more in the long form on the embedded broker */
    bool is_group;
    const char *const *redis_options; /* for redis-server; NULL: nothing on disk */
    struct kafka_mock *mock; /* see system.h */
    bool is_unwatched; /* neither commits nor Redis are written down, so there is no judgement: for very many events */
    bool has_proxies; /* workers reach Redis, Kafka and the provider through them */
};

struct scene_watch;

struct scene {
    struct system *system;
    struct history *history;
    struct history_rules rules; /* for the test to change */
    struct history_figures figures;
    struct random random;
    int64_t seed;
    int64_t began_ms;
    int published;
    struct scene_watch *watch;
    struct chaos_proxy *redis_proxy, *kafka_proxy, *provider_proxy; /* NULL without has_proxies */
};

/* The seed of this run, and whether the long forms are wanted. */
int64_t scene_seed(void);
bool scene_is_long(void);

/* CHAOS_TEST=pattern runs only the tests of a program that it names (with * and ?). First in main(). */
void scene_choose_tests(void);

/* Everything but workers. */
struct scene *scene_create(const struct scene_options *options);
void scene_destroy(struct scene *scene);

/* Notes for `members` with the numbers first..last; each asks for one delivery per channel. */
void scene_publish(struct scene *scene, int members, int first, int last);

/* Worker `index` of `count`: its even share of the partitions, statically. `env` may be NULL. Does not wait. */
struct process *scene_start_worker(struct scene *scene, int index, int count, const char *const env[]);
/* kill -9, written down as a fault. */
void scene_kill_worker(struct scene *scene, int index);
/* A fault from `from_ms` (wall clock) until now. */
void scene_note_fault(struct scene *scene, const char *what, int64_t from_ms);

/* Every answer that the proxy has swallowed so far, as a fault. */
void scene_note_drops(struct scene *scene, struct chaos_proxy *proxy);

/* Between these two Redis is made to forget; no snapshot is taken meanwhile. */
void scene_begin_redis_loss(struct scene *scene);
void scene_end_redis_loss(struct scene *scene);

/* Of the sandbox, over the channels in use. */
int64_t scene_count(const struct scene *scene, const char *what);
/* Waits until the provider has accepted so many more. False: that takes too long. */
bool scene_wait_accepted(struct scene *scene, int64_t more);
/* Milliseconds since the scene was created. */
int64_t scene_age_ms(const struct scene *scene);

/* Waits until everything is committed. False: that takes too long. */
bool scene_wait_idle(struct scene *scene);
bool scene_wait_idle_within(struct scene *scene, int64_t ms);
/* Waits until everything is committed, collects all logs, and decides. Prints what does not fit. */
bool scene_judge(struct scene *scene);
/* The same without waiting, and without a look at lag: for a system that still has work. */
bool scene_judge_now(struct scene *scene, int64_t lag);

/* One line of the table: printed, and added to the file that CHAOS_REPORT names. */
void scene_report(const char *id, const char *what, bool is_passed, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
