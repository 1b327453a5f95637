#include "run/template_pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char head[] = "perkline templates 1\n";

enum { MOST_PATH = 4096 };

void template_pack_format(const struct file_tree *tree, struct buf *out)
{
    buf_append_text(out, head);
    for (size_t i = 0; i < tree->count; i++) {
        const struct file_entry *entry = &tree->entries[i];

        if (!slice_ends_with(slice_of(entry->path), ".md")) {
            buf_appendf(out, "%zu %zu\n", strlen(entry->path), entry->len);
            buf_append_text(out, entry->path);
            buf_append(out, entry->data, entry->len);
        }
    }
}

struct slice template_pack_take(const struct file_tree *tree)
{
    struct buf pack;
    size_t len;

    buf_init(&pack, 2 * FILE_TREE_MOST_BYTES);
    template_pack_format(tree, &pack);
    len = pack.len;
    return slice_make(buf_take(&pack), len);
}

/* Takes digits and the byte `end` behind them. */
static bool take_number(struct slice *rest, char end, size_t most, size_t *number)
{
    size_t i = 0;

    *number = 0;
    for (; i < rest->len && rest->data[i] >= '0' && rest->data[i] <= '9'; i++) {
        *number = *number * 10 + (size_t)(rest->data[i] - '0');
        if (*number > most) {
            return false;
        }
    }
    if (i == 0 || i == rest->len || rest->data[i] != end) {
        return false;
    }
    *rest = slice_make(rest->data + i + 1, rest->len - i - 1);
    return true;
}

static struct slice take(struct slice *rest, size_t len)
{
    struct slice taken = slice_make(rest->data, len);

    *rest = slice_make(rest->data + len, rest->len - len);
    return taken;
}

static bool take_file(struct slice *rest, struct file_tree *tree)
{
    size_t path_len, len;
    struct slice name;
    char *path;

    if (tree->count == FILE_TREE_MOST_FILES || !take_number(rest, ' ', MOST_PATH, &path_len) || path_len == 0 ||
        !take_number(rest, '\n', FILE_TREE_MOST_FILE_BYTES, &len) || path_len + len > rest->len) {
        return false;
    }
    name = take(rest, path_len);
    if (memchr(name.data, '\0', name.len)) {
        return false;
    }
    path = xmemdup(name.data, name.len);
    file_tree_add(tree, path, take(rest, len));
    free(path);
    return true;
}

struct file_tree *template_pack_parse(struct slice pack, struct err *err)
{
    struct file_tree *tree;

    if (!slice_starts_with(pack, head) || pack.len > FILE_TREE_MOST_BYTES) {
        err_set(err, "these are no packed templates");
        return NULL;
    }
    take(&pack, sizeof(head) - 1);
    tree = file_tree_create();
    while (pack.len) {
        if (!take_file(&pack, tree)) {
            err_set(err, "the packed templates are broken behind %zu files", tree->count);
            file_tree_destroy(tree);
            return NULL;
        }
    }
    return tree;
}

/* False: one of its files is there already. */
static bool add_folder(struct file_tree *tree, const struct file_tree *folder, struct err *err)
{
    for (size_t i = 0; i < folder->count; i++) {
        const struct file_entry *entry = &folder->entries[i];

        if (strcmp(entry->path, TEMPLATE_PACK_FILE) == 0) {
            continue;
        }
        if (file_tree_find(tree, entry->path)) {
            return err_set(err, "%s is a file and also in " TEMPLATE_PACK_FILE, entry->path);
        }
        file_tree_add(tree, entry->path, slice_make(entry->data, entry->len));
    }
    return true;
}

struct file_tree *template_pack_read(const char *dir, struct err *err)
{
    struct file_tree *folder = file_tree_read(dir, err);
    const struct file_entry *pack = folder ? file_tree_find(folder, TEMPLATE_PACK_FILE) : NULL;
    struct file_tree *tree;

    if (!pack) {
        return folder;
    }
    tree = template_pack_parse(slice_make(pack->data, pack->len), err);
    if (!tree) {
        err_prefix(err, "%s/" TEMPLATE_PACK_FILE, dir);
    } else if (!add_folder(tree, folder, err)) {
        err_prefix(err, "%s", dir);
        file_tree_destroy(tree);
        tree = NULL;
    }
    file_tree_destroy(folder);
    return tree;
}
