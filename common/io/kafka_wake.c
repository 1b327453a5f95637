#include "io/kafka_wake.h"

#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop_uv.h"

struct kafka_wake {
    uv_poll_t poll; /* first: freed through it */
    int read_fd;
    int write_fd;
    loop_fn fn;
    void *arg;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct kafka_wake *wake = poll->data;
    char bytes[256];

    (void)status;
    (void)events;
    while (read(wake->read_fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
    }
    wake->fn(wake->arg);
}

struct kafka_wake *kafka_wake_create(struct loop *loop, loop_fn fn, void *arg, struct err *err)
{
    struct kafka_wake *wake;
    int fds[2];
    int status;

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        err_set(err, "pipe: %s", strerror(errno));
        return NULL;
    }
    wake = xcalloc(1, sizeof(*wake));
    wake->read_fd = fds[0];
    wake->write_fd = fds[1];
    wake->fn = fn;
    wake->arg = arg;
    wake->poll.data = wake;
    status = uv_poll_init(loop_uv(loop), &wake->poll, wake->read_fd);
    if (status != 0) {
        err_set(err, "cannot watch a pipe: %s", uv_strerror(status));
        close(fds[0]);
        close(fds[1]);
        free(wake);
        return NULL;
    }
    uv_poll_start(&wake->poll, UV_READABLE, on_readable);
    return wake;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void kafka_wake_abandon(struct kafka_wake *wake)
{
    if (wake) {
        uv_poll_stop(&wake->poll);
        uv_close((uv_handle_t *)&wake->poll, on_closed);
    }
}

void kafka_wake_destroy(struct kafka_wake *wake)
{
    if (wake) {
        int fds[2] = {wake->read_fd, wake->write_fd};

        kafka_wake_abandon(wake);
        close(fds[0]);
        close(fds[1]);
    }
}

void kafka_wake_attach(struct kafka_wake *wake, struct rd_kafka_queue_s *queue)
{
    rd_kafka_queue_io_event_enable(queue, wake->write_fd, "1", 1);
}

void kafka_wake_detach(struct rd_kafka_queue_s *queue)
{
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

int kafka_wake_fd(const struct kafka_wake *wake)
{
    return wake->write_fd;
}
