/* The real binary, started as `perkline sandbox`, asked by an ordinary HTTP client. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

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

static pid_t spawn(const char *const options[], int *output)
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

static int wait_for(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void start(struct sandbox *s, const char *const options[])
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

static void stop(struct sandbox *s)
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

static size_t collect(char *data, size_t size, size_t count, void *arg)
{
    buf_append(arg, data, size * count);
    return size * count;
}

static void ask_with(struct sandbox *s, const char *method, const char *path, const char *body,
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

static void answer_finish(struct answer *answer)
{
    buf_finish(&answer->head);
    buf_finish(&answer->body);
    json_decref(answer->json);
}

static const char *answer_text(const struct answer *answer, const char *key)
{
    const char *text = json_string_value(json_object_get(answer->json, key));

    return text ? text : "";
}

/* The answer's JSON (the caller owns it); the status must be 200. */
static json_t *get(struct sandbox *s, const char *path)
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

static json_int_t stat_of(struct sandbox *s, const char *name)
{
    json_t *stats = get(s, "/api/stats");
    json_int_t number = json_integer_value(json_object_get(stats, name));

    assert_true(json_is_integer(json_object_get(stats, name)));
    json_decref(stats);
    return number;
}

static size_t count_listed(struct sandbox *s, const char *query)
{
    char *path = xasprintf("/api/messages?%s", query);
    json_t *list = get(s, path);
    size_t count = json_array_size(json_object_get(list, "messages"));

    json_decref(list);
    free(path);
    return count;
}

static void call(struct sandbox *s, const char *path, const char *body, struct answer *answer)
{
    static const char *const headers[] = {"api-key: any", NULL};

    ask_with(s, "POST", path, body, headers, answer);
}

/* An e-mail body with these members in its `headers` object. */
static char *email_body(const char *mid, const char *header_members)
{
    return xasprintf("{\"sender\":{\"email\":\"club@example.com\"},\"to\":[{\"email\":\"ilona@example.com\"}],"
                     "\"subject\":\"Hello\",\"htmlContent\":\"<p>Hello</p>\",\"textContent\":\"Hello\","
                     "\"tags\":[\"%s\",\"tier_upgrade\"],\"headers\":{%s}}",
                     mid, header_members);
}

/* Sends one and returns the status; 0 when there was no answer. */
static long send_email(struct sandbox *s, const char *mid, const char *header_members)
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

static void put_faults(struct sandbox *s, const char *json, long status)
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

static int set_up(void **state)
{
    struct sandbox *s = xcalloc(1, sizeof(*s));

    start(s, NULL);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    stop(*state);
    free(*state);
    return 0;
}

/* For tests with options of their own. */
static void restart(struct sandbox *s, const char *const options[])
{
    stop(s);
    start(s, options);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_an_email_is_answered_as_brevo_does_and_shows_in_the_inbox(void **state)
{
    struct sandbox *s = *state;
    char *body = email_body(MID1, KEY1);
    struct answer answer;
    const char *id;
    json_t *message;

    call(s, email_path, body, &answer);
    assert_int_equal(answer.status, 201);
    id = answer_text(&answer, "messageId");
    assert_true(id[0] == '<' && id[strlen(id) - 1] == '>');
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-limit: "));
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-remaining: "));
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-reset: 1\r\n"));

    message = get(s, "/api/messages/1");
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    assert_string_equal(json_string_value(json_object_get(message, "to")), "ilona@example.com");
    assert_string_equal(json_string_value(json_object_get(message, "subject")), "Hello");
    assert_string_equal(json_string_value(json_object_get(message, "html")), "<p>Hello</p>");
    assert_string_equal(json_string_value(json_object_get(message, "text")), "Hello");
    assert_memory_equal(json_string_value(json_object_get(message, "message_id")), id + 1, strlen(id) - 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(message, "request"), "body")), body);
    assert_null(strstr(json_string_value(json_object_get(json_object_get(message, "request"), "head")), "any"));
    json_decref(message);
    answer_finish(&answer);
    free(body);
}

