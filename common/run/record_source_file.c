#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/record_json.h"
#include "run/record_source_inside.h"

enum { CHUNK = 256 << 10, MOST_LINE_BYTES = 8 << 20 };

struct file_source {
    struct record_source source;
    char *path;
    int fd;
    int64_t size;  /* -1: not known, it is no regular file */
    int64_t taken; /* bytes of lines that were handed out */
    int64_t line_number;
    char *bytes; /* the line, and what was read behind it */
    size_t begin, end, cap;
    bool is_drained; /* the file has no more bytes */
    struct record_json line;
};

static void file_close(struct record_source *source)
{
    struct file_source *self = (struct file_source *)source;

    if (self->fd > STDIN_FILENO) {
        close(self->fd);
    }
    record_json_finish(&self->line);
    free(self->bytes);
    free(self->path);
    free(self);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void make_room(struct file_source *self)
{
    if (self->begin > 0) {
        memmove(self->bytes, self->bytes + self->begin, self->end - self->begin);
        self->end -= self->begin;
        self->begin = 0;
    }
    if (self->cap - self->end < CHUNK) {
        self->cap = self->cap * 2 + CHUNK;
        self->bytes = xreallocarray(self->bytes, self->cap, 1);
    }
}

/* Some more bytes. *is_late: none came in time, or a signal did. */
static bool read_more(struct file_source *self, int64_t wait_ms, bool *is_late, struct err *err)
{
    struct pollfd ready = {.fd = self->fd, .events = POLLIN};
    ssize_t len;

    *is_late = false;
    if (self->size < 0 && poll(&ready, 1, (int)wait_ms) <= 0) {
        *is_late = true;
        return true;
    }
    make_room(self);
    len = read(self->fd, self->bytes + self->end, self->cap - self->end);
    if (len < 0) {
        *is_late = errno == EINTR || errno == EAGAIN;
        return *is_late ? true : err_set(err, "%s: %s", self->path, strerror(errno));
    }
    self->end += (size_t)len;
    self->is_drained = len == 0;
    return true;
}

/* *line.data NULL: not yet, or nothing is left. */
static bool take_line(struct file_source *self, int64_t wait_ms, struct slice *line, struct err *err)
{
    size_t searched = 0;
    bool is_late;

    *line = slice_make(NULL, 0);
    for (;;) {
        size_t len = self->end - self->begin;
        char *start = self->bytes + self->begin;
        char *eol = len > searched ? memchr(start + searched, '\n', len - searched) : NULL;

        if (eol || (self->is_drained && len > 0)) {
            size_t taken = eol ? (size_t)(eol - start) + 1 : len;

            *line = slice_make(start, eol ? taken - 1 : taken);
            self->begin += taken;
            self->taken += (int64_t)taken;
            self->line_number++;
            return true;
        }
        if (self->is_drained) {
            return true;
        }
        if (len > MOST_LINE_BYTES) {
            return err_set(err, "%s:%lld: the line is longer than %d MiB", self->path, (long long)self->line_number + 1,
                           MOST_LINE_BYTES >> 20);
        }
        searched = len;
        if (!read_more(self, wait_ms, &is_late, err)) {
            return false;
        }
        if (is_late) {
            return true;
        }
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (!memchr(" \t\r", line.data[i], 3)) {
            return false;
        }
    }
    return true;
}

static bool take_record(struct file_source *self, struct slice line, const struct record **record, struct err *err)
{
    struct record *taken = &self->line.record;

    if (line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (!record_json_parse(&self->line, line, err)) {
        return err_prefix(err, "%s:%lld", self->path, (long long)self->line_number);
    }
    if (!self->line.has_place) {
        taken->topic = self->path;
        taken->partition = 0;
        taken->offset = self->line_number;
    }
    *record = taken;
    return true;
}

static bool file_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                      struct err *err)
{
    struct file_source *self = (struct file_source *)source;
    struct slice line;

    do {
        if (!take_line(self, wait_ms, &line, err)) {
            return false;
        }
        if (!line.data) {
            *is_end = self->is_drained;
            return true;
        }
    } while (is_blank(line));
    return take_record(self, line, record, err);
}

static int64_t file_total(const struct record_source *source)
{
    (void)source;
    return -1;
}

static double file_share(const struct record_source *source)
{
    const struct file_source *self = (const struct file_source *)source;

    return self->size < 0 ? -1 : self->taken < self->size ? (double)self->taken / (double)self->size : 1;
}

static const char *file_note(const struct record_source *source)
{
    (void)source;
    return "";
}

static const struct record_source_type file_type = {file_close, file_next, file_total, file_share, file_note};

struct record_source *record_source_open_file(const char *path, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct file_source *self;
    struct stat info;

    if (fd < 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        err_set(err, "%s: %s", path, S_ISDIR(info.st_mode) ? "is a folder, not a file of events" : strerror(errno));
        close(fd);
        return NULL;
    }
    self = xcalloc(1, sizeof(*self));
    self->source.type = &file_type;
    self->path = xstrdup(is_stdin ? "stdin" : path);
    self->fd = fd;
    self->size = S_ISREG(info.st_mode) ? info.st_size : -1;
    record_json_init(&self->line);
    return &self->source;
}
