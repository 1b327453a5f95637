#include "io/http_multi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop_uv.h"

struct watched {
    uv_poll_t poll;
    struct http_multi *multi; /* NULL: being closed */
    curl_socket_t fd;
    int wanted; /* UV_READABLE, UV_WRITABLE: what curl waits for */
    int polled; /* what libuv watches: at least what is wanted, taken back only when it fires in vain */
};

struct http_multi {
    struct loop *loop;
    CURLM *curl;
    struct http_multi_events events;
    struct loop_timer *timer;
    struct loop_hook *kick_hook;
    struct watched **places; /* by the number of the socket; NULL: not registered */
    size_t place_count;
    bool is_kick_due; /* curl wants to be called at once */
    bool is_collect_due;
    bool is_closed;
};

/* --- finished transfers ------------------------------------------------------------------------------------------ */

static void collect(void *arg)
{
    struct http_multi *multi = arg;
    CURLMsg *message;
    int left;

    multi->is_collect_due = false;
    while (!multi->is_closed && (message = curl_multi_info_read(multi->curl, &left))) {
        if (message->msg == CURLMSG_DONE) {
            multi->events.on_done(multi->events.arg, message->easy_handle, message->data.result);
        }
    }
}

static void plan_collect(struct http_multi *multi)
{
    if (!multi->is_collect_due && !multi->is_closed) {
        multi->is_collect_due = true;
        loop_defer(multi->loop, collect, multi);
    }
}

/* Whether curl has had its turn cannot be known after an error, and it plans nothing any more: transfers would wait for
 * ever. */
static void act(struct http_multi *multi, curl_socket_t fd, int mask)
{
    int running;
    CURLMcode code = curl_multi_socket_action(multi->curl, fd, mask, &running);

    if (code != CURLM_OK) {
        die("curl: %s", curl_multi_strerror(code));
    }
    plan_collect(multi);
}

/* --- time -------------------------------------------------------------------------------------------------------- */

/* At the end of the turn: once for all that was added in it. */
static void kick(void *arg)
{
    struct http_multi *multi = arg;

    if (multi->is_kick_due) {
        multi->is_kick_due = false;
        loop_timer_stop(multi->timer);
        act(multi, CURL_SOCKET_TIMEOUT, 0);
    }
}

static void on_timer(void *arg)
{
    struct http_multi *multi = arg;

    multi->is_kick_due = false;
    act(multi, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *curl, long timeout_ms, void *arg)
{
    struct http_multi *multi = arg;

    (void)curl;
    if (multi->is_closed) {
        return 0;
    }
    if (timeout_ms < 0) {
        loop_timer_stop(multi->timer);
    } else {
        /* Also for "at once": when our hook has had its turn already, the timer sees to it. */
        loop_timer_start(multi->timer, timeout_ms);
    }
    multi->is_kick_due = timeout_ms == 0;
    return 0;
}

/* --- sockets ----------------------------------------------------------------------------------------------------- */

static struct watched **get_place(struct http_multi *multi, curl_socket_t fd)
{
    size_t index = (size_t)fd;

    assert(fd >= 0);
    if (index >= multi->place_count) {
        size_t count = multi->place_count ? multi->place_count : 64;

        while (count <= index) {
            count *= 2;
        }
        multi->places = xreallocarray(multi->places, count, sizeof(*multi->places));
        memset(multi->places + multi->place_count, 0, (count - multi->place_count) * sizeof(*multi->places));
        multi->place_count = count;
    }
    return &multi->places[index];
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void forget_socket(struct http_multi *multi, curl_socket_t fd)
{
    struct watched **place = get_place(multi, fd);
    struct watched *watched = *place;

    if (watched) {
        watched->multi = NULL;
        uv_poll_stop(&watched->poll);
        uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
        *place = NULL;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watched *watched = poll->data;
    struct http_multi *multi = watched->multi;
    int mask = 0;

    if (!multi) {
        return;
    }
    if (status < 0) {
        watched->polled = 0; /* libuv stopped watching */
        mask = CURL_CSELECT_ERR;
    } else if (!(events & watched->wanted)) {
        watched->polled = watched->wanted; /* it fired in vain: an idle connection that was closed, say */
        if (watched->polled) {
            uv_poll_start(poll, watched->polled, on_poll);
        } else {
            uv_poll_stop(poll);
        }
        return;
    }
    mask |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    mask |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(multi, watched->fd, mask);
}

static struct watched *watch(struct http_multi *multi, curl_socket_t fd)
{
    struct watched *watched = xcalloc(1, sizeof(*watched));

    watched->multi = multi;
    watched->fd = fd;
    if (uv_poll_init_socket(loop_uv(multi->loop), &watched->poll, fd) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    return watched;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http_multi *multi = arg;
    struct watched **place = get_place(multi, fd);
    int wanted = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

    (void)socket_arg;
    if (what == CURL_POLL_REMOVE) {
        /* curl closes its own pipes, and sockets that did not get connected, without a word; only for a connection
         * that carried a request can one rely on close_socket(). */
        if (!multi->events.has_begun(easy)) {
            forget_socket(multi, fd);
        } else if (*place) {
            (*place)->wanted = 0;
        }
        return 0;
    }
    if (!*place) {
        *place = watch(multi, fd);
    }
    if (!*place) {
        return -1;
    }
    (*place)->wanted = wanted;
    if (wanted & ~(*place)->polled) {
        (*place)->polled |= wanted;
        uv_poll_start(&(*place)->poll, (*place)->polled, on_poll);
    }
    return 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol); /* -1 is CURL_SOCKET_BAD */
}

static int close_socket(void *arg, curl_socket_t fd)
{
    forget_socket(arg, fd);
    return close(fd);
}

/* --- the handles ------------------------------------------------------------------------------------------------- */

struct http_multi *http_multi_create(struct loop *loop, long connections, const struct http_multi_events *events)
{
    struct http_multi *multi = xcalloc(1, sizeof(*multi));

    multi->loop = loop;
    multi->events = *events;
    multi->curl = curl_multi_init();
    if (!multi->curl) {
        die("curl: cannot make a multi handle");
    }
    multi->timer = loop_timer_create(loop, on_timer, multi);
    multi->kick_hook = loop_hook_create(loop, kick, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, connections);
    curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return multi;
}

static void free_multi(void *arg)
{
    struct http_multi *multi = arg;

    free(multi->places);
    free(multi);
}

void http_multi_destroy(struct http_multi *multi)
{
    multi->is_closed = true;
    loop_timer_destroy(multi->timer);
    loop_hook_destroy(multi->kick_hook);
    curl_multi_cleanup(multi->curl); /* calls close_socket() for every connection kept */
    for (size_t i = 0; i < multi->place_count; i++) {
        forget_socket(multi, (curl_socket_t)i);
    }
    loop_defer(multi->loop, free_multi, multi);
}

void http_multi_adopt(struct http_multi *multi, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi);
}

bool http_multi_add(struct http_multi *multi, CURL *easy)
{
    return curl_multi_add_handle(multi->curl, easy) == CURLM_OK;
}

void http_multi_remove(struct http_multi *multi, CURL *easy)
{
    curl_multi_remove_handle(multi->curl, easy);
}
