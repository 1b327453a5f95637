/*
 * template_shelf: the versions of the templates that a process keeps, the latest first, each with its files, so that a
 * message is finished with the version it began with and people can go back to one. It owns a reference to each catalog
 * and the bytes of each pack.
 */
#ifndef RUN_TEMPLATE_SHELF_H
#define RUN_TEMPLATE_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "core/catalog.h"

enum { TEMPLATES_KEPT_VERSIONS = 8 };

struct shelved {
    struct catalog *catalog;
    struct slice pack; /* as template_pack_format() made it */
};

struct template_shelf {
    struct shelved items[TEMPLATES_KEPT_VERSIONS];
    size_t count;
};

/* Borrowed until the next change; NULL when it is not kept. */
const struct shelved *template_shelf_find(const struct template_shelf *shelf, const char *version);
/* When there is no room, drops the oldest version that is not among `needed`, which are fewer than there is room for. */
void template_shelf_make_room(struct template_shelf *shelf, const char *const needed[], size_t count);
/* Takes the reference and the pack, when there is room. `at`: 0 for the latest, at most the count. */
void template_shelf_put(struct template_shelf *shelf, size_t at, struct catalog *catalog, struct slice pack);
/* A version that is kept becomes the latest. False: it is not kept. */
bool template_shelf_bring_forward(struct template_shelf *shelf, const char *version);
void template_shelf_finish(struct template_shelf *shelf);

#endif
