#include "core/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
enum { IS_CHECKED = 1 };
#else
enum { IS_CHECKED = 0 };
#endif

enum { STEP = 16, CLASSES = 16, MOST_KEPT = 32768 };

struct piece {
    struct piece *next;
};

/* By size: pieces[i] have room for (i + 1) * STEP bytes at least. */
static struct {
    struct piece *first;
    size_t count;
    size_t made; /* how many the keeper got from malloc(): so many it has needed at once, and it keeps no more */
} pieces[CLASSES];

/* Only the thread that asked for it uses them. */
static _Thread_local bool is_keeper;

static void *take(size_t size)
{
    size_t class = size ? (size - 1) / STEP : 0;
    struct piece *piece;

    if (class >= CLASSES || !is_keeper) {
        return xmalloc(size);
    }
    piece = pieces[class].first;
    if (!piece) {
        pieces[class].made++;
        return xmalloc((class + 1) * STEP);
    }
    pieces[class].first = piece->next;
    pieces[class].count--;
    return piece;
}

static void give(void *memory)
{
    struct piece *piece = memory;
    size_t class = memory && is_keeper ? malloc_usable_size(memory) / STEP : 0; /* one more than the class */

    if (class == 0 || class > CLASSES || pieces[class - 1].count >= pieces[class - 1].made ||
        pieces[class - 1].count >= MOST_KEPT) {
        free(memory);
        return;
    }
    piece->next = pieces[class - 1].first;
    pieces[class - 1].first = piece;
    pieces[class - 1].count++;
}

void json_memory_use(void)
{
    json_set_alloc_funcs(xmalloc, free);
}

void json_memory_keep(void)
{
    if (!IS_CHECKED) {
        json_memory_keep_always();
    }
}

void json_memory_keep_always(void)
{
    is_keeper = true;
    json_set_alloc_funcs(take, give);
}

size_t json_memory_kept_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < CLASSES; i++) {
        count += pieces[i].count;
    }
    return count;
}