static void test_a_repeated_key_is_refused_and_nothing_is_sent_again(void **state)
{
    struct sandbox *s = *state;
    char *body = email_body(MID1, KEY1);
    struct answer answer;

    assert_int_equal(send_email(s, MID1, KEY1), 201);
    call(s, email_path, body, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer_text(&answer, "code"), "duplicate_parameter");
    assert_int_equal(stat_of(s, "requests"), 2);
    assert_int_equal(stat_of(s, "accepted"), 1);
    assert_int_equal(stat_of(s, "duplicates"), 0);
    assert_int_equal(count_listed(s, ""), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 2);
    answer_finish(&answer);
    free(body);
}

static void test_a_key_at_the_wrong_place_is_ignored_without_a_word(void **state)
{
    static const struct {
        const char *what;
        const char *header_members;
        const char *http_header;
        const char *before; /* first member of the body */
    } cases[] = {
        {"another spelling", "\"Idempotency-Key\":\"00112233-4455-8677-8899-aabbccddeeff\"", NULL, ""},
        {"another case", "\"idempotencykey\":\"00112233-4455-8677-8899-aabbccddeeff\"", NULL, ""},
        {"no UUID", "\"idempotencyKey\":\"00112233445586778899aabbccddeeff\"", NULL, ""},
        {"HTTP header", "", "idempotencyKey: 00112233-4455-8677-8899-aabbccddeeff", ""},
        {"HTTP header as others have it", "", "Idempotency-Key: 00112233-4455-8677-8899-aabbccddeeff", ""},
        {"beside the headers", "", NULL, KEY1 ","},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *headers[] = {"api-key: any", cases[i].http_header, NULL};
        char *mid = xasprintf("%032zu", i);
        char *plain = email_body(mid, cases[i].header_members);
        char *body = xasprintf("{%s%s", cases[i].before, plain + 1);

        for (int round = 0; round < 2; round++) {
            struct answer answer;

            ask_with(s, "POST", email_path, body, headers, &answer);
            if (answer.status != 201) {
                fail_msg("%s: %ld %s", cases[i].what, answer.status, buf_text(&answer.body));
            }
            answer_finish(&answer);
        }
        assert_int_equal(stat_of(s, "duplicates"), i + 1);
        free(body);
        free(plain);
        free(mid);
    }
}

static void test_a_key_is_forgotten_after_its_time(void **state)
{
    static const char *const options[] = {"--key-ttl-s", "0", NULL};
    struct sandbox *s = *state;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(stat_of(s, "surplus"), 1);
}

static void test_a_refused_request_does_not_use_up_its_key(void **state)
{
    struct sandbox *s = *state;

    put_faults(s, "{\"faults\":[{\"kind\":\"http_500\",\"times\":1}]}", 200);
    assert_int_equal(send_email(s, MID1, KEY1), 500);
    assert_int_equal(count_listed(s, "accepted=false&to=ilona&mid=" MID1), 1);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
}

static void test_what_is_wrong_is_refused_with_brevos_code(void **state)
{
    static const struct {
        const char *path;
        const char *body;
        const char *code;
    } cases[] = {
        {email_path, "", "bad_request"},
        {email_path, "{", "bad_request"},
        {email_path, "[]", "bad_request"},
        {email_path, "{}", "missing_parameter"},
        {email_path, "{\"sender\":{\"email\":\"a@b.example\"}}", "missing_parameter"},
        {email_path, "{\"sender\":{\"email\":\"nobody\"}}", "invalid_parameter"},
        {email_path, "{\"sender\":[1]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"x\"}]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}]}", "missing_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\"}",
         "missing_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":7,\"htmlContent\":\"h\"}",
         "invalid_parameter"},
        {email_path,
         "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\",\"htmlContent\":\"h\","
         "\"tags\":\"t\"}",
         "invalid_parameter"},
        {email_path,
         "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\",\"htmlContent\":\"h\","
         "\"headers\":{\"x\":1}}",
         "invalid_parameter"},
        {sms_path, "{}", "missing_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\"}", "missing_parameter"},
        {sms_path, "{\"sender\":\"Example Club\",\"recipient\":\"36301234567\",\"content\":\"x\"}",
         "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"+36301234567\",\"content\":\"x\"}", "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"type\":\"other\"}",
         "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"templateId\":1}",
         "invalid_parameter"},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        call(s, cases[i].path, cases[i].body, &answer);
        if (answer.status != 400 || strcmp(answer_text(&answer, "code"), cases[i].code) != 0) {
            fail_msg("%s: %ld %s", cases[i].body, answer.status, buf_text(&answer.body));
        }
        answer_finish(&answer);
    }
    assert_int_equal(stat_of(s, "accepted"), 0);
}

