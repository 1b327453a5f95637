#include "io/watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop_uv.h"

/* One uv_fs_event (inotify) for each folder. When a change has settled the tree is walked again and every folder
 * watched anew, since a path may lead to another folder now, and a new folder may even have the inode of the old one;
 * then the owner is told: what changed before the walk the owner will see, what changes later is watched. */

enum { DEPTH_MAX = 16, FOLDERS_MAX = 4096, LONGEST_SETTLES = 10, MISSING_CHECK_MS = 1000 };

struct folder {
    uv_fs_event_t uv;
    struct watch *watch; /* NULL: being closed */
    struct folder *next;
    dev_t device;
    ino_t inode;
};

struct watch {
    struct loop *loop;
    char *dir;
    int64_t settle_ms;
    loop_fn fn;
    void *arg;
    struct folder *folders;
    size_t folder_count;
    struct loop_timer *settle_timer;
    int64_t first_change_ms; /* of the burst that is settling */
    bool is_missing;         /* the folder itself is gone: looked for again and again */
};

static void on_folder_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_folder(struct folder *folder)
{
    folder->watch = NULL;
    uv_close((uv_handle_t *)&folder->uv, on_folder_closed);
}

/* Every change puts the telling off, but not for ever. */
static void on_event(uv_fs_event_t *uv, const char *name, int events, int status)
{
    struct folder *folder = uv->data;
    struct watch *watch = folder->watch;
    int64_t now_ms;
    int64_t left_ms;

    (void)name;
    (void)events;
    (void)status;
    if (!watch) {
        return;
    }
    now_ms = loop_now_ms(watch->loop);
    if (!loop_timer_is_active(watch->settle_timer) || watch->is_missing) {
        watch->first_change_ms = now_ms;
    }
    left_ms = watch->first_change_ms + LONGEST_SETTLES * watch->settle_ms - now_ms;
    loop_timer_start(watch->settle_timer, left_ms < watch->settle_ms ? left_ms : watch->settle_ms);
}

static bool add_folder(struct watch *watch, const char *path, const struct stat *st)
{
    struct folder *folder = xcalloc(1, sizeof(*folder));

    uv_fs_event_init(loop_uv(watch->loop), &folder->uv);
    folder->uv.data = folder;
    if (uv_fs_event_start(&folder->uv, on_event, path, 0) != 0) {
        close_folder(folder);
        return false;
    }
    folder->watch = watch;
    folder->device = st->st_dev;
    folder->inode = st->st_ino;
    folder->next = watch->folders;
    watch->folders = folder;
    watch->folder_count++;
    return true;
}

static bool is_watched(const struct watch *watch, const struct stat *st)
{
    for (const struct folder *folder = watch->folders; folder; folder = folder->next) {
        if (folder->device == st->st_dev && folder->inode == st->st_ino) {
            return true;
        }
    }
    return false;
}

/* Symbolic links are followed; a folder that is watched already ends the way, so circles do, too. False with errno when
 * the folder itself cannot be watched. */
static bool walk(struct watch *watch, const char *path, int depth)
{
    struct dirent *entry;
    struct stat st;
    DIR *dir;

    if (stat(path, &st) != 0) {
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    if (is_watched(watch, &st)) {
        return true;
    }
    if (watch->folder_count >= FOLDERS_MAX || !add_folder(watch, path, &st)) {
        errno = ENOSPC;
        return false;
    }
    dir = depth < DEPTH_MAX ? opendir(path) : NULL;
    while (dir && (entry = readdir(dir))) {
        bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;

        if (may_be_folder && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *below = xasprintf("%s/%s", path, entry->d_name);

            walk(watch, below, depth + 1); /* what vanished meanwhile, or is a file, is none of ours */
            free(below);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return true;
}

static void close_folders(struct folder *folders)
{
    while (folders) {
        struct folder *folder = folders;

        folders = folder->next;
        close_folder(folder);
    }
}

static bool walk_all(struct watch *watch)
{
    struct folder *old = watch->folders;
    bool is_there;
    int code;

    watch->folders = NULL;
    watch->folder_count = 0;
    is_there = walk(watch, watch->dir, 0);
    code = errno;
    close_folders(old);
    errno = code;
    return is_there;
}

static void on_settled(void *arg)
{
    struct watch *watch = arg;
    bool was_missing = watch->is_missing;

    watch->is_missing = !walk_all(watch);
    if (watch->is_missing) {
        loop_timer_start(watch->settle_timer, MISSING_CHECK_MS);
        if (was_missing) {
            return; /* nothing new */
        }
    }
    watch->fn(watch->arg);
}

struct watch *watch_open(struct loop *loop, const char *dir, int64_t settle_ms, loop_fn fn, void *arg, struct err *err)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->loop = loop;
    watch->dir = xstrdup(dir);
    watch->settle_ms = settle_ms > 0 ? settle_ms : 1;
    watch->fn = fn;
    watch->arg = arg;
    watch->settle_timer = loop_timer_create(loop, on_settled, watch);
    if (!walk_all(watch)) {
        err_set(err, "cannot watch %s: %s", dir, strerror(errno));
        watch_close(watch);
        return NULL;
    }
    return watch;
}

void watch_close(struct watch *watch)
{
    if (!watch) {
        return;
    }
    close_folders(watch->folders);
    loop_timer_destroy(watch->settle_timer);
    free(watch->dir);
    free(watch);
}
