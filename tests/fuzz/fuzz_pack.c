/*
 * Fuzzing of packed templates, which workers take from Redis and from a file: a pack that is not well made is refused, and
 * one that is taken is the same files again when it is packed once more (but for notes, which are left out).
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/template_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sorted(const struct file_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct file_entry *entry = &tree->entries[i];

        assert(entry->path[0] && entry->len <= FILE_TREE_MOST_FILE_BYTES && entry->data[entry->len] == '\0');
        assert(i == 0 || strcmp(tree->entries[i - 1].path, entry->path) < 0);
        assert(file_tree_find(tree, entry->path) == entry);
    }
}

static void check_taken(const struct file_tree *tree)
{
    struct slice pack = template_pack_take(tree);
    struct err err = {0};
    struct file_tree *again = template_pack_parse(pack, &err);
    size_t at = 0;

    assert(again);
    for (size_t i = 0; i < tree->count; i++) {
        const struct file_entry *entry = &tree->entries[i];

        if (slice_ends_with(slice_of(entry->path), ".md")) {
            continue;
        }
        assert(at < again->count && strcmp(again->entries[at].path, entry->path) == 0);
        assert(slice_equal(slice_make(again->entries[at].data, again->entries[at].len),
                           slice_make(entry->data, entry->len)));
        at++;
    }
    assert(at == again->count);
    file_tree_destroy(again);
    free((char *)(uintptr_t)pack.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct file_tree *tree = template_pack_parse(slice_make((const char *)data, size), &err);

    assert(!tree == err_is_set(&err));
    if (tree) {
        check_sorted(tree);
        check_taken(tree);
    }
    file_tree_destroy(tree);
    return 0;
}
