/*
 * random: a small seeded generator (splitmix64), so that a run can be repeated from its seed. Not for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

void random_init(struct random *random, uint64_t seed);
/* A seed from the kernel. */
uint64_t random_seed_from_system(void);
uint64_t random_next(struct random *random);
/* Uniform in [0, bound); 0 when bound is 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* Uniform in [0, 1). */
double random_unit(struct random *random);
/* Bytes from the kernel, fit for ids and tokens. */
void random_bytes_from_system(void *to, size_t len);
/* For tests and simulations: what is asked of the kernel comes from this generator instead. NULL: the kernel's again.
 * Borrowed. */
void random_set_source(struct random *source);

#endif