static void test_a_deep_body_is_refused(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;
    struct buf body;

    buf_init(&body, 0);
    for (int i = 0; i < 500000; i++) {
        buf_append_char(&body, '[');
    }
    call(s, email_path, buf_text(&body), &answer);
    assert_int_equal(answer.status, 400);
    answer_finish(&answer);
    buf_finish(&body);
}

static void test_keys_of_the_account_are_checked(void **state)
{
    static const char *const options[] = {"--api-key", "right", NULL};
    static const struct {
        const char *header;
        long status;
    } cases[] = {{"x-other: 1", 401}, {"api-key: wrong", 401}, {"api-key: right", 201}};
    struct sandbox *s = *state;
    char *body = email_body(MID1, "");

    restart(s, options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *headers[] = {cases[i].header, NULL};
        struct answer answer;

        ask_with(s, "POST", email_path, body, headers, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(answer_text(&answer, "code"), cases[i].status == 401 ? "unauthorized" : "");
        answer_finish(&answer);
    }
    assert_int_equal(stat_of(s, "accepted"), 1);
    free(body);
}

static void test_above_the_rate_calls_are_refused_with_429(void **state)
{
    static const char *const options[] = {"--rate", "1/s", NULL};
    struct sandbox *s = *state;
    char *body = email_body(MID1, "");
    struct answer answer;
    int refused = 0;

    restart(s, options);
    for (int i = 0; i < 200; i++) {
        call(s, email_path, body, &answer);
        assert_true(answer.status == 201 || answer.status == 429);
        assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-limit: 1\r\n"));
        assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-remaining: 0\r\n"));
        refused += answer.status == 429;
        answer_finish(&answer);
    }
    assert_true(refused > 0);
    assert_int_equal(stat_of(s, "accepted") + refused, 200);
    free(body);
}

static void test_an_email_for_the_drain_is_answered_but_not_sent(void **state)
{
    struct sandbox *s = *state;

    assert_int_equal(send_email(s, MID1, "\"X-Sib-Sandbox\":\"drop\""), 201);
    assert_int_equal(stat_of(s, "accepted"), 0);
    assert_int_equal(stat_of(s, "dropped"), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
}

static void test_each_fault_does_what_its_name_says(void **state)
{
    static const struct {
        const char *kind;
        CURLcode result;
        long status;
        int accepted;
    } cases[] = {
        {"http_400", CURLE_OK, 400, 0},
        {"http_401", CURLE_OK, 401, 0},
        {"http_429", CURLE_OK, 429, 0},
        {"http_500", CURLE_OK, 500, 0},
        {"http_503", CURLE_OK, 503, 0},
        {"http_500_after", CURLE_OK, 500, 1},
        {"reset_before", CURLE_RECV_ERROR, 0, 0},
        {"reset_after", CURLE_RECV_ERROR, 0, 1},
        {"close_before", CURLE_GOT_NOTHING, 0, 0},
        {"close_after", CURLE_GOT_NOTHING, 0, 1},
        {"garbage", CURLE_UNSUPPORTED_PROTOCOL, 0, 1},
        {"empty_201", CURLE_OK, 201, 1},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *json = xasprintf("{\"faults\":[{\"kind\":\"%s\",\"probability\":1,\"times\":1}]}", cases[i].kind);
        char *body = email_body(MID1, "");
        struct answer answer;
        json_t *stats;

        ask_with(s, "DELETE", "/api/messages", NULL, NULL, &answer);
        assert_int_equal(answer.status, 204);
        answer_finish(&answer);
        put_faults(s, json, 200);
        call(s, email_path, body, &answer);
        if (answer.result != cases[i].result || answer.status != cases[i].status) {
            fail_msg("%s: curl %d, status %ld", cases[i].kind, answer.result, answer.status);
        }
        assert_true(answer.status != 201 || answer.body.len == 0);
        stats = get(s, "/api/stats");
        assert_int_equal(json_integer_value(json_object_get(stats, "accepted")), cases[i].accepted);
        assert_int_equal(json_object_size(json_object_get(stats, "answers")), 1);
        json_decref(stats);
        answer_finish(&answer);
        /* struck once, as asked for */
        assert_int_equal(send_email(s, MID2, ""), 201);
        free(body);
        free(json);
    }
}

static void test_a_hanging_answer_is_ended_by_the_client(void **state)
{
    static const struct {
        const char *faults;
        int accepted;
    } cases[] = {
        {"{\"faults\":[{\"kind\":\"hang_before\",\"times\":1}]}", 0},
        {"{\"faults\":[{\"kind\":\"hang_after_accept\",\"times\":1}]}", 1},
    };
    struct sandbox *s = *state;
    char *url = xasprintf("%s%s", s->url, email_path);
    char *body = email_body(MID1, "");

    for (size_t i = 0; i < 2; i++) {
        struct curl_slist *headers = curl_slist_append(NULL, "api-key: any");
        CURL *curl = curl_easy_init();

        put_faults(s, cases[i].faults, 200);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300L);
        assert_int_equal(curl_easy_perform(curl), CURLE_OPERATION_TIMEDOUT);
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        assert_int_equal(stat_of(s, "accepted"), cases[i].accepted);
    }
    free(body);
    free(url);
}

static void test_a_delayed_call_is_accepted_before_it_is_answered(void **state)
{
    struct sandbox *s = *state;

    put_faults(s, "{\"faults\":[{\"kind\":\"delay\",\"ms\":20}],\"latency_ms\":10}", 200);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
    assert_int_equal(stat_of(s, "accepted"), 1);
}

static void test_a_fault_of_one_channel_leaves_the_other_alone(void **state)
{
    static const char *const options[] = {"--fault", "http_503@sms=1", NULL};
    struct sandbox *s = *state;
    struct answer answer;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\"}", &answer);
    assert_int_equal(answer.status, 503);
    answer_finish(&answer);
}

