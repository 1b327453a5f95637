#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/die.h"

static struct random *source; /* NULL: the kernel */

void random_set_source(struct random *new_source)
{
    source = new_source;
}

void random_init(struct random *random, uint64_t seed)
{
    random->state = seed;
}

void random_bytes_from_system(void *to, size_t len)
{
    size_t done = 0;

    if (source) {
        for (; done < len; done++) {
            ((uint8_t *)to)[done] = (uint8_t)random_next(source);
        }
    }
    while (done < len) {
        ssize_t n = getrandom((char *)to + done, len - done, 0);

        if (n < 0 && errno != EINTR) {
            die("no random bytes from the kernel: %s", strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

uint64_t random_seed_from_system(void)
{
    uint64_t seed;

    random_bytes_from_system(&seed, sizeof(seed));
    return seed;
}

uint64_t random_next(struct random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    return bound ? (uint64_t)(((unsigned __int128)random_next(random) * bound) >> 64) : 0;
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}
