#include "tests/support/redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/settings.h"
#include "tests/support/temp_dir.h"

#define REDIS_SERVER_PASSWORD "password-of-tests"

enum { OPTIONS_MAX = 40, START_MS = 20000 };

struct redis_server {
    pid_t pid; /* 0: not running */
    char *dir;
    char *socket;
    char *url;
    const char *const *options;
    const char *guard[3]; /* options for the rules */
    char *acl;            /* file with the rules, or NULL */
};

static void run_server(const struct redis_server *server)
{
    const char *args[OPTIONS_MAX] = {"redis-server",     "--port",    "0",
                                     "--unixsocket",     server->socket, "--save", "",
                                     "--appendonly",     "no",        "--dir", server->dir,
                                     "--daemonize",      "no"};
    int count = 13;
    int null_fd = open("/dev/null", O_RDWR);

    for (const char *const *option = server->options; option && *option && count < OPTIONS_MAX - 1; option++) {
        args[count++] = *option;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    dup2(null_fd, 2);
    execvp(args[0], (char *const *)args);
    _exit(127);
}

static int connect_to(const struct redis_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

const char *redis_server_command(const struct redis_server *server, const char *words)
{
    static char line[512];
    int fd = connect_to(server);
    ssize_t got;

    line[0] = '\0';
    if (fd < 0) {
        return line;
    }
    snprintf(line, sizeof(line), "%s\r\n", words); /* the protocol's inline form */
    if (write(fd, line, strlen(line)) < 0) {
        die("cannot write to redis-server");
    }
    got = read(fd, line, sizeof(line) - 1);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    close(fd);
    return line;
}

/* An error answer ("-NOAUTH ...") also shows that it is up. */
static void wait_until_up(struct redis_server *server)
{
    int64_t end_ms = clock_mono_ms() + START_MS;
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

    for (;;) {
        const char *line = redis_server_command(server, "PING");

        if (line[0] && strncmp(line, "-LOADING", 8) != 0) {
            return;
        }
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            die("redis-server does not start (is it installed?)");
        }
        if (clock_mono_ms() > end_ms) {
            die("redis-server does not answer");
        }
        nanosleep(&pause, NULL);
    }
}

static void start(struct redis_server *server)
{
    unlink(server->socket);
    server->pid = fork();
    if (server->pid < 0) {
        die("cannot fork");
    }
    if (server->pid == 0) {
        run_server(server);
    }
    wait_until_up(server);
}

struct redis_server *redis_server_start(const char *const *options)
{
    struct redis_server *server = xcalloc(1, sizeof(*server));

    server->dir = temp_dir_create();
    server->socket = temp_dir_path(server->dir, "redis.sock");
    server->url = xasprintf("unix://%s", server->socket);
    server->options = options;
    start(server);
    return server;
}

/* What the operator puts in: the password, and here a default user for the tests themselves. */
static void write_rules(const char *dir)
{
    static const char place[] = "#put-here-the-sha256-of-the-password-64-hex-digits", off[] = "user default off";
    char *rules = settings_read_file("deploy/redis.acl", 65536, NULL, NULL);
    char *at = rules ? strstr(rules, place) : NULL;
    char *text;

    if (!at || strncmp(rules, off, strlen(off)) != 0) {
        die("deploy/redis.acl is not as it was: it must switch the default user off, and leave the password open");
    }
    *at = '\0';
    text = xasprintf("user default on nopass ~* &* +@all%s>" REDIS_SERVER_PASSWORD "%s", rules + strlen(off),
                     at + strlen(place));
    temp_dir_write(dir, "redis.acl", text);
    free(text);
    free(rules);
}

struct redis_server *redis_server_start_guarded(void)
{
    struct redis_server *server = xcalloc(1, sizeof(*server));

    server->dir = temp_dir_create();
    server->socket = temp_dir_path(server->dir, "redis.sock");
    server->url = xasprintf("unix://perkline:" REDIS_SERVER_PASSWORD "@%s", server->socket);
    server->acl = temp_dir_path(server->dir, "redis.acl");
    server->guard[0] = "--aclfile";
    server->guard[1] = server->acl;
    server->options = server->guard;
    write_rules(server->dir);
    start(server);
    return server;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

void redis_server_restart(struct redis_server *server)
{
    redis_server_kill(server);
    start(server);
}

void redis_server_freeze(struct redis_server *server, bool is_frozen)
{
    int status;

    kill(server->pid, is_frozen ? SIGSTOP : SIGCONT);
    if (is_frozen) {
        waitpid(server->pid, &status, WUNTRACED); /* until it really stands still */
    }
}

void redis_server_destroy(struct redis_server *server)
{
    if (server) {
        redis_server_kill(server);
        temp_dir_destroy(server->dir);
        free(server->socket);
        free(server->url);
        free(server->acl);
        free(server);
    }
}

const char *redis_server_url(const struct redis_server *server)
{
    return server->url;
}

const char *redis_server_socket(const struct redis_server *server)
{
    return server->socket;
}

/* "$1234" and its bytes. */
char *redis_server_read(const struct redis_server *server, const char *words)
{
    int fd = connect_to(server);
    size_t len = 0, size = 1 << 16;
    char *text = xmalloc(size);
    long want = -1;
    ssize_t got;

    if (fd < 0 || dprintf(fd, "%s\r\n", words) < 0) {
        die("cannot write to redis-server");
    }
    while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0) {
        const char *body;

        len += (size_t)got;
        text[len] = '\0';
        body = strstr(text, "\r\n");
        want = body && text[0] == '$' ? strtol(text + 1, NULL, 10) + (body - text) + 2 : -1;
        if (body && (want < 0 || (long)len >= want)) {
            break;
        }
    }
    text[len] = '\0';
    close(fd);
    return text;
}

const char *redis_server_dir(const struct redis_server *server)
{
    return server->dir;
}
