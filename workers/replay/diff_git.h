/*
 * diff_git: a folder as it was at a revision of git, read without touching the folder, the index or the branch.
 */
#ifndef WORKERS_REPLAY_DIFF_GIT_H
#define WORKERS_REPLAY_DIFF_GIT_H

#include "base/err.h"
#include "base/file_tree.h"
#include "io/loop.h"

/* `dir` lies in a repository; `revision` is anything that git archive takes. The caller owns the tree; NULL + err. */
struct file_tree *diff_git_read(struct loop *loop, const char *dir, const char *revision, struct err *err);

#endif
