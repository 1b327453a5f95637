#include "core/liquid/filters.h"

#include <string.h>

#include "base/nearest.h"

#define ROW(name, min, max) {#name, min, max, filter_##name},
static const struct standard_filter table[] = {STANDARD_FILTERS(ROW)};
#undef ROW

enum { TABLE_COUNT = sizeof(table) / sizeof(table[0]) };

const struct standard_filter *filters_find(struct slice name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (slice_is(name, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

/* Keeps the nearer one of what was found before and `name`. */
static void offer(const char *word, const char *name, const char **nearest, size_t *distance)
{
    size_t d = nearest_distance(word, name);

    if (d < *distance && d < strlen(name)) {
        *distance = d;
        *nearest = name;
    }
}

const char *filters_nearest(struct slice name, const struct liquid_filter *extra)
{
    size_t distance = NEAREST_MOST_DISTANCE + 1;
    const char *nearest = NULL;
    char word[NEAREST_MOST_LEN + 1];

    if (name.len >= sizeof(word)) {
        return NULL;
    }
    memcpy(word, name.data, name.len);
    word[name.len] = '\0';
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        offer(word, table[i].name, &nearest, &distance);
    }
    for (; extra && extra->name; extra++) {
        offer(word, extra->name, &nearest, &distance);
    }
    return nearest;
}
