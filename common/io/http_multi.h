/*
 * http_multi: drives curl's multi handle from the loop. curl says which sockets and which time it waits for; a
 * connection that is kept stays registered between two requests, since taking it out of the poll set and putting it
 * back would cost two system calls each time.
 *
 * Included by http.c only.
 */
#ifndef IO_HTTP_MULTI_H
#define IO_HTTP_MULTI_H

#include <curl/curl.h>
#include <stdbool.h>

#include "io/loop.h"

struct http_multi;

struct http_multi_events {
    /* A transfer is finished. Called at the end of a turn, outside of curl; may begin others and close everything. */
    void (*on_done)(void *arg, CURL *easy, CURLcode code);
    /* Whether the transfer got a connection and began to use it. `easy` may be one of curl's own. */
    bool (*has_begun)(CURL *easy);
    void *arg;
};

struct http_multi *http_multi_create(struct loop *loop, long connections, const struct http_multi_events *events);
/* All easy handles must have been removed; they are freed by their owner. The multi handle's own sockets are closed
 * now, its memory goes at the end of the turn. Nothing is called any more. */
void http_multi_destroy(struct http_multi *multi);

/* Sets on a new easy handle what lets us see its sockets open and close. */
void http_multi_adopt(struct http_multi *multi, CURL *easy);
bool http_multi_add(struct http_multi *multi, CURL *easy);
void http_multi_remove(struct http_multi *multi, CURL *easy);

#endif
