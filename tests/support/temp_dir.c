#include "tests/support/temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/file_tree.h"
#include "base/mem.h"

char *temp_dir_create(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = xasprintf("%s/test.XXXXXX", base && strlen(base) < 60 ? base : "/tmp");

    if (!mkdtemp(dir)) {
        die("cannot make a folder at %s", dir);
    }
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void temp_dir_destroy(char *dir)
{
    if (dir) {
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(dir);
    }
}

char *temp_dir_path(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

void temp_dir_write(const char *dir, const char *name, const char *content)
{
    char *path = temp_dir_path(dir, name);
    FILE *file;

    for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    file = fopen(path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) != 0) {
        die("cannot write %s", path);
    }
    free(path);
}

void temp_dir_copy(const char *dir, const char *from)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(from, &err);

    if (!tree) {
        die("%s", err.text);
    }
    mkdir(dir, 0777);
    for (size_t i = 0; i < tree->count; i++) {
        temp_dir_write(dir, tree->entries[i].path, tree->entries[i].data);
    }
    file_tree_destroy(tree);
}
