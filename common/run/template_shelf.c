#include "run/template_shelf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct shelved *template_shelf_find(const struct template_shelf *shelf, const char *version)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(catalog_version(shelf->items[i].catalog), version) == 0) {
            return &shelf->items[i];
        }
    }
    return NULL;
}

static void drop(struct template_shelf *shelf, size_t at)
{
    struct shelved *item = &shelf->items[at];

    catalog_unref(item->catalog);
    free((char *)(uintptr_t)item->pack.data);
    memmove(item, item + 1, (shelf->count - at - 1) * sizeof(*item));
    shelf->count--;
}

static bool is_among(const char *version, const char *const needed[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(version, needed[i]) == 0) {
            return true;
        }
    }
    return false;
}

void template_shelf_make_room(struct template_shelf *shelf, const char *const needed[], size_t count)
{
    size_t at = shelf->count;

    assert(count < TEMPLATES_KEPT_VERSIONS);
    if (shelf->count < TEMPLATES_KEPT_VERSIONS) {
        return;
    }
    do {
        at--;
    } while (is_among(catalog_version(shelf->items[at].catalog), needed, count));
    drop(shelf, at);
}

void template_shelf_put(struct template_shelf *shelf, size_t at, struct catalog *catalog, struct slice pack)
{
    struct shelved *item = &shelf->items[at];

    assert(shelf->count < TEMPLATES_KEPT_VERSIONS && at <= shelf->count);
    memmove(item + 1, item, (shelf->count - at) * sizeof(*item));
    *item = (struct shelved){catalog, pack};
    shelf->count++;
}

bool template_shelf_bring_forward(struct template_shelf *shelf, const char *version)
{
    const struct shelved *item = template_shelf_find(shelf, version);
    struct shelved copy;

    if (!item) {
        return false;
    }
    copy = *item;
    memmove(&shelf->items[1], &shelf->items[0], (size_t)(item - shelf->items) * sizeof(copy));
    shelf->items[0] = copy;
    return true;
}

void template_shelf_finish(struct template_shelf *shelf)
{
    while (shelf->count > 0) {
        drop(shelf, shelf->count - 1);
    }
}
