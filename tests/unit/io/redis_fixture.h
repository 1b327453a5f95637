/*
 * redis_fixture: a redis-server of its own for each program that tests io/redis.h, and a client that writes down what
 * it is told.
 */
#ifndef TESTS_REDIS_FIXTURE_H
#define TESTS_REDIS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/redis.h"
#include "tests/support/redis_server.c"
#include "tests/support/temp_dir.c"
#include "tests/support/wait.c"

enum { TIMEOUT_MS = 5000 };

struct answer {
    int count; /* how often it was given: exactly once */
    enum redis_status status;
    enum redis_type type;
    int64_t number;
    size_t items;
    char text[128];
};

struct client {
    struct loop *loop;
    struct redis *redis;
    int connects;
    int ready_count;
    int down_count;
    bool is_new_server;
    char reason[256];
    /* What on_connect does: */
    bool is_own_pace;  /* the test says when it is ready */
    bool is_closing;   /* closes the client */
    struct answer own; /* of a command issued there */
};

static struct redis_server *server;

static inline void on_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct answer *answer = arg;

    answer->count++;
    answer->status = status;
    answer->type = reply->type;
    answer->number = reply->number;
    answer->items = reply->count;
    snprintf(answer->text, sizeof(answer->text), "%.*s", (int)reply->text.len, reply->text.len ? reply->text.data : "");
}

/* Words separated by blanks. */
static inline void call(struct redis *redis, const char *words, struct answer *answer)
{
    struct slice args[16];
    size_t count = 0;

    while (*words) {
        size_t len = strcspn(words, " ");

        args[count++] = slice_make(words, len);
        words += len + (words[len] == ' ');
    }
    redis_call(redis, args, count, on_answer, answer);
}

static inline void expect(struct client *client, const char *words, enum redis_status status, const char *text)
{
    struct answer answer = {0};

    call(client->redis, words, &answer);
    assert_int_equal(answer.count, 0);
    assert_true(wait_for_count(client->loop, &answer.count, 1));
    if (answer.status != status || !strstr(answer.text, text)) {
        fail_msg("%s: status %d, %s", words, answer.status, answer.text);
    }
}

static inline void on_connect(void *arg, const char *run_id, bool is_new_server)
{
    struct client *client = arg;

    assert_int_equal(strlen(run_id), 40);
    client->connects++;
    client->is_new_server = is_new_server;
    if (client->is_closing) {
        redis_close(client->redis);
        client->redis = NULL;
        return;
    }
    if (client->is_own_pace) {
        call(client->redis, "INCR owner", &client->own);
        return;
    }
    redis_set_ready(client->redis);
}

static inline void on_state(void *arg, bool is_ready, const char *reason)
{
    struct client *client = arg;

    if (is_ready) {
        client->ready_count++;
    } else {
        client->down_count++;
        snprintf(client->reason, sizeof(client->reason), "%s", reason);
    }
}

static inline void open_url(struct client *client, const char *url, int64_t timeout_ms)
{
    const struct redis_settings settings = {url, timeout_ms, TIMEOUT_MS, 1};
    const struct redis_events events = {.on_connect = on_connect, .on_state = on_state, .arg = client};
    struct err err = {0};

    client->loop = loop_create();
    client->redis = redis_open(client->loop, &settings, &events, &err);
    if (!client->redis) {
        fail_msg("%s", err.text);
    }
}

static inline void open_ready(struct client *client, int64_t timeout_ms)
{
    open_url(client, redis_server_url(server), timeout_ms);
    assert_false(redis_is_ready(client->redis));
    assert_true(wait_for_count(client->loop, &client->ready_count, 1));
    assert_true(redis_is_ready(client->redis));
}

static inline void finish(struct client *client)
{
    redis_close(client->redis);
    loop_destroy(client->loop);
}

static inline long long server_stat(const char *name)
{
    int fd = connect_to(server);
    char text[16384];
    size_t len = 0;
    ssize_t got;
    const char *at;

    assert_true(write(fd, "INFO stats\r\n", 12) == 12);
    do {
        got = read(fd, text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
    } while (got > 0 && !strstr(text, "\r\n\r\n") && !strstr(text, "total_writes_processed"));
    close(fd);
    at = strstr(text, name);
    assert_non_null(at);
    return strtoll(at + strlen(name) + 1, NULL, 10);
}

static inline int start_all(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static inline int stop_all(void **state)
{
    (void)state;
    redis_server_destroy(server);
    return 0;
}

#endif
