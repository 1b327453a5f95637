/*
 * file_tree: the regular files below a folder, read into memory, sorted by path.
 *
 * What marketing owns is read whole before anything of it is used, so that a set of templates is always one
 * consistent thing. Hidden files and editors' left-overs (.x, x~, #x#, x.swp) are skipped; links that lead out of
 * the folder are refused. Paths are relative with '/', e.g. "signup/email.en.liquid".
 */
#ifndef BASE_FILE_TREE_H
#define BASE_FILE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

enum { FILE_TREE_MOST_FILES = 10000, FILE_TREE_MOST_FILE_BYTES = 1 << 20, FILE_TREE_MOST_BYTES = 64 << 20 };

struct file_entry {
    char *path;
    char *data; /* NUL-terminated */
    size_t len;
};

struct file_tree {
    struct file_entry *entries;
    size_t count;
};

/* Heap object, owned by the caller. NULL + err. */
struct file_tree *file_tree_read(const char *dir, struct err *err);
/* An empty one, to fill with file_tree_add() (tests, replay of an old version). */
struct file_tree *file_tree_create(void);
void file_tree_destroy(struct file_tree *tree);
/* Copies both; keeps the order sorted. A path that is there already is replaced. */
void file_tree_add(struct file_tree *tree, const char *path, struct slice data);
/* Borrowed; NULL when there is none. */
const struct file_entry *file_tree_find(const struct file_tree *tree, const char *path);

#endif
