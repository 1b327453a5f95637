#include "workers/replay/diff_git.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/settings.h"
#include "io/child.h"

enum { MOST_OUTPUT = 64 << 10, MOST_OPEN_DIRS = 16 };

/* --- children ----------------------------------------------------------------------------------------------------- */

struct command {
    bool is_done;
    int status; /* of its exit; -1: killed */
};

static void on_exit_of_child(void *arg, int exit_status, int term_signal)
{
    struct command *command = arg;

    command->is_done = true;
    command->status = term_signal ? -1 : exit_status;
}

/* The last line that it printed. */
static void quote_output(const char *name, const char *output_file, struct err *err)
{
    char *output = settings_read_file(output_file, MOST_OUTPUT, NULL, NULL);
    size_t len = output ? strcspn(output, "\n") : 0;

    err_set(err, "%s: %.*s", name, (int)(len < 300 ? len : 300), len ? output : "failed");
    free(output);
}

static bool run(struct loop *loop, const char *const argv[], const char *output_file, struct err *err)
{
    struct command command = {.is_done = false};
    const struct child_options options = {.argv = argv, .output_file = output_file};
    struct child *child = child_start(loop, &options, on_exit_of_child, &command, err);

    if (!child) {
        return false;
    }
    while (!command.is_done) {
        loop_turn(loop, true);
    }
    child_destroy(child);
    if (command.status != 0) {
        quote_output(argv[0], output_file, err);
        return false;
    }
    return true;
}

/* --- a folder for the time being ---------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static struct file_tree *read_archive(struct loop *loop, const char *dir, const char *revision, const char *place,
                                      struct err *err)
{
    char *archive = xasprintf("%s/archive.tar", place), *files = xasprintf("%s/files", place);
    char *output = xasprintf("%s/output", place);
    /* In a folder of the repository, git archives that folder alone. */
    const char *const archive_argv[] = {"git", "-C", dir, "archive", "--format=tar", "-o", archive, revision, NULL};
    const char *const unpack_argv[] = {"tar", "-xf", archive, "-C", files, NULL};
    struct file_tree *tree = NULL;

    if (mkdir(files, 0700) != 0) {
        err_set(err, "%s: %s", files, strerror(errno));
    } else if (run(loop, archive_argv, output, err) && run(loop, unpack_argv, output, err)) {
        tree = file_tree_read(files, err);
    }
    free(archive);
    free(files);
    free(output);
    return tree;
}

struct file_tree *diff_git_read(struct loop *loop, const char *dir, const char *revision, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *place;
    struct file_tree *tree = NULL;

    /* git would take it for an option. */
    if (!revision[0] || revision[0] == '-') {
        err_set(err, "git:%.60s is no revision", revision);
        return NULL;
    }
    place = xasprintf("%s/perkline-diff-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(place)) {
        err_set(err, "%s: %s", place, strerror(errno));
    } else {
        tree = read_archive(loop, dir, revision, place, err);
        nftw(place, remove_entry, MOST_OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    }
    free(place);
    return tree;
}
