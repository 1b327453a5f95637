/*
 * bench_chain: the limit that the libraries set. Does to every event what the worker does, with the same libraries
 * (librdkafka, jansson, hiredis, curl multi, libuv) and nothing else: no checks, no retries, no templates, no order.
 *
 *   record -> parse -> GET -> SET NX -> POST of a body that stands ready -> SET -> outcome record -> done
 *
 * What is ready in one turn of the loop shares one write to Redis, and handles and connections are reused, as in the
 * worker. Prints "messages cpu_us wall_us" of what came after the first --skip messages.
 */
#include <curl/curl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <hiredis/adapters/libuv.h>
#include <inttypes.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"

enum { BATCH = 512, ID_SIZE = 64, BODY_HEAD = 1024, TTL_MS = 86400000, FETCH_MS = 2 };

struct job {
    struct job *next; /* list: spare, or waiting for a handle */
    char id[ID_SIZE], key[ID_SIZE], email[ID_SIZE], message_id[ID_SIZE];
    int64_t serial, sent_us, member;
    CURL *easy;
    char *body;
    char answer[1024];
    size_t answer_len;
};

static struct {
    const char *brokers, *topic, *outcomes, *url;
    int64_t count, skip, redis_port, in_flight, html_bytes;
} options = {.in_flight = 256, .html_bytes = 10240};

static struct {
    uv_loop_t loop;
    uv_timer_t curl_timer;
    uv_async_t wake;
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *queue;
    redisAsyncContext *redis;
    CURLM *multi;
    struct curl_slist *headers;
    struct job *spare;
    char *html;
    int64_t open, done;
    int64_t cpu_us, wall_us; /* at `skip` */
    char run[24];
} chain;

static int64_t cpu_us(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec;
}

/* --- after the answer --------------------------------------------------------------------------------------------- */

static void take_records(void);

