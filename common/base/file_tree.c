#include "base/file_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { MOST_DEPTH = 16 };

/* One walk. `at` is where it is: absolute for the system, relative for people and for entries. */
struct walk {
    struct file_tree *tree;
    const char *root; /* as realpath() gives it */
    size_t root_len;
    size_t total_bytes;
    struct {
        dev_t dev;
        ino_t ino;
    } parents[MOST_DEPTH]; /* folders on the way here: a link to one of them is a loop */
    int depth;
    struct err *err;
};

/* --- the collection ----------------------------------------------------------------------------------------------- */

struct file_tree *file_tree_create(void)
{
    return xcalloc(1, sizeof(struct file_tree));
}

void file_tree_destroy(struct file_tree *tree)
{
    if (!tree) {
        return;
    }
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->entries[i].path);
        free(tree->entries[i].data);
    }
    free(tree->entries);
    free(tree);
}

/* Where `path` is, or belongs. */
static size_t position_of(const struct file_tree *tree, const char *path, bool *is_there)
{
    size_t low = 0;
    size_t high = tree->count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(tree->entries[middle].path, path);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Room for one more entry at the end: doubled at each power of two. */
static void make_room(struct file_tree *tree)
{
    if ((tree->count & (tree->count - 1)) == 0) {
        tree->entries = xreallocarray(tree->entries, tree->count ? tree->count * 2 : 1, sizeof(*tree->entries));
    }
}

void file_tree_add(struct file_tree *tree, const char *path, struct slice data)
{
    bool is_there;
    size_t at = position_of(tree, path, &is_there);
    char *copy = xmemdup(data.data, data.len);

    if (is_there) {
        free(tree->entries[at].data);
        tree->entries[at].data = copy;
        tree->entries[at].len = data.len;
        return;
    }
    make_room(tree);
    memmove(tree->entries + at + 1, tree->entries + at, (tree->count - at) * sizeof(*tree->entries));
    tree->entries[at] = (struct file_entry){.path = xstrdup(path), .data = copy, .len = data.len};
    tree->count++;
}

const struct file_entry *file_tree_find(const struct file_tree *tree, const char *path)
{
    bool is_there;
    size_t at = position_of(tree, path, &is_there);

    return is_there ? &tree->entries[at] : NULL;
}

/* --- reading a folder --------------------------------------------------------------------------------------------- */

static bool walk_folder(struct walk *walk, int fd, const char *absolute, const char *relative);

static bool is_skipped(const char *name)
{
    struct slice text = slice_of(name);

    return name[0] == '.' || slice_ends_with(text, "~") || slice_ends_with(text, ".swp") ||
           (name[0] == '#' && text.len > 1 && slice_ends_with(text, "#"));
}

static bool is_printable(const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_inside(const struct walk *walk, const char *absolute)
{
    size_t len = walk->root_len;

    /* The root "/" has length 1 and ends in the slash already. */
    return strncmp(absolute, walk->root, len) == 0 &&
           (absolute[len] == '\0' || absolute[len] == '/' || walk->root[len - 1] == '/');
}

static char *read_bytes(int fd, const char *relative, size_t *len, struct err *err)
{
    char *data = xmalloc(FILE_TREE_MOST_FILE_BYTES + 1);
    ssize_t n;

    *len = 0;
    /* One byte more than allowed is asked for: the file may have grown since fstat(). */
    while ((n = read(fd, data + *len, FILE_TREE_MOST_FILE_BYTES + 1 - *len)) != 0) {
        if (n > 0) {
            *len += (size_t)n;
        } else if (errno != EINTR) {
            err_set(err, "%s: cannot read: %s", relative, strerror(errno));
            break;
        }
        if (*len > FILE_TREE_MOST_FILE_BYTES) {
            err_set(err, "%s: larger than %d bytes", relative, FILE_TREE_MOST_FILE_BYTES);
            break;
        }
    }
    if (n != 0) {
        free(data);
        return NULL;
    }
    data = xreallocarray(data, *len + 1, 1);
    data[*len] = '\0';
    return data;
}

static bool take_file(struct walk *walk, int fd, const char *relative)
{
    struct file_tree *tree = walk->tree;
    size_t len;
    char *data;

    if (tree->count == FILE_TREE_MOST_FILES) {
        return err_set(walk->err, "%s: there are more than %d files", relative, FILE_TREE_MOST_FILES);
    }
    data = read_bytes(fd, relative, &len, walk->err);
    if (!data) {
        return false;
    }
    walk->total_bytes += len;
    if (walk->total_bytes > FILE_TREE_MOST_BYTES) {
        free(data);
        return err_set(walk->err, "%s: all files together are larger than %d bytes", relative, FILE_TREE_MOST_BYTES);
    }
    make_room(tree);
    tree->entries[tree->count++] = (struct file_entry){.path = xstrdup(relative), .data = data, .len = len};
    return true;
}

/* What a link stands for, when that is inside; the caller frees. */
static char *resolve_link(struct walk *walk, const char *absolute, const char *relative)
{
    char *target = realpath(absolute, NULL);

    if (!target) {
        err_set(walk->err, "%s: cannot follow the link: %s", relative, strerror(errno));
    } else if (!is_inside(walk, target)) {
        err_set(walk->err, "%s: the link leads out of the folder", relative);
        free(target);
        target = NULL;
    }
    return target;
}

/* Opens what lstat() showed; never a link (O_NOFOLLOW), never waiting (O_NONBLOCK: it may have become a pipe). */
static bool take_real(struct walk *walk, const char *absolute, const char *relative)
{
    struct stat st;
    bool ok;
    int fd;

    if (lstat(absolute, &st) != 0) {
        return err_set(walk->err, "%s: cannot read: %s", relative, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return true;
    }
    fd = open(absolute, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        err_set(walk->err, "%s: cannot open: %s", relative, strerror(errno));
        ok = false;
    } else if (S_ISDIR(st.st_mode)) {
        return walk_folder(walk, fd, absolute, relative);
    } else {
        ok = !S_ISREG(st.st_mode) || take_file(walk, fd, relative);
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

static bool take_name(struct walk *walk, const char *absolute_dir, const char *relative_dir, const char *name)
{
    char *absolute = xasprintf("%s/%s", absolute_dir, name);
    char *relative = xasprintf("%s%s%s", relative_dir, relative_dir[0] ? "/" : "", name);
    struct stat st;
    bool ok = false;

    if (!is_printable(name)) {
        err_set(walk->err, "%s: a file's name holds a control character", relative_dir[0] ? relative_dir : ".");
    } else if (lstat(absolute, &st) != 0) {
        err_set(walk->err, "%s: cannot read: %s", relative, strerror(errno));
    } else if (S_ISLNK(st.st_mode)) {
        char *target = resolve_link(walk, absolute, relative);

        ok = target && take_real(walk, target, relative);
        free(target);
    } else {
        ok = take_real(walk, absolute, relative);
    }
    free(absolute);
    free(relative);
    return ok;
}

/* False + err when this folder is one of its own parents, or too deep. */
static bool descend(struct walk *walk, int fd, const char *relative)
{
    struct stat st;

    if (walk->depth == MOST_DEPTH) {
        return err_set(walk->err, "%s: folders are nested deeper than %d", relative, MOST_DEPTH);
    }
    if (fstat(fd, &st) != 0) {
        return err_set(walk->err, "%s: cannot read: %s", relative, strerror(errno));
    }
    for (int i = 0; i < walk->depth; i++) {
        if (walk->parents[i].dev == st.st_dev && walk->parents[i].ino == st.st_ino) {
            return err_set(walk->err, "%s: the link leads back to a folder above it", relative);
        }
    }
    walk->parents[walk->depth].dev = st.st_dev;
    walk->parents[walk->depth].ino = st.st_ino;
    walk->depth++;
    return true;
}

/* Owns fd. */
static bool walk_folder(struct walk *walk, int fd, const char *absolute, const char *relative)
{
    const struct dirent *entry;
    DIR *dir;
    bool ok = true;

    if (!descend(walk, fd, relative)) {
        close(fd);
        return false;
    }
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return err_set(walk->err, "%s: cannot list: %s", relative, strerror(errno));
    }
    while (ok && (errno = 0, entry = readdir(dir))) {
        ok = is_skipped(entry->d_name) || take_name(walk, absolute, relative, entry->d_name);
    }
    if (ok && errno) {
        ok = err_set(walk->err, "%s: cannot list: %s", relative, strerror(errno));
    }
    closedir(dir);
    walk->depth--;
    return ok;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct file_entry *)a)->path, ((const struct file_entry *)b)->path);
}

struct file_tree *file_tree_read(const char *dir, struct err *err)
{
    struct walk walk = {.err = err};
    char *root = realpath(dir, NULL);
    int fd = root ? open(root, O_RDONLY | O_CLOEXEC | O_DIRECTORY) : -1;

    if (fd < 0) {
        err_set(err, "%s: cannot open the folder: %s", dir, strerror(errno));
        free(root);
        return NULL;
    }
    walk.root = root;
    walk.root_len = strlen(root);
    walk.tree = file_tree_create();
    if (!walk_folder(&walk, fd, root, "")) {
        err_prefix(err, "%s", dir);
        file_tree_destroy(walk.tree);
        walk.tree = NULL;
    } else if (walk.tree->count > 1) {
        qsort(walk.tree->entries, walk.tree->count, sizeof(*walk.tree->entries), compare_paths);
    }
    free(root);
    return walk.tree;
}
