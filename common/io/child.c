#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* Own fork instead of uv_spawn(), which cannot set PR_SET_PDEATHSIG. libuv waits only for its own children, so ours
 * are ours to wait for. The death signal is tied to the thread that forks: the loop's, which lives as long as the
 * process. */

struct child {
    struct loop *loop;
    struct loop_signal *exit_signal; /* SIGCHLD */
    child_exit_fn fn;
    void *arg;
    pid_t pid; /* 0: ended and waited for */
    int known_pid;
};

/* Pairs of `env` on top of ours, as execve() takes them. Borrows the texts. */
static char **make_environment(const char *const *env)
{
    size_t ours = 0;
    size_t added = 0;
    size_t count;
    char **all;

    while (environ[ours]) {
        ours++;
    }
    while (env && env[added]) {
        added++;
    }
    all = xcalloc(ours + added + 1, sizeof(*all));
    for (count = 0; count < added; count++) {
        all[count] = (char *)(uintptr_t)env[count];
    }
    for (size_t i = 0; i < ours; i++) {
        size_t name_len = strcspn(environ[i], "=") + 1;
        bool is_replaced = false;

        for (size_t k = 0; k < added && !is_replaced; k++) {
            is_replaced = strncmp(environ[i], env[k], name_len) == 0;
        }
        if (!is_replaced) {
            all[count++] = environ[i];
        }
    }
    return all;
}

/* In the child: only what is safe after a fork of a process with threads. Tells errno through the pipe, which closes
 * by itself when the new program runs. */
static void become(const struct child_options *options, char **environment, int output_fd, int error_fd, pid_t parent)
{
    sigset_t none;
    int code;

    for (int signum = 1; signum < NSIG; signum++) {
        signal(signum, SIG_DFL); /* what is ignored here would stay ignored there */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* Ctrl-C in a terminal is ours to handle */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); /* it died before the line above */
    }
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC); /* also what libraries opened without that flag */
    execvpe(options->argv[0], (char *const *)(uintptr_t)options->argv, environment);
    code = errno;
    if (write(error_fd, &code, sizeof(code)) < 0) {
        _exit(126);
    }
    _exit(127);
}

/* Waits until the new program runs (the pipe is closed: 0) or could not be started (its errno). */
static int read_start(int fd)
{
    int code = 0;
    ssize_t got;

    do {
        got = read(fd, &code, sizeof(code));
    } while (got < 0 && errno == EINTR);
    return got == sizeof(code) ? code : 0;
}

/* -1 with errno. */
static pid_t start_process(const struct child_options *options, int output_fd)
{
    char **environment = make_environment(options->env);
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;
    int code;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        free(environment);
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        become(options, environment, output_fd, fds[1], parent);
    }
    code = errno;
    free(environment);
    close(fds[1]);
    if (pid > 0) {
        code = read_start(fds[0]);
        if (code != 0) {
            waitpid(pid, NULL, 0);
            pid = -1;
        }
    }
    close(fds[0]);
    errno = code;
    return pid;
}

/* Every child hears of every SIGCHLD and asks for its own process only. */
static void on_sigchld(void *arg)
{
    struct child *child = arg;
    int status;

    if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid) {
        return;
    }
    child->pid = 0;
    if (child->fn) {
        child->fn(child->arg, WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

struct child *child_start(struct loop *loop, const struct child_options *options, child_exit_fn fn, void *arg,
                          struct err *err)
{
    const char *path = options->output_file ? options->output_file : "/dev/null";
    int output_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    struct child *child;
    pid_t pid;

    if (output_fd < 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    child = xcalloc(1, sizeof(*child));
    child->loop = loop;
    child->fn = fn;
    child->arg = arg;
    child->exit_signal = loop_signal_create(loop, SIGCHLD, on_sigchld, child); /* before it can end */
    pid = start_process(options, output_fd);
    if (pid < 0) {
        err_set(err, "%s: %s", options->argv[0], strerror(errno));
        loop_signal_destroy(child->exit_signal);
        free(child);
        child = NULL;
    } else {
        child->pid = pid;
        child->known_pid = pid;
    }
    close(output_fd);
    return child;
}

void child_signal(struct child *child, int signum)
{
    if (child->pid > 0) {
        kill(child->pid, signum);
    }
}

bool child_is_running(const struct child *child)
{
    return child->pid > 0;
}

int child_pid(const struct child *child)
{
    return child->known_pid;
}

static void free_child(void *arg)
{
    free(arg);
}

/* The memory goes at the end of the turn, since the exit callback may be what destroys it. */
void child_destroy(struct child *child)
{
    if (!child) {
        return;
    }
    if (child->pid > 0) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        child->pid = 0;
    }
    child->fn = NULL;
    loop_signal_destroy(child->exit_signal);
    loop_defer(child->loop, free_child, child);
}
