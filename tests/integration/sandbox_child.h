/*
 * sandbox_child: `perkline sandbox` as a child process, and what a client says to it and asks it.
 */
#ifndef TESTS_SANDBOX_CHILD_H
#define TESTS_SANDBOX_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"

enum { ARGS_MOST = 16, CLIENT_TIMEOUT_MS = 20000 };

static const char email_path[] = "/v3/smtp/email";
static const char sms_path[] = "/v3/transactionalSMS/send";

/* --- the sandbox as a child process ------------------------------------------------------------------------------- */

struct sandbox {
    pid_t pid;
    FILE *output;
    char url[256];
    CURL *curl;
};

static inline pid_t spawn(const char *const options[], int *output)
{
    const char *program = getenv("PERKLINE") ? getenv("PERKLINE") : "build/asan/perkline";
    char *argv[ARGS_MOST] = {xstrdup(program), xstrdup("sandbox")};
    int count = 2;
    int fds[2];
    pid_t pid;

    for (; options && *options; options++) {
        argv[count++] = xstrdup(*options);
    }
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        execv(program, argv);
        _exit(127);
    }
    close(fds[1]);
    for (int i = 0; i < count; i++) {
        free(argv[i]);
    }
    *output = fds[0];
    return pid;
}

static inline int wait_for(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void start(struct sandbox *s, const char *const options[])
{
    static const char greeting[] = "sandbox listening on ";
    const char *all[ARGS_MOST] = {"--listen", "127.0.0.1:0"};
    char line[256] = "";
    int fd;

    for (int i = 0; options && options[i]; i++) {
        all[i + 2] = options[i];
    }
    s->pid = spawn(all, &fd);
    s->output = fdopen(fd, "r");
    if (!fgets(line, sizeof(line), s->output) || strncmp(line, greeting, strlen(greeting)) != 0) {
        fail_msg("the sandbox did not start: %s", line);
    }
    line[strcspn(line, "\n")] = '\0';
    snprintf(s->url, sizeof(s->url), "%s", line + strlen(greeting));
    s->curl = curl_easy_init();
}

static inline void stop(struct sandbox *s)
{
    curl_easy_cleanup(s->curl);
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    assert_int_equal(wait_for(s->pid), 0);
    fclose(s->output);
}

/* --- asking it ---------------------------------------------------------------------------------------------------- */

struct answer {
    CURLcode result;
    long status;
    struct buf head;
    struct buf body;
    json_t *json; /* NULL when it is none */
};

static inline size_t collect(char *data, size_t size, size_t count, void *arg)
{
    buf_append(arg, data, size * count);
    return size * count;
}

static inline void ask_with(struct sandbox *s, const char *method, const char *path, const char *body,
                            const char *const headers[], struct answer *answer)
{
    struct curl_slist *list = curl_slist_append(NULL, "content-type: application/json");
    char *url = xasprintf("%s%s", s->url, path);

    *answer = (struct answer){0};
    buf_init(&answer->head, 0);
    buf_init(&answer->body, 0);
    for (; headers && *headers; headers++) {
        list = curl_slist_append(list, *headers);
    }
    curl_easy_reset(s->curl);
    curl_easy_setopt(s->curl, CURLOPT_URL, url);
    curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
    /* On a connection used before, curl repeats a request silently when it is reset. */
    curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, (long)CLIENT_TIMEOUT_MS);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, &answer->body);
    curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, &answer->head);
    if (body) {
        curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body);
    }
    answer->result = curl_easy_perform(s->curl);
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->json = json_loadb(buf_text(&answer->body), answer->body.len, 0, NULL);
    curl_slist_free_all(list);
    free(url);
}

static inline void answer_finish(struct answer *answer)
{
    buf_finish(&answer->head);
    buf_finish(&answer->body);
    json_decref(answer->json);
}

static inline const char *answer_text(const struct answer *answer, const char *key)
{
    const char *text = json_string_value(json_object_get(answer->json, key));

    return text ? text : "";
}

/* The answer's JSON (the caller owns it); the status must be 200. */
static inline json_t *get(struct sandbox *s, const char *path)
{
    struct answer answer;
    json_t *json;

    ask_with(s, "GET", path, NULL, NULL, &answer);
    assert_int_equal(answer.result, CURLE_OK);
    assert_int_equal(answer.status, 200);
    json = json_incref(answer.json);
    assert_non_null(json);
    answer_finish(&answer);
    return json;
}

static inline json_int_t stat_of(struct sandbox *s, const char *name)
{
    json_t *stats = get(s, "/api/stats");
    json_int_t number = json_integer_value(json_object_get(stats, name));

    assert_true(json_is_integer(json_object_get(stats, name)));
    json_decref(stats);
    return number;
}

static inline size_t count_listed(struct sandbox *s, const char *query)
{
    char *path = xasprintf("/api/messages?%s", query);
    json_t *list = get(s, path);
    size_t count = json_array_size(json_object_get(list, "messages"));

    json_decref(list);
    free(path);
    return count;
}

static inline void call(struct sandbox *s, const char *path, const char *body, struct answer *answer)
{
    static const char *const headers[] = {"api-key: any", NULL};

    ask_with(s, "POST", path, body, headers, answer);
}

/* An e-mail body with these members in its `headers` object. */
static inline char *email_body(const char *mid, const char *header_members)
{
    return xasprintf("{\"sender\":{\"email\":\"club@example.com\"},\"to\":[{\"email\":\"ilona@example.com\"}],"
                     "\"subject\":\"Hello\",\"htmlContent\":\"<p>Hello</p>\",\"textContent\":\"Hello\","
                     "\"tags\":[\"%s\",\"tier_upgrade\"],\"headers\":{%s}}",
                     mid, header_members);
}

/* Sends one and returns the status; 0 when there was no answer. */
static inline long send_email(struct sandbox *s, const char *mid, const char *header_members)
{
    char *body = email_body(mid, header_members);
    struct answer answer;
    long status;

    call(s, email_path, body, &answer);
    status = answer.status;
    answer_finish(&answer);
    free(body);
    return status;
}

static inline void put_faults(struct sandbox *s, const char *json, long status)
{
    struct answer answer;

    ask_with(s, "PUT", "/api/faults", json, NULL, &answer);
    assert_int_equal(answer.status, status);
    answer_finish(&answer);
}

#define MID1 "00112233445566778899aabbccddeeff"
#define MID2 "ffeeddccbbaa99887766554433221100"
#define KEY1 "\"idempotencyKey\":\"00112233-4455-8677-8899-aabbccddeeff\""

/* --- set up and tear down ----------------------------------------------------------------------------------------- */

static inline int set_up(void **state)
{
    struct sandbox *s = xcalloc(1, sizeof(*s));

    start(s, NULL);
    *state = s;
    return 0;
}

static inline int tear_down(void **state)
{
    stop(*state);
    free(*state);
    return 0;
}

/* For tests with options of their own. */
static inline void restart(struct sandbox *s, const char *const options[])
{
    stop(s);
    start(s, options);
}

#define sandbox_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
