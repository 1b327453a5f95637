#include "tests/support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "tests/support/poll.h"

struct terminal {
    int fd;
    pid_t pid; /* 0: it has ended */
    int status;
    bool is_over; /* nothing more will be shown */
    struct buf shown;
    size_t waited_to;
};

static void run(const char *lines, const char *dir, const char *const env[], pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(dir) != 0) {
        _exit(127);
    }
    for (size_t i = 0; env && env[i]; i++) {
        putenv((char *)env[i]);
    }
    execl("/bin/sh", "sh", "-ec", lines, (char *)NULL);
    _exit(127);
}

struct terminal *terminal_open(const char *lines, const char *dir, const char *const env[])
{
    const struct winsize size = {.ws_row = 50, .ws_col = 200};
    struct terminal *terminal = xcalloc(1, sizeof(*terminal));
    pid_t parent = getpid();

    buf_init(&terminal->shown, 0);
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
    if (terminal->pid < 0) {
        die("no terminal to be had");
    }
    if (terminal->pid == 0) {
        run(lines, dir, env, parent);
    }
    return terminal;
}

/* Waits for more to be shown, at most until `deadline_ms`. */
static void read_more(struct terminal *terminal, int64_t deadline_ms)
{
    struct pollfd one = {.fd = terminal->fd, .events = POLLIN};
    int64_t left_ms = deadline_ms - clock_mono_ms();
    char bytes[4096];
    ssize_t len;

    if (left_ms <= 0 || poll(&one, 1, (int)left_ms) <= 0) {
        return;
    }
    len = read(terminal->fd, bytes, sizeof(bytes));
    if (len > 0) {
        buf_append(&terminal->shown, bytes, (size_t)len);
    } else {
        terminal->is_over = true; /* EIO: nobody holds the other side any more */
    }
}

bool terminal_wait_for(struct terminal *terminal, const char *text)
{
    int64_t deadline_ms = clock_mono_ms() + POLL_DEADLINE_MS;
    const char *at;

    while (!(at = strstr(buf_text(&terminal->shown) + terminal->waited_to, text))) {
        if (terminal->is_over || clock_mono_ms() >= deadline_ms) {
            return false;
        }
        read_more(terminal, deadline_ms);
    }
    terminal->waited_to = (size_t)(at - buf_text(&terminal->shown)) + strlen(text);
    return true;
}

void terminal_type(struct terminal *terminal, const char *keys)
{
    if (write(terminal->fd, keys, strlen(keys)) != (ssize_t)strlen(keys)) {
        die("cannot type into a terminal");
    }
}

int terminal_wait_for_end(struct terminal *terminal)
{
    int64_t deadline_ms = clock_mono_ms() + POLL_DEADLINE_MS;
    int status;

    while (!terminal->is_over && clock_mono_ms() < deadline_ms) {
        read_more(terminal, deadline_ms);
    }
    if (terminal->pid && terminal->is_over && waitpid(terminal->pid, &status, 0) == terminal->pid) {
        terminal->pid = 0;
        terminal->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return terminal->pid ? -1 : terminal->status;
}

void terminal_close(struct terminal *terminal)
{
    if (!terminal) {
        return;
    }
    close(terminal->fd);
    if (terminal->pid) {
        kill(-terminal->pid, SIGKILL); /* a terminal's process leads a group of its own */
        waitpid(terminal->pid, NULL, 0);
    }
    buf_finish(&terminal->shown);
    free(terminal);
}

const char *terminal_shown(const struct terminal *terminal)
{
    return buf_text(&terminal->shown);
}
