#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static enum log_level least = LOG_INFO;
static int sink = 2;
static uint64_t dropped;

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_level(enum log_level level)
{
    least = level;
}

bool log_is_on(enum log_level level)
{
    return level >= least;
}

void log_set_fd(int fd)
{
    sink = fd;
}

uint64_t log_dropped_count(void)
{
    return dropped;
}

/* Asked first whether it would block: a reader of our pipe that stands still must not stop the loop. */
static bool is_sink_ready(void)
{
    struct pollfd fd = {.fd = sink, .events = POLLOUT};

    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT);
}

/* As much as goes without waiting: a pipe that is ready takes PIPE_BUF bytes whole, and a longer write would wait for its
 * reader. */
static size_t write_ready(const char *data, size_t len)
{
    size_t done = 0;

    while (done < len && is_sink_ready()) {
        ssize_t n = write(sink, data + done, len - done < PIPE_BUF ? len - done : PIPE_BUF);

        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            break;
        }
    }
    return done;
}

/* A line that was written in part is ended before the next one begins. */
static void write_line(struct buf *line)
{
    static bool is_torn;
    size_t done;

    buf_append_char(line, '\n');
    if (line->overflowed || (is_torn && write_ready("\n", 1) != 1)) {
        dropped++;
        return;
    }
    done = write_ready(line->data, line->len);
    is_torn = done > 0 && done < line->len;
    dropped += done != line->len;
}

void log_event(enum log_level level, const char *what, ...)
{
    struct json_text j;
    struct buf line;
    char now[CLOCK_ISO_SIZE];
    const char *key;
    va_list args;

    if (!log_is_on(level)) {
        return;
    }
    clock_format_iso(clock_wall_ms(), now);
    buf_init(&line, 1 << 16);
    json_text_init(&j, &line);
    json_text_open(&j, '{');
    json_text_member(&j, "time", now);
    json_text_member(&j, "level", log_level_name(level));
    json_text_member(&j, "event", what);
    va_start(args, what);
    while ((key = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);

        json_text_member(&j, key, value ? value : "");
    }
    va_end(args);
    json_text_close(&j, '}');
    write_line(&line);
    buf_finish(&line);
}

const char *log_int(int64_t number)
{
    static _Thread_local char texts[16][24];
    static _Thread_local unsigned next;
    char *text = texts[next++ % 16];

    snprintf(text, sizeof(texts[0]), "%lld", (long long)number);
    return text;
}

void log_json(enum log_level level, struct slice object)
{
    struct buf line;

    if (!log_is_on(level)) {
        return;
    }
    buf_init(&line, 1 << 16);
    buf_append_slice(&line, object);
    write_line(&line);
    buf_finish(&line);
}
