#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

enum { TOO_FAR = NEAREST_MOST_DISTANCE + 1 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein with the swap of two neighbours as one step. */
size_t nearest_distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_MOST_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t a_len = strnlen(a, NEAREST_MOST_LEN + 1);
    size_t b_len = strnlen(b, NEAREST_MOST_LEN + 1);

    if (a_len > NEAREST_MOST_LEN || b_len > NEAREST_MOST_LEN || a_len >= b_len + TOO_FAR || b_len >= a_len + TOO_FAR) {
        return TOO_FAR;
    }
    for (size_t j = 0; j <= b_len; j++) {
        before[j] = TOO_FAR;
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *free_row = before;

        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = now;
        now = free_row;
    }
    return least(last[b_len], TOO_FAR);
}

const char *nearest_find(const char *name, const char *const names[])
{
    const char *nearest = NULL;
    size_t distance = TOO_FAR;

    for (; *names; names++) {
        size_t d = nearest_distance(name, *names);

        if (d < distance && d < strlen(name) && d < strlen(*names)) {
            distance = d;
            nearest = *names;
        }
    }
    return nearest;
}