static void test_faults_from_one_seed_strike_alike(void **state)
{
    struct sandbox *s = *state;
    long first[40];

    for (int run = 0; run < 2; run++) {
        put_faults(s, "{\"seed\":7,\"faults\":[{\"kind\":\"http_500\",\"probability\":0.5}]}", 200);
        for (size_t i = 0; i < 40; i++) {
            long status = send_email(s, MID1, "");

            if (run == 0) {
                first[i] = status;
            }
            assert_int_equal(status, first[i]);
        }
    }
    assert_true(stat_of(s, "accepted") > 0 && stat_of(s, "accepted") < 80);
}

static void test_wrong_faults_change_nothing(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"faults\":1}",
        "{\"faults\":[1]}",
        "{\"faults\":[{\"kind\":\"none_such\"}]}",
        "{\"faults\":[{\"kind\":\"http_99\"}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"probability\":1.5}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"probability\":\"often\"}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"channel\":\"fax\"}]}",
        "{\"faults\":[{\"kind\":\"delay\"}]}",
        "{\"faults\":[],\"rate\":-1}",
        "{\"faults\":[],\"latency_ms\":1e9}",
    };
    struct sandbox *s = *state;
    json_t *faults;

    put_faults(s, "{\"faults\":[{\"kind\":\"http_503\",\"probability\":0.25,\"channel\":\"sms\"}]}", 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_faults(s, cases[i], 400);
    }
    faults = get(s, "/api/faults");
    assert_int_equal(json_array_size(json_object_get(faults, "faults")), 1);
    json_decref(faults);
}

