/*
 * What `perkline status` makes of the beats of workers, and how it puts it on a page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "workers/status/status_text.h"
#include "workers/status/summary.h"

static const char first[] =
    "{\"host\":\"a\",\"pid\":1,\"started\":1000,\"version\":\"0.1.0\",\"memory\":52428800,\"pauses\":5,"
    "\"templates\":{\"version\":\"0123456789abcdef\"},\"channels\":["
    "{\"name\":\"email\",\"in_flight\":3,\"window\":256,\"on_wire\":2,\"connections\":64,\"breaker\":\"closed\","
    "\"rate_limit\":1000,\"rates\":{\"sent\":10.5},\"totals\":{\"sent\":100,\"dead\":1},\"partitions\":["
    "[\"loyalty.events\",0,17,3,false],[\"loyalty.events\",1,5,0,true],[\"loyalty.retry.1m\",0,4,2,false]]},"
    "{\"name\":\"sms\",\"in_flight\":0,\"window\":256,\"on_wire\":0,\"connections\":64,\"breaker\":\"open\",\"trouble\":\"unauthorized\","
    "\"rate_limit\":0,\"rates\":{},\"totals\":{},\"partitions\":[[\"loyalty.retry.1m\",0,6,1,false]]}]}";
static const char second[] =
    "{\"host\":\"b\",\"pid\":1,\"started\":61000,\"version\":\"0.1.0\",\"problems\":\"Redis: away\\nemail: \\u001b[2Jno\\n\","
    "\"channels\":[{\"name\":\"email\",\"in_flight\":1,\"window\":256,\"breaker\":\"half_open\",\"trouble\":\"http_503\",\"rate_limit\":800,"
    "\"rates\":{\"sent\":1.5},\"totals\":{\"sent\":50},\"partitions\":[[\"loyalty.events\",2,40,1,false],"
    "[\"loyalty.events\",3,null,0,false]]}]}";

struct scene {
    struct topics topics;
    struct pool_worker workers[2];
    struct pool_view view;
    struct summary_parts parts;
};

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    return json;
}

static int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));
    struct err err = {0};

    assert_true(topics_init(&scene->topics, "loyalty", &err));
    scene->workers[0] = (struct pool_worker){(char *)"a:1", load(first), 100, 5};
    scene->workers[1] = (struct pool_worker){(char *)"b:1", load(second), 200, 0};
    scene->view = (struct pool_view){.now_ms = 121000, .workers = scene->workers, .worker_count = 2};
    scene->view.pauses.serial = 5;
    scene->parts = (struct summary_parts){.environment = "test",
                                          .now_ms = 99,
                                          .topics = &scene->topics,
                                          .view = &scene->view,
                                          .redis_problem = "",
                                          .kafka_problem = "",
                                          .held = 3,
                                          .dlq = -1};
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    json_decref(scene->workers[0].state);
    json_decref(scene->workers[1].state);
    free(scene);
    return 0;
}

/* The value at a path such as "channels/0/lag", as text; the caller frees it. */
static char *at(const json_t *json, const char *path)
{
    char *text;

    while (json && *path) {
        size_t len = strcspn(path, "/");
        char *name = xmemdup(path, len);

        json = json_is_array(json) ? json_array_get(json, (size_t)strtol(name, NULL, 10)) : json_object_get(json, name);
        path += len + (path[len] == '/');
        free(name);
    }
    text = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) : NULL;
    return text ? text : xstrdup("nothing");
}

static const struct {
    const char *path, *expected;
} sums[] = {
    {"environment", "\"test\""},
    {"channels/0/channel", "\"email\""},
    {"channels/0/workers", "2"},
    {"channels/0/in_flight", "4"},
    {"channels/0/window", "512"},
    {"channels/0/on_wire", "2"},
    {"channels/0/rate_limit", "800"},
    {"channels/0/lag", "62"}, /* of its own topics, not of the retry topics */
    {"channels/0/breakers/closed", "1"},
    {"channels/0/breakers/half_open", "1"},
    {"channels/0/rates/sent", "12.0"},
    {"channels/0/totals/sent", "150"},
    {"channels/0/totals/dead", "1"},
    {"channels/0/troubles/http_503", "1"},
    {"channels/1/channel", "\"sms\""},
    {"channels/1/troubles/unauthorized", "1"},
    {"channels/1/rate_limit", "0"},
    {"topics/0/topic", "\"loyalty.events\""},
    {"topics/0/partitions", "4"},
    {"topics/0/paused_partitions", "1"},
    {"topics/0/open", "4"},
    {"topics/0/lag", "62"},
    {"topics/0/largest_lag", "40"},
    {"topics/0/largest_partition", "2"},
    {"waiting/retry.1m", "9"}, /* 3 in hand, and the 6 that neither channel has read */
    {"waiting/retry.10m", "null"},
    {"waiting/held", "3"},
    {"waiting/dlq", "null"},
    {"workers/0/worker", "\"a:1\""},
    {"workers/0/silent_ms", "100"},
    {"workers/1/pid", "1"},
    {"workers/0/has_heard", "true"},
    {"workers/1/has_heard", "false"},
};

