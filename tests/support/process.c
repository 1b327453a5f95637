#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "tests/support/poll.h"

struct process {
    pid_t pid; /* 0: ended */
    int status;
    char *log_path;
    long log_start; /* where its own output begins */
};

static long file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

/* In the child. */
static void run(const char *const argv[], const char *const env[], const char *log_path, pid_t parent)
{
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    int null_fd = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || log_fd < 0) {
        _exit(126);
    }
    dup2(null_fd, 0);
    dup2(log_fd, 1);
    dup2(log_fd, 2);
    for (; env && *env; env++) {
        if (strchr(*env, '=')) {
            putenv((char *)*env);
        } else {
            unsetenv(*env);
        }
    }
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

struct process *process_start(const char *const argv[], const char *const env[], const char *log_path)
{
    struct process *process = xcalloc(1, sizeof(*process));
    pid_t parent = getpid();

    process->log_path = xstrdup(log_path);
    process->log_start = file_size(log_path);
    process->status = PROCESS_RUNS;
    process->pid = fork();
    if (process->pid < 0) {
        die("cannot fork");
    }
    if (process->pid == 0) {
        run(argv, env, log_path, parent);
    }
    return process;
}

static void note_end(struct process *process, int status)
{
    process->pid = 0;
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_WAS_KILLED;
}

void process_destroy(struct process *process)
{
    if (process) {
        process_kill(process);
        free(process->log_path);
        free(process);
    }
}

int process_id(const struct process *process)
{
    return (int)process->pid;
}

void process_signal(struct process *process, int signum)
{
    if (process->pid) {
        kill(process->pid, signum);
    }
}

void process_kill(struct process *process)
{
    int status;

    if (process->pid) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, &status, 0);
        note_end(process, status);
    }
}

void process_freeze(struct process *process, bool is_frozen)
{
    int status;

    kill(process->pid, is_frozen ? SIGSTOP : SIGCONT);
    if (is_frozen) {
        waitpid(process->pid, &status, WUNTRACED); /* until it really stands still */
    }
}

int process_status(struct process *process)
{
    int status;

    if (process->pid && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        note_end(process, status);
    }
    return process->status;
}

static bool has_ended(void *arg)
{
    return process_status(arg) != PROCESS_RUNS;
}

int process_wait(struct process *process)
{
    poll_until(has_ended, process);
    return process->status;
}

char *process_output(const struct process *process)
{
    FILE *file = fopen(process->log_path, "r");
    long size = file_size(process->log_path) - process->log_start;
    char *text = xcalloc(1, (size_t)(size > 0 ? size : 0) + 1);

    if (file && size > 0 && fseek(file, process->log_start, SEEK_SET) == 0) {
        text[fread(text, 1, (size_t)size, file)] = '\0';
    }
    if (file) {
        fclose(file);
    }
    return text;
}

bool process_has_printed(const struct process *process, const char *text)
{
    char *output = process_output(process);
    bool is_there = strstr(output, text) != NULL;

    free(output);
    return is_there;
}

size_t process_count_output(const struct process *process, const char *text)
{
    char *output = process_output(process);
    size_t count = 0;

    for (const char *at = strstr(output, text); at; at = strstr(at + 1, text)) {
        count++;
    }
    free(output);
    return count;
}

struct expected_output {
    struct process *process;
    const char *text;
    bool is_there;
};

static bool is_printed_or_ended(void *arg)
{
    struct expected_output *expected = arg;
    bool is_over = has_ended(expected->process);

    expected->is_there = process_has_printed(expected->process, expected->text);
    return expected->is_there || is_over;
}

bool process_wait_for_output(struct process *process, const char *text)
{
    struct expected_output expected = {process, text, false};

    poll_until(is_printed_or_ended, &expected);
    return expected.is_there;
}

char *process_find_output(const struct process *process, const char *text, const char *ends)
{
    char *output = process_output(process);
    const char *at = strstr(output, text);
    char *found = NULL;

    if (at) {
        at += strlen(text);
        found = xmemdup(at, strcspn(at, ends));
    }
    free(output);
    return found;
}