static void test_an_sms_is_counted_in_segments(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;
    struct buf body;
    json_t *message;

    buf_init(&body, 0);
    buf_append_text(&body,
                    "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"unicodeEnabled\":true,\"tag\":\"" MID1
                    "\",\"content\":\"");
    for (int i = 0; i < 71; i++) {
        buf_append_text(&body, "ő");
    }
    buf_append_text(&body, "\"}");
    call(s, sms_path, buf_text(&body), &answer);
    assert_int_equal(answer.status, 201);
    assert_true(json_integer_value(json_object_get(answer.json, "messageId")) > 1000000000000000);
    message = get(s, "/api/messages/1");
    assert_int_equal(json_integer_value(json_object_get(message, "segments")), 2);
    assert_true(json_is_true(json_object_get(message, "unicode")));
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    json_decref(message);
    answer_finish(&answer);
    buf_finish(&body);
}

static void test_messages_can_be_filtered(void **state)
{
    static const struct {
        const char *query;
        size_t count;
    } cases[] = {
        {"", 3},
        {"channel=email", 2},
        {"channel=sms", 1},
        {"mid=" MID1, 1},
        {"tag=" MID2, 1},
        {"tag=tier_upgrade", 2},
        {"tag=tier", 0},
        {"to=ILONA", 2},
        {"to=3630", 1},
        {"since=2", 1},
        {"since=3", 0},
        {"limit=2", 2},
        {"limit=0", 0},
        {"since=2000-01-01T00:00:00Z", 3},
        {"since=2999-01-01T00:00:00Z", 0},
        {"accepted=false", 0},
    };
    struct sandbox *s = *state;
    struct answer answer;

    assert_int_equal(send_email(s, MID1, ""), 201);
    assert_int_equal(send_email(s, MID2, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\"}", &answer);
    answer_finish(&answer);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t count = count_listed(s, cases[i].query);

        if (count != cases[i].count) {
            fail_msg("%s: %zu", cases[i].query, count);
        }
    }
}

static void test_wrong_questions_get_clear_answers(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        long status;
    } cases[] = {
        {"GET", "/api/messages?limit=many", 400},
        {"GET", "/api/messages?since=yesterday", 400},
        {"GET", "/api/messages?accepted=perhaps", 400},
        {"GET", "/api/messages/0", 404},
        {"GET", "/api/messages/1", 404},
        {"GET", "/api/messages/-1", 404},
        {"GET", "/api/messages/99999999999999999999", 404},
        {"GET", "/api/messages/x/html", 404},
        {"PATCH", "/api/messages", 405},
        {"POST", "/api/stats", 405},
        {"GET", "/nothing", 404},
        {"GET", "/..%2f..%2fetc/passwd", 404},
        {"GET", "/v3/smtp/email", 405},
        {"POST", "/v3/contacts", 404},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        ask_with(s, cases[i].method, cases[i].path, NULL, NULL, &answer);
        if (answer.status != cases[i].status || !json_is_object(answer.json)) {
            fail_msg("%s %s: %ld %s", cases[i].method, cases[i].path, answer.status, buf_text(&answer.body));
        }
        answer_finish(&answer);
    }
}

/* How many events of this tag the statistics tell of; -1: refused. */
static int count_events(struct sandbox *s, const char *channel_path, const char *tag)
{
    static const char *const headers[] = {"api-key: any", NULL};
    char *path = xasprintf("/v3/%s/statistics/events?days=30&limit=50&tags=%%5B%%22%s%%22%%5D", channel_path, tag);
    struct answer answer;
    int count = -1;

    ask_with(s, "GET", path, NULL, headers, &answer);
    if (answer.status == 200) {
        count = (int)json_array_size(json_object_get(answer.json, "events"));
    }
    answer_finish(&answer);
    free(path);
    return count;
}

static void test_the_statistics_find_what_was_taken_by_its_tag(void **state)
{
    struct sandbox *s = *state;

    assert_int_equal(count_events(s, "smtp", MID1), 0);
    send_email(s, MID1, KEY1);
    send_email(s, MID1, KEY1); /* refused: a duplicate */
    send_email(s, MID2, "");
    assert_int_equal(count_events(s, "smtp", MID1), 1);
    assert_int_equal(count_events(s, "smtp", "tier_upgrade"), 2);
    assert_int_equal(count_events(s, "smtp", "tier"), 0);
    assert_int_equal(count_events(s, "transactionalSMS", MID1), 0);
    assert_int_equal(count_events(s, "smtp", "%22%2C%22x"), -1); /* two tags */
}

