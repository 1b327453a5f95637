/*
 * http_answer: collects one answer, bounded: status and headers of the final response (what an interim 1xx response
 * brought is forgotten), and the body. Belongs to a slot of the client and is used again for the next request.
 */
#ifndef IO_HTTP_ANSWER_H
#define IO_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/http.h"

enum { HTTP_HEADERS_MAX = 32, HTTP_HEAD_MAX = 8 << 10, HTTP_BODY_MAX = 64 << 10 };

struct http_answer {
    int status; /* of the last status line; may be 1xx */
    bool has_body_begun;
    struct buf body;
    char *head;      /* names and values, each ended by NUL; allocated with the first header */
    size_t head_len;
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX]; /* pointing into `head` */
};

void http_answer_init(struct http_answer *answer);
void http_answer_finish(struct http_answer *answer);
/* Forgets everything, keeps the memory. */
void http_answer_reset(struct http_answer *answer);

/* One line of the head, with its line end. More headers than fit are left out. */
void http_answer_add_line(struct http_answer *answer, const char *line, size_t len);
/* False when the body gets longer than allowed. */
bool http_answer_add_body(struct http_answer *answer, const char *data, size_t len);

#endif