static void workers_are_added_up(void **state)
{
    struct scene *scene = *state;
    json_t *summary = summary_make(&scene->parts);

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        char *text = at(summary, sums[i].path);

        if (strcmp(text, sums[i].expected) != 0) {
            fail_msg("%s is %s, not %s", sums[i].path, text, sums[i].expected);
        }
        free(text);
    }
    json_decref(summary);
}

/* Worker a has partitions 0 and 1 of e-mail, b 2 and 3; SMS has no partition of the events. */
static const struct kafka_backlog_partition of_email[] = {
    {"loyalty.events", 0, 17},   {"loyalty.events", 3, 5},    {"loyalty.events", 4, 30},  {"loyalty.events", 5, -1},
    {"loyalty.retry.1m", 0, 4}, {"loyalty.retry.1m", 1, 2},
};
static const struct kafka_backlog_partition of_sms[] = {{"loyalty.events", 0, 8}, {"loyalty.retry.1m", 0, 6}};
static const struct kafka_backlog_partition of_nobody[] = {{"loyalty.events", 0, -1}, {"loyalty.events", 1, 3}};

static const struct {
    const char *path, *expected;
} unowned[] = {
    {"topics/0/channel", "\"email\""},
    {"topics/0/partitions", "4"},
    {"topics/0/unowned", "[4, 5]"},
    {"topics/0/unowned_lag", "30"},
    {"topics/0/lag", "92"},
    {"topics/1/topic", "\"loyalty.retry.1m\""},
    {"topics/1/unowned", "[1]"},
    {"topics/1/lag", "6"},
    {"topics/3/topic", "\"loyalty.events\""},
    {"topics/3/channel", "\"sms\""},
    {"topics/3/unowned", "[0]"},
    {"topics/3/lag", "8"},
    {"channels/0/lag", "92"},
    {"channels/1/lag", "8"},
};

static void partitions_that_nobody_has_are_named_and_their_lag_counts(void **state)
{
    struct scene *scene = *state;
    json_t *summary;
    struct buf page;

    scene->parts.backlogs[CHANNEL_EMAIL] = (struct summary_backlog){of_email, sizeof(of_email) / sizeof(of_email[0])};
    scene->parts.backlogs[CHANNEL_SMS] = (struct summary_backlog){of_sms, sizeof(of_sms) / sizeof(of_sms[0])};
    summary = summary_make(&scene->parts);
    for (size_t i = 0; i < sizeof(unowned) / sizeof(unowned[0]); i++) {
        char *text = at(summary, unowned[i].path);

        if (strcmp(text, unowned[i].expected) != 0) {
            fail_msg("%s is %s, not %s", unowned[i].path, text, unowned[i].expected);
        }
        free(text);
    }
    buf_init(&page, 0);
    status_text_write(summary, &page);
    assert_non_null(strstr(buf_text(&page), "  40 on 2  nobody has 4, 5 (30 behind)\n"));
    buf_finish(&page);
    json_decref(summary);
}

/* Nobody ever ran that channel, or all of its workers are gone. */
static void a_channel_without_workers_is_shown_when_its_group_has_begun(void **state)
{
    struct scene *scene = *state;
    json_t *summary;
    char *text;

    scene->view.worker_count = 0;
    scene->parts.backlogs[CHANNEL_SMS] = (struct summary_backlog){of_nobody, 2};
    summary = summary_make(&scene->parts);
    text = at(summary, "topics");
    assert_string_equal(text, "[{\"topic\": \"loyalty.events\", \"channel\": \"sms\", \"unowned\": [1], \"unowned_lag\": 3, "
                              "\"lag\": 3}]");
    free(text);
    json_decref(summary);
    scene->parts.view = NULL; /* who has what is not known */
    summary = summary_make(&scene->parts);
    text = at(summary, "topics");
    assert_string_equal(text, "[]");
    free(text);
    json_decref(summary);
}

static char *page_of(const struct scene *scene)
{
    json_t *summary = summary_make(&scene->parts);
    struct buf page;

    buf_init(&page, 0);
    status_text_write(summary, &page);
    json_decref(summary);
    return buf_take(&page);
}

static const char *const shown[] = {
    "test  2 workers  Redis ok  Kafka ok",
    "PAUSED flow signup since 1970-01-01T00:00:05.000Z by ann: why\n",
    "1 half_open, 1 closed\n",
    "62  40 on 2\n",
    "    the provider's last answer, or why there was none: unauthorized (1 worker)\n",
    "waiting  retry.1m 9  retry.10m ?  retry.1h ?  retry.6h ?\n",
    "kept     held 3  dlq ?, dealt with or not",
    "a:1                    0.1.0          2m   50 MiB 01234567  email 3, 10.5 sms 0, 0.0\n",
    "    Redis: away\n    email:  [2Jno\n    has not heard yet what was paused or resumed last\n",
};