static void finish(struct job *job)
{
    job->next = chain.spare;
    chain.spare = job;
    chain.open--;
    chain.done++;
    if (chain.done == options.skip) {
        chain.cpu_us = cpu_us();
        chain.wall_us = clock_mono_us();
    }
    if (chain.done == options.count) {
        uv_stop(&chain.loop);
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg)
{
    (void)rk;
    (void)arg;
    finish(message->_private);
}

static void on_settled(redisAsyncContext *redis, void *reply, void *arg)
{
    struct job *job = arg;
    char outcome[512];
    int len;

    (void)redis;
    if (!reply || ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
        die("bench_chain: Redis refused SET");
    }
    len = snprintf(outcome, sizeof(outcome),
                   "{\"mid\":\"%s\",\"state\":\"sent\",\"provider_id\":\"%s\",\"event\":{\"id\":\"%s\"},\"member_id\":\"%" PRId64
                   "\"}", job->key, job->message_id, job->id, job->member);
    if (rd_kafka_producev(chain.producer, RD_KAFKA_V_TOPIC(options.outcomes), RD_KAFKA_V_KEY(job->key, strlen(job->key)),
                          RD_KAFKA_V_VALUE(outcome, (size_t)len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_OPAQUE(job), RD_KAFKA_V_END)) {
        die("bench_chain: the producer's queue is full");
    }
}

static void settle(struct job *job)
{
    json_t *answer = json_loadb(job->answer, job->answer_len, 0, NULL);
    const char *id = json_string_value(json_object_get(answer, "messageId"));
    char ttl[24];

    snprintf(job->message_id, sizeof(job->message_id), "%s", id ? id : "");
    json_decref(answer);
    snprintf(ttl, sizeof(ttl), "%d", TTL_MS);
    redisAsyncCommandArgv(chain.redis, on_settled, job, 5, (const char *[]){"SET", job->key, job->message_id, "PX", ttl},
                          NULL);
}

/* --- curl --------------------------------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct job *job = arg;
    size_t len = size * count;

    if (job->answer_len + len > sizeof(job->answer)) {
        return 0;
    }
    memcpy(job->answer + job->answer_len, data, len);
    job->answer_len += len;
    return len;
}

static void read_results(void)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(chain.multi, &left))) {
        struct job *job;
        long status = 0;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result || status != 201) {
            die("bench_chain: POST failed: %s, status %ld", curl_easy_strerror(message->data.result), status);
        }
        curl_multi_remove_handle(chain.multi, job->easy);
        settle(job);
    }
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    uv_os_fd_t fd;
    int running;

    uv_fileno((uv_handle_t *)poll, &fd);
    curl_multi_socket_action(chain.multi, fd,
                             status < 0 ? CURL_CSELECT_ERR
                                        : (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                                              (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0), &running);
    read_results();
}

static void free_poll(uv_handle_t *poll)
{
    free(poll);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
    uv_poll_t *poll = socket;

    (void)easy;
    (void)arg;
    if (what == CURL_POLL_REMOVE) {
        if (poll) {
            uv_poll_stop(poll);
            uv_close((uv_handle_t *)poll, free_poll);
            curl_multi_assign(chain.multi, fd, NULL);
        }
        return 0;
    }
    if (!poll) {
        poll = xmalloc(sizeof(*poll));
        uv_poll_init_socket(&chain.loop, poll, fd);
        curl_multi_assign(chain.multi, fd, poll);
    }
    uv_poll_start(poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_socket_ready);
    return 0;
}

static void on_curl_timer(uv_timer_t *timer)
{
    int running;

    (void)timer;
    curl_multi_socket_action(chain.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results();
}

static int set_curl_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    (void)arg;
    if (ms < 0) {
        uv_timer_stop(&chain.curl_timer);
    } else {
        uv_timer_start(&chain.curl_timer, on_curl_timer, (uint64_t)ms, 0);
    }
    return 0;
}

static void open_curl(void)
{
    static const char *const headers[] = {
        "api-key: xkeysib-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-abcdefghijkl",
        "content-type: application/json", "accept: application/json", "Expect:"};

    curl_global_init(CURL_GLOBAL_ALL);
    chain.multi = curl_multi_init();
    uv_timer_init(&chain.loop, &chain.curl_timer);
    curl_multi_setopt(chain.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(chain.multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);
    curl_multi_setopt(chain.multi, CURLMOPT_MAXCONNECTS, (long)options.in_flight);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        chain.headers = curl_slist_append(chain.headers, headers[i]);
    }
}

static CURL *make_handle(struct job *job)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, options.url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, chain.headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, job);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
    return easy;
}

/* --- before the request ------------------------------------------------------------------------------------------- */

static void post(struct job *job)
{
    int len = snprintf(job->body, BODY_HEAD,
                       "{\"sender\":{\"email\":\"club@example.com\",\"name\":\"Larkspur\"},\"to\":[{\"email\":\"%s\"}],"
                       "\"subject\":\"bench:%" PRId64 ":%" PRId64 ":%" PRId64 ": You earned points\",\"tags\":[\"%s\"],"
                       "\"htmlContent\":\"", job->email, job->serial, job->sent_us, job->member, job->key);

    memcpy(job->body + len, chain.html, (size_t)options.html_bytes);
    memcpy(job->body + len + options.html_bytes, "\"}", 3);
    job->answer_len = 0;
    curl_easy_setopt(job->easy, CURLOPT_POSTFIELDS, job->body);
    curl_easy_setopt(job->easy, CURLOPT_POSTFIELDSIZE, (long)(len + options.html_bytes + 2));
    curl_multi_add_handle(chain.multi, job->easy);
}

static void on_claimed(redisAsyncContext *redis, void *reply, void *arg)
{
    (void)redis;
    if (!reply || ((redisReply *)reply)->type != REDIS_REPLY_STATUS) {
        die("bench_chain: a claim was not given");
    }
    post(arg);
}

static void on_looked_up(redisAsyncContext *redis, void *reply, void *arg)
{
    struct job *job = arg;
    char ttl[24];

    if (!reply || ((redisReply *)reply)->type != REDIS_REPLY_NIL) {
        die("bench_chain: an event that was done before");
    }
    snprintf(ttl, sizeof(ttl), "%d", TTL_MS);
    redisAsyncCommandArgv(redis, on_claimed, job, 6, (const char *[]){"SET", job->key, "W", "NX", "PX", ttl}, NULL);
}

static struct job *take_job(void)
{
    struct job *job = chain.spare;

    if (job) {
        chain.spare = job->next;
        return job;
    }
    job = xcalloc(1, sizeof(*job));
    job->body = xmalloc((size_t)options.html_bytes + BODY_HEAD + 16);
    job->easy = make_handle(job);
    return job;
}

static void take_record(const rd_kafka_message_t *record)
{
    json_t *event = json_loadb(record->payload, record->len, 0, NULL);
    const char *id, *member, *email;
    json_int_t serial, sent_us;
    struct job *job = take_job();

    if (!event || json_unpack(event, "{s:s, s:{s:{s:s, s:s}, s:{s:I, s:I}}}", "id", &id, "data", "member", "id", &member,
                              "email", &email, "order", "serial", &serial, "sent_us", &sent_us)) {
        die("bench_chain: no event");
    }
    snprintf(job->id, sizeof(job->id), "%s", id);
    snprintf(job->key, sizeof(job->key), "chain:%s:%s", chain.run, id);
    snprintf(job->email, sizeof(job->email), "%s", email);
    job->serial = serial;
    job->sent_us = sent_us;
    job->member = strtol(member, NULL, 10);
    json_decref(event);
    chain.open++;
    redisAsyncCommandArgv(chain.redis, on_looked_up, job, 2, (const char *[]){"GET", job->key}, NULL);
}

static void take_records(void)
{
    rd_kafka_message_t *records[BATCH];
    int64_t room = options.in_flight - chain.open;
    ssize_t count = room > 0 ? rd_kafka_consume_batch_queue(chain.queue, 0, records, room < BATCH ? (size_t)room : BATCH)
                             : 0;

    for (ssize_t i = 0; i < count; i++) {
        if (!records[i]->err) {
            take_record(records[i]);
        }
        rd_kafka_message_destroy(records[i]);
    }
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static rd_kafka_t *open_kafka(rd_kafka_type_t type, const char *const properties[])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;
    char text[256];

    for (; *properties; properties += 2) {
        if (rd_kafka_conf_set(conf, properties[0], properties[1], text, sizeof(text))) {
            die("bench_chain: %s", text);
        }
    }
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rk = rd_kafka_new(type, conf, text, sizeof(text));
    if (!rk) {
        die("bench_chain: %s", text);
    }
    return rk;
}

static void assign_all(void)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(chain.consumer, options.topic, NULL);
    rd_kafka_topic_partition_list_t *list;

    if (rd_kafka_metadata(chain.consumer, 0, topic, &metadata, 10000) || metadata->topic_cnt != 1) {
        die("bench_chain: no topic %s", options.topic);
    }
    list = rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt);
    for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
        rd_kafka_topic_partition_list_add(list, options.topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(chain.consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
}

static void on_turn(uv_check_t *check)
{
    (void)check;
    rd_kafka_poll(chain.producer, 0);
    take_records();
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void run(void)
{
    uv_check_t check;
    uv_timer_t tick;

    uv_loop_init(&chain.loop);
    uv_check_init(&chain.loop, &check);
    uv_check_start(&check, on_turn);
    uv_timer_init(&chain.loop, &tick);
    uv_timer_start(&tick, on_tick, FETCH_MS, FETCH_MS);
    open_curl();
    chain.redis = redisAsyncConnect("127.0.0.1", (int)options.redis_port);
    if (chain.redis->err || redisLibuvAttach(chain.redis, &chain.loop) != REDIS_OK) {
        die("bench_chain: no Redis");
    }
    uv_run(&chain.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    const struct arg table[] = {
        {"brokers", ARG_TEXT, &options.brokers, "HOST:PORT", "Kafka"},
        {"topic", ARG_TEXT, &options.topic, "NAME", "with events of bench_events"},
        {"outcomes", ARG_TEXT, &options.outcomes, "NAME", "topic for outcomes"},
        {"url", ARG_TEXT, &options.url, "URL", "of bench_sink"},
        {"redis-port", ARG_INT, &options.redis_port, "PORT", "on loopback"},
        {"count", ARG_INT, &options.count, "N", "events"},
        {"skip", ARG_INT, &options.skip, "N", "of them to warm up"},
        {"in-flight", ARG_INT, &options.in_flight, "N", "at once (default 256)"},
        {"html-bytes", ARG_INT, &options.html_bytes, "N", "in each message (default 10240)"},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {"bench_chain", "", "The limit that the libraries set.", 0};
    struct err err = {{0}};
    int positional = 0;

    if (args_parse(table, &usage, argc, argv, &positional, &err) != ARGS_OK || !options.brokers || !options.topic ||
        !options.outcomes || !options.url || options.count <= options.skip || options.skip < 1) {
        fprintf(stderr, "bench_chain: %s\n", err.text);
        args_print_help(table, &usage, stderr);
        return 2;
    }
    snprintf(chain.run, sizeof(chain.run), "%" PRId64, clock_mono_us());
    chain.html = xmalloc((size_t)options.html_bytes + 1);
    memset(chain.html, 'x', (size_t)options.html_bytes);
    chain.consumer = open_kafka(RD_KAFKA_CONSUMER, (const char *const[]){"bootstrap.servers", options.brokers, "group.id",
                                                                         "chain", "enable.auto.commit", "false",
                                                                         "queued.max.messages.kbytes", "16384", NULL});
    chain.producer = open_kafka(RD_KAFKA_PRODUCER, (const char *const[]){"bootstrap.servers", options.brokers, "linger.ms",
                                                                         "5", "log_level", "3", NULL});
    rd_kafka_poll_set_consumer(chain.consumer);
    chain.queue = rd_kafka_queue_get_consumer(chain.consumer);
    assign_all();
    run();
    printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", options.count - options.skip, cpu_us() - chain.cpu_us,
           clock_mono_us() - chain.wall_us);
    fflush(stdout);
    _Exit(0); /* nothing is left to do; a client in the middle of a fetch would be waited for */
}