static void test_a_message_becomes_visible_later(void **state)
{
    struct sandbox *s = *state;

    restart(s, (const char *const[]){"--visibility-lag-ms", "600000", NULL});
    send_email(s, MID1, KEY1);
    assert_int_equal(count_events(s, "smtp", MID1), 0);
}

static void test_a_provider_may_have_neither_keys_nor_statistics(void **state)
{
    struct sandbox *s = *state;

    restart(s, (const char *const[]){"--no-keys", "--no-query", NULL});
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(count_events(s, "smtp", MID1), -1);
}

static void test_the_inbox_keeps_only_so_many_but_counts_all_mids(void **state)
{
    static const char *const options[] = {"--max-messages", "2", NULL};
    struct sandbox *s = *state;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(send_email(s, MID2, ""), 201);
    }
    assert_int_equal(count_listed(s, ""), 2);
    assert_int_equal(count_listed(s, "mid=" MID1), 0);
    assert_int_equal(send_email(s, MID1, ""), 201);
    assert_int_equal(stat_of(s, "distinct_mids"), 2);
    assert_int_equal(stat_of(s, "duplicates"), 2);
    assert_int_equal(stat_of(s, "surplus"), 4);
}

static void test_the_fast_mode_counts_without_an_inbox(void **state)
{
    static const char *const options[] = {"--fast", NULL};
    struct sandbox *s = *state;
    struct answer answer;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
    assert_int_equal(send_email(s, MID2, ""), 201);
    assert_int_equal(send_email(s, MID2, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"tag\":\"" MID1 "\"}",
         &answer);
    assert_int_equal(answer.status, 201);
    answer_finish(&answer);
    assert_int_equal(stat_of(s, "accepted"), 4);
    assert_int_equal(stat_of(s, "distinct_mids"), 3);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
}

static void test_without_bodies_only_who_and_how_is_kept(void **state)
{
    static const char *const options[] = {"--no-bodies", NULL};
    struct sandbox *s = *state;
    json_t *message;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    message = get(s, "/api/messages/1");
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    assert_null(json_object_get(message, "html"));
    assert_int_equal(json_object_size(json_object_get(message, "request")), 0);
    json_decref(message);
}

static void test_the_page_needs_nothing_from_elsewhere(void **state)
{
    static const struct {
        const char *path;
        const char *type;
    } files[] = {{"/", "text/html"}, {"/inbox.css", "text/css"}, {"/inbox.js", "text/javascript"}};
    struct sandbox *s = *state;

    for (size_t i = 0; i < 3; i++) {
        struct answer answer;

        ask_with(s, "GET", files[i].path, NULL, NULL, &answer);
        assert_int_equal(answer.status, 200);
        assert_non_null(strcasestr(buf_text(&answer.head), files[i].type));
        assert_non_null(strstr(buf_text(&answer.head), "content-security-policy: default-src 'none'; "));
        assert_true(answer.body.len > 1000);
        assert_null(strstr(buf_text(&answer.body), "http://"));
        assert_null(strstr(buf_text(&answer.body), "https://"));
        assert_null(strstr(buf_text(&answer.body), "innerHTML"));
        answer_finish(&answer);
    }
}

static void test_the_html_of_a_message_may_do_nothing(void **state)
{
    static const char hostile[] =
        "{\"sender\":{\"email\":\"a@b.example\"},\"to\":[{\"email\":\"c@d.example\"}],\"subject\":\"<b>x</b>\","
        "\"htmlContent\":\"<script>alert(1)</script>\",\"tags\":[\"<i>\"]}";
    struct sandbox *s = *state;
    struct answer answer;

    call(s, email_path, hostile, &answer);
    assert_int_equal(answer.status, 201);
    answer_finish(&answer);
    ask_with(s, "GET", "/api/messages/1/html", NULL, NULL, &answer);
    assert_string_equal(buf_text(&answer.body), "<script>alert(1)</script>");
    assert_non_null(strstr(buf_text(&answer.head), "content-security-policy: sandbox; default-src 'none'; "));
    assert_non_null(strstr(buf_text(&answer.head), "x-content-type-options: nosniff"));
    answer_finish(&answer);
    ask_with(s, "GET", "/api/messages/1", NULL, NULL, &answer);
    assert_non_null(strcasestr(buf_text(&answer.head), "content-type: application/json"));
    answer_finish(&answer);
}

static void test_clearing_starts_again(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;

    assert_int_equal(send_email(s, MID1, KEY1), 201);
    ask_with(s, "DELETE", "/api/messages", NULL, NULL, &answer);
    assert_int_equal(answer.status, 204);
    answer_finish(&answer);
    assert_int_equal(stat_of(s, "requests"), 0);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 0);
}

