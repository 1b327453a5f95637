/*
 * Fuzzing of what commands hear of Redis: `status` and `templates` look at what stands there of all workers. Each line of
 * the input is the answer to one question, in the order in which they ask: "+text", ":number", "[...]" (an array), "-why"
 * (refused), anything else is nothing there.
 *
 * Whatever stands there: there is a summary, its page is UTF-8 without control characters, and versions are versions.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "run/redis_ask.h"
#include "workers/status/status_text.h"
#include "workers/status/summary.h"
#include "workers/templates/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 40, ROWS = 12 };

/* --- Redis: run/redis_ask.h ---------------------------------------------------------------------------------------- */

struct redis_ask {
    struct slice rest;
};

static struct redis_ask server;

struct redis_ask *redis_ask_open(const char *url, struct err *err)
{
    (void)url;
    (void)err;
    return &server;
}

void redis_ask_close(struct redis_ask *ask)
{
    (void)ask;
}

void redis_ask_sleep_ms(struct redis_ask *ask, int64_t ms)
{
    (void)ask;
    (void)ms;
}

static json_t *read_array(struct slice line)
{
    json_t *array = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL);

    return array ? array : json_array();
}

json_t *redis_ask_call(struct redis_ask *ask, const struct slice args[], size_t count, struct err *err)
{
    const char *end = ask->rest.len ? memchr(ask->rest.data, '\n', ask->rest.len) : NULL;
    struct slice line = slice_make(ask->rest.data, end ? (size_t)(end - ask->rest.data) : ask->rest.len);
    struct slice text = line.len ? slice_make(line.data + 1, line.len - 1) : line;
    int64_t number = 0;

    (void)args;
    assert(count > 0);
    ask->rest = slice_make(ask->rest.data + line.len + (end != NULL), ask->rest.len - line.len - (end != NULL));
    switch (line.len ? line.data[0] : '\0') {
    case '+':
        return json_stringn_nocheck(text.data, text.len);
    case ':':
        number_parse(text, &number);
        return json_integer(number);
    case '[':
        return read_array(line);
    case '-':
        err_set(err, "Redis: no");
        return NULL;
    default:
        return json_null();
    }
}

json_t *redis_ask_eval(struct redis_ask *ask, const struct redis_script *script, const struct slice args[], size_t count,
                       struct err *err)
{
    (void)script;
    return redis_ask_call(ask, args, count, err);
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static void check_page(struct slice page)
{
    struct buf drawn;

    assert(utf8_is_valid(page));
    for (size_t i = 0; i < page.len; i++) {
        unsigned char c = (unsigned char)page.data[i];

        assert((c >= 0x20 || c == '\n') && c != 0x7f);
        assert(c != 0xc2 || i + 1 == page.len || (unsigned char)page.data[i + 1] >= 0xa0);
    }
    buf_init(&drawn, 0);
    status_text_draw(page, COLUMNS, ROWS, &drawn);
    assert(utf8_is_valid(buf_slice(&drawn)));
    buf_finish(&drawn);
}

static void check_summary(const struct pool_view *view, const char *problem)
{
    struct topics topics;
    struct err err = {0};
    struct buf page;
    json_t *summary;
    char *text;

    topics_init(&topics, "loyalty", &err);
    summary = summary_make(&(struct summary_parts){.environment = "fuzz",
                                                   .now_ms = 1795255200000,
                                                   .topics = &topics,
                                                   .view = view,
                                                   .redis_problem = problem,
                                                   .kafka_problem = "",
                                                   .held = -1,
                                                   .dlq = 3});
    assert(summary);
    text = json_dumps(summary, 0);
    assert(text);
    buf_init(&page, 0);
    status_text_write(summary, &page);
    check_page(buf_slice(&page));
    buf_finish(&page);
    free(text);
    json_decref(summary);
}

static void look_at_pool(struct slice answers)
{
    struct pool_view view;
    struct pool_keys keys;
    struct err err = {0};

    server.rest = answers;
    pool_keys_init(&keys, "fuzz");
    if (pool_view_look(&server, &keys, &view, &err)) {
        check_summary(&view, "");
        pool_view_finish(&view);
    } else {
        assert(err_is_set(&err));
        check_summary(NULL, err.text);
    }
}

static void look_at_store(struct slice answers)
{
    struct err err = {0};
    struct store *store = store_open("redis://fuzz", "fuzz", &err);
    struct store_view view;
    struct buf pack;
    bool has_files = false;

    server.rest = answers;
    if (store_look(store, &view, &err)) {
        assert(view.history_count <= VERSIONS_MOST);
        for (size_t i = 0; i < view.history_count; i++) {
            assert(template_version_is_valid(slice_of(view.history[i].version)) && view.history[i].live_at >= 0);
            store_find_version(&view, view.history[i].version, &err);
        }
        for (size_t i = 0; i < view.worker_count; i++) {
            store_worker_text(&view.workers[i], "version");
        }
        store_view_finish(&view);
    } else {
        assert(err_is_set(&err));
    }
    store_has_files(store, "0123456789abcdef", &has_files, &err);
    buf_init(&pack, 0);
    store_read_files(store, "0123456789abcdef", &pack, &err);
    buf_finish(&pack);
    store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice answers = slice_make((const char *)data, size);

    look_at_pool(answers);
    look_at_store(answers);
    return 0;
}