static void the_page_says_what_matters_and_holds_no_control_characters(void **state)
{
    struct scene *scene = *state;
    char *page;

    scene->view.pauses = (struct pause_list){
        .serial = 5, .count = 1, .items = {{PAUSE_FLOW, "signup", "ann", "why", 5000}}};
    page = page_of(scene);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (!strstr(page, shown[i])) {
            fail_msg("without \"%s\":\n%s", shown[i], page);
        }
    }
    assert_null(strchr(page, '\x1b'));
    free(page);
}

static void without_redis_nothing_is_made_up(void **state)
{
    struct scene *scene = *state;
    json_t *summary;
    char *page, *workers;

    scene->parts.view = NULL;
    scene->parts.redis_problem = "Redis: Connection refused";
    summary = summary_make(&scene->parts);
    workers = at(summary, "workers");
    assert_string_equal(workers, "null");
    page = page_of(scene);
    assert_non_null(strstr(page, "test  ? workers  Redis DOWN  Kafka ok"));
    assert_non_null(strstr(page, "Redis: Connection refused\n"));
    assert_non_null(strstr(page, "held 3"));
    assert_non_null(strstr(page, "until it is back they send nothing"));
    assert_null(strstr(page, "no worker runs"));
    free(page);
    free(workers);
    json_decref(summary);
}

static void what_a_strange_version_says_breaks_nothing(void **state)
{
    static const char *const strange[] = {
        "{}", "{\"channels\":7}", "{\"channels\":[7,{},{\"name\":8,\"partitions\":[1,[],[2],[\"t\"]]}]}",
        "{\"templates\":[],\"started\":\"x\",\"problems\":5,\"memory\":-1}", "{\"channels\":[{\"rates\":[1],\"totals\":\"x\"}]}"};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        char *page;

        json_decref(scene->workers[0].state);
        scene->workers[0].state = load(strange[i]);
        page = page_of(scene);
        assert_non_null(strstr(page, "2 workers"));
        free(page);
    }
}

static void a_page_is_cut_to_the_terminal(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    status_text_draw(SLICE("0123456789\n\xc3\xa1\xc3\xa9\xc3\xad\xc3\xb3\n3\n4\n"), 3, 4, &text);
    assert_string_equal(buf_text(&text), "\x1b[H012\x1b[K\r\n\xc3\xa1\xc3\xa9\xc3\xad\x1b[K\r\n3\x1b[K\r\n\x1b[J");
    buf_finish(&text);
}

/* What another version, or somebody else, may have written. */
static void numbers_that_are_no_counts_are_nothing(void **state)
{
    static const char *const hostile[] = {
        "{\"started\":-9223372036854775808,\"channels\":[{\"name\":\"email\",\"in_flight\":9223372036854775807,"
        "\"totals\":{\"sent\":9223372036854775807},\"rates\":{\"sent\":1e308},\"partitions\":"
        "[[\"loyalty.retry.1m\",0,9223372036854775807,9223372036854775807],[\"t\",1,7,-3]]}]}",
        "{\"channels\":[{\"name\":\"email\",\"in_flight\":2,\"totals\":{\"sent\":5},\"rates\":{\"sent\":1e308},"
        "\"partitions\":[[\"loyalty.retry.1m\",1,3,4],[\"t\",2,\"x\",1]]}]}",
    };
    static const struct {
        const char *path, *expected;
    } rows[] = {
        {"channels/0/in_flight", "2"}, {"channels/0/totals/sent", "5"}, {"topics/0/lag", "3"},
        {"topics/1/open", "1"},        {"waiting/retry.1m", "7"},
    };
    struct scene *scene = *state;
    struct buf page;
    json_t *summary;

    for (size_t i = 0; i < 2; i++) {
        json_decref(scene->workers[i].state);
        scene->workers[i].state = load(hostile[i]);
    }
    summary = summary_make(&scene->parts);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = at(summary, rows[i].path);

        assert_string_equal(text, rows[i].expected);
        free(text);
    }
    buf_init(&page, 0);
    status_text_write(summary, &page);
    assert_non_null(strstr(buf_text(&page), "email"));
    buf_finish(&page);
    json_decref(summary);
}


#define status_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        status_test(workers_are_added_up),
        status_test(partitions_that_nobody_has_are_named_and_their_lag_counts),
        status_test(a_channel_without_workers_is_shown_when_its_group_has_begun),
        status_test(the_page_says_what_matters_and_holds_no_control_characters),
        status_test(without_redis_nothing_is_made_up),
        status_test(what_a_strange_version_says_breaks_nothing),
        status_test(numbers_that_are_no_counts_are_nothing),
        cmocka_unit_test(a_page_is_cut_to_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
