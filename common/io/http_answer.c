#include "io/http_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){0};
    buf_init(&answer->body, HTTP_BODY_MAX);
}

void http_answer_finish(struct http_answer *answer)
{
    buf_finish(&answer->body);
    free(answer->head);
}

static void forget_head(struct http_answer *answer)
{
    answer->status = 0;
    answer->head_len = 0;
    answer->header_count = 0;
}

void http_answer_reset(struct http_answer *answer)
{
    forget_head(answer);
    answer->has_body_begun = false;
    buf_clear(&answer->body);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice text)
{
    while (text.len && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && is_blank(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Three digits behind the first blank; 0 when they are not there. */
static int parse_status(struct slice line)
{
    const char *blank = memchr(line.data, ' ', line.len);
    int status = 0;

    if (!blank || line.data + line.len - blank < 4) {
        return 0;
    }
    for (int i = 1; i <= 3; i++) {
        if (blank[i] < '0' || blank[i] > '9') {
            return 0;
        }
        status = status * 10 + (blank[i] - '0');
    }
    return status;
}

/* NUL-terminated copy in `head`. The caller made sure that it fits. */
static char *keep(struct http_answer *answer, struct slice text)
{
    char *at = answer->head + answer->head_len;

    memcpy(at, text.data, text.len);
    at[text.len] = '\0';
    answer->head_len += text.len + 1;
    return at;
}

static void add_header(struct http_answer *answer, struct slice name, struct slice value)
{
    char *kept;

    if (!answer->head) {
        answer->head = xmalloc(HTTP_HEAD_MAX);
    }
    if (answer->header_count == HTTP_HEADERS_MAX || name.len + value.len + 2 > HTTP_HEAD_MAX - answer->head_len) {
        return;
    }
    kept = keep(answer, name);
    for (char *c = kept; *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    answer->headers[answer->header_count++] = (struct http_header){kept, keep(answer, value)};
}

void http_answer_add_line(struct http_answer *answer, const char *line, size_t len)
{
    struct slice text = slice_make(line, len);
    const char *colon = memchr(line, ':', len);

    if (answer->has_body_begun) {
        return; /* trailers */
    }
    if (slice_starts_with(text, "HTTP/")) {
        forget_head(answer);
        answer->status = parse_status(text);
    } else if (colon && len && !is_blank(line[0])) {
        add_header(answer, trim(slice_make(line, (size_t)(colon - line))),
                   trim(slice_make(colon + 1, len - (size_t)(colon - line) - 1)));
    }
}

bool http_answer_add_body(struct http_answer *answer, const char *data, size_t len)
{
    size_t room = HTTP_BODY_MAX - answer->body.len;

    answer->has_body_begun = true;
    buf_append(&answer->body, data, len < room ? len : room);
    return len <= room;
}

const char *http_find_header(const struct http_reply *reply, const char *name)
{
    for (size_t i = reply->header_count; i > 0; i--) {
        if (strcmp(reply->headers[i - 1].name, name) == 0) {
            return reply->headers[i - 1].value;
        }
    }
    return NULL;
}
