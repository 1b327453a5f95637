#include "io/kafka_retention.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/kafka_handle.h"
#include "io/kafka_wake.h"

enum { ANSWER_MS = 3000, CLOSE_MS = 4000, MOST_ITEMS = 256 };

struct kafka_retention {
    struct kafka_admin *admin;
    const char *const *topics;
    struct kafka_wake *wake;
    int wake_fd;
    kafka_retention_fn fn;
    void *arg;
    pthread_t thread;
    bool is_joined, is_answered;
    atomic_bool is_done, is_unwanted;

    /* the thread's, until it is done */
    struct kafka_retention_item items[MOST_ITEMS];
    size_t count;
    struct err problem;
};

/* --- on the helper thread ----------------------------------------------------------------------------------------- */

static void ask_one(struct kafka_retention *retention, const char *topic)
{
    struct kafka_retention_item *item = &retention->items[retention->count++];
    struct kafka_admin_config config;
    const char *text;

    item->topic = xstrdup(topic);
    item->status = kafka_admin_describe(retention->admin, topic, &config, NULL);
    text = item->status == KAFKA_ADMIN_OK ? kafka_admin_config_find(&config, "retention.ms") : NULL;
    if (item->status == KAFKA_ADMIN_OK && (!text || !number_parse(slice_of(text), &item->ms))) {
        item->status = KAFKA_ADMIN_UNSUPPORTED;
    }
    kafka_admin_config_finish(&config);
}

static void ask_all(struct kafka_retention *retention)
{
    struct kafka_admin_view view;

    if (!kafka_admin_look(retention->admin, &view, &retention->problem)) {
        return;
    }
    for (size_t i = 0; retention->topics[i]; i++) {
        const char *names[MOST_ITEMS];
        size_t count = 0;

        if (!kafka_admin_match(&view, retention->topics[i], names, MOST_ITEMS - retention->count, &count,
                               &retention->problem)) {
            break;
        }
        for (size_t n = 0; n < count && !atomic_load(&retention->is_unwanted); n++) {
            ask_one(retention, names[n]);
        }
    }
    kafka_admin_view_finish(&view);
}

static void *run(void *arg)
{
    struct kafka_retention *retention = arg;

    ask_all(retention);
    kafka_admin_close(retention->admin);
    atomic_store(&retention->is_done, true);
    if (write(retention->wake_fd, "1", 1) != 1) {
        return NULL; /* the pipe is full, which wakes as well */
    }
    return NULL;
}

/* --- from the loop ------------------------------------------------------------------------------------------------ */

static void on_wake(void *arg)
{
    struct kafka_retention *retention = arg;

    if (!atomic_load(&retention->is_done) || retention->is_answered) {
        return;
    }
    pthread_join(retention->thread, NULL);
    retention->is_joined = true;
    retention->is_answered = true;
    retention->fn(retention->arg, retention->items, retention->count, retention->problem.text);
}

static void start_thread(struct kafka_retention *retention)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&retention->thread, NULL, run, retention) != 0) {
        die("cannot start a thread to ask Kafka");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct kafka_retention *kafka_retention_ask(struct loop *loop, const struct kafka_settings *settings,
                                            const char *const topics[], kafka_retention_fn fn, void *arg,
                                            struct err *err)
{
    struct kafka_retention *retention;
    struct kafka_admin *admin = kafka_admin_open(settings, ANSWER_MS, err);

    if (!admin) {
        return NULL;
    }
    retention = xcalloc(1, sizeof(*retention));
    retention->admin = admin;
    retention->topics = topics;
    retention->fn = fn;
    retention->arg = arg;
    retention->wake = kafka_wake_create(loop, on_wake, retention, err);
    if (!retention->wake) {
        kafka_admin_close(admin);
        free(retention);
        return NULL;
    }
    retention->wake_fd = kafka_wake_fd(retention->wake);
    start_thread(retention);
    return retention;
}

void kafka_retention_close(struct kafka_retention *retention)
{
    if (!retention) {
        return;
    }
    atomic_store(&retention->is_unwanted, true);
    retention->is_answered = true;
    if (!retention->is_joined && !kafka_handle_join(retention->thread, CLOSE_MS)) {
        kafka_wake_abandon(retention->wake); /* the thread goes on with what it uses, and that is left to it */
        return;
    }
    kafka_wake_destroy(retention->wake);
    for (size_t i = 0; i < retention->count; i++) {
        free(retention->items[i].topic);
    }
    free(retention);
}