static void test_wrong_options_are_refused_in_one_line(void **state)
{
    static const struct {
        const char *options[4];
        int status;
        const char *complaint;
    } cases[] = {
        {{"--fault", "none=1", NULL}, 2, "there is no fault \"none\""},
        {{"--fault", "http_500", NULL}, 2, "not of the form"},
        {{"--fault", "http_500=2", NULL}, 2, "between 0 and 1"},
        {{"--fault", "delay=1", NULL}, 2, "milliseconds are needed"},
        {{"--rate", "fast", NULL}, 2, "no rate"},
        {{"--latency-ms", "-1", NULL}, 2, "--latency-ms must be between"},
        {{"--listem", "x", NULL}, 2, "--listen"},
        {{"--listen", "nowhere", NULL}, 1, "no address to listen on"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024] = "";
        int fd;
        pid_t pid = spawn(cases[i].options, &fd);
        FILE *output = fdopen(fd, "r");
        size_t len = fread(text, 1, sizeof(text) - 1, output);
        int status = wait_for(pid);

        fclose(output);
        if (status != cases[i].status || !strstr(text, cases[i].complaint) || strchr(text, '\n') != text + len - 1) {
            fail_msg("%s %s: status %d: %s", cases[i].options[0], cases[i].options[1], status, text);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_email_is_answered_as_brevo_does_and_shows_in_the_inbox),
        TEST(test_a_repeated_key_is_refused_and_nothing_is_sent_again),
        TEST(test_a_key_at_the_wrong_place_is_ignored_without_a_word),
        TEST(test_a_key_is_forgotten_after_its_time),
        TEST(test_a_refused_request_does_not_use_up_its_key),
        TEST(test_what_is_wrong_is_refused_with_brevos_code),
        TEST(test_a_deep_body_is_refused),
        TEST(test_keys_of_the_account_are_checked),
        TEST(test_above_the_rate_calls_are_refused_with_429),
        TEST(test_an_email_for_the_drain_is_answered_but_not_sent),
        TEST(test_each_fault_does_what_its_name_says),
        TEST(test_a_hanging_answer_is_ended_by_the_client),
        TEST(test_a_delayed_call_is_accepted_before_it_is_answered),
        TEST(test_a_fault_of_one_channel_leaves_the_other_alone),
        TEST(test_faults_from_one_seed_strike_alike),
        TEST(test_wrong_faults_change_nothing),
        TEST(test_an_sms_is_counted_in_segments),
        TEST(test_messages_can_be_filtered),
        TEST(test_wrong_questions_get_clear_answers),
        TEST(test_the_statistics_find_what_was_taken_by_its_tag),
        TEST(test_a_message_becomes_visible_later),
        TEST(test_a_provider_may_have_neither_keys_nor_statistics),
        TEST(test_the_inbox_keeps_only_so_many_but_counts_all_mids),
        TEST(test_the_fast_mode_counts_without_an_inbox),
        TEST(test_without_bodies_only_who_and_how_is_kept),
        TEST(test_the_page_needs_nothing_from_elsewhere),
        TEST(test_the_html_of_a_message_may_do_nothing),
        TEST(test_clearing_starts_again),
        cmocka_unit_test(test_wrong_options_are_refused_in_one_line),
    };
    int status;

    curl_global_init(CURL_GLOBAL_ALL);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return status;
}
