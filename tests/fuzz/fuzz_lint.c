/*
 * Fuzzing of the gate. The input is a folder of templates as one text: "=== path" begins a file. Whatever is in it, lint
 * ends with a catalog or with errors, every one of which has a place and tells how to mend it.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PATH = 100 };

/* The start of the next file, or the end. */
static size_t find_next(struct slice text, size_t at)
{
    const char *found = memmem(text.data + at, text.len - at, "\n=== ", 5);

    return found ? (size_t)(found + 1 - text.data) : text.len;
}

/* A folder that was read has no other paths. */
static bool is_path(struct slice path)
{
    return path.len > 0 && path.len <= MOST_PATH && !memchr(path.data, '\0', path.len) && path.data[0] != '/' &&
           path.data[path.len - 1] != '/' && !memmem(path.data, path.len, "//", 2);
}

static struct file_tree *make_tree(struct slice text)
{
    struct file_tree *tree = file_tree_create();
    size_t next;

    for (size_t at = 0; at + 4 < text.len; at = next) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        size_t body = end ? (size_t)(end + 1 - text.data) : text.len;
        struct slice path = slice_make(text.data + at + 4, end && body > at + 5 ? body - at - 5 : 0);

        next = find_next(text, body > at + 1 ? body - 1 : at + 1);
        if (is_path(path) && body <= next) {
            char *copy = xmemdup(path.data, path.len);

            file_tree_add(tree, copy, slice_make(text.data + body, next - body));
            free(copy);
        }
    }
    return tree;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file_tree *tree = make_tree(slice_make((const char *)data, size));
    struct diag_list diags;
    struct catalog *catalog;

    diag_list_init(&diags);
    catalog = lint_build(tree, &(struct catalog_options){"en"}, &diags);
    assert((catalog == NULL) == (diags.error_count > 0));
    for (size_t i = 0; i < diags.count; i++) {
        assert(diags.items[i].line > 0 && diags.items[i].column > 0 && *diags.items[i].message && diags.items[i].hint);
    }
    catalog_unref(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
    return 0;
}
