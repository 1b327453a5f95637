/*
 * The main program of a fuzz harness in the test suite: every file of its corpus, and then seeded mutations of them, so
 * that a harness is run on every machine without a fuzzing compiler. Whatever is wrong ends the process (assert,
 * sanitizers); the harness answers nothing.
 *
 * The corpus is tests/fuzz/corpus/<name>/ for a program called fuzz_<name>, from the root of the repository. FUZZ_RUNS
 * is the number of mutations, FUZZ_SEED where they begin.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEFAULT_RUNS = 2000, MAX_FILES = 4096, MAX_SIZE = 64 << 10 };

struct input {
    char *name;
    uint8_t *data;
    size_t size;
};

struct corpus {
    struct input inputs[MAX_FILES];
    size_t count;
};

/* --- corpus --------------------------------------------------------------------------------- */

static struct input read_input(const char *folder, const char *name)
{
    struct input input = {.name = xasprintf("%s/%s", folder, name), .data = xmalloc(MAX_SIZE)};
    FILE *file = fopen(input.name, "rb");

    if (!file) {
        die("cannot read %s", input.name);
    }
    input.size = fread(input.data, 1, MAX_SIZE, file);
    fclose(file);
    return input;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

/* Sorted, so that a seed means the same inputs everywhere. */
static void read_corpus(struct corpus *corpus, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (!dir) {
        die("there is no corpus %s (run from the root of the repository)", folder);
    }
    while ((entry = readdir(dir)) && corpus->count < MAX_FILES) {
        if (entry->d_name[0] != '.') {
            corpus->inputs[corpus->count++] = read_input(folder, entry->d_name);
        }
    }
    closedir(dir);
    qsort(corpus->inputs, corpus->count, sizeof(corpus->inputs[0]), by_name);
}

static void free_corpus(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free(corpus->inputs[i].name);
        free(corpus->inputs[i].data);
    }
}

/* A copy of exactly the size, so that the sanitizer sees a byte read too many. */
static void try_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = xmalloc(size);

    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* --- mutations ------------------------------------------------------------------------------ */

/* xorshift64* */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t pick(uint64_t *state, size_t below)
{
    return below ? (size_t)(next_random(state) % below) : 0;
}

static void insert(uint8_t *data, size_t *size, size_t at, const uint8_t *piece, size_t len)
{
    if (*size + len > MAX_SIZE) {
        return;
    }
    memmove(data + at + len, data + at, *size - at);
    memcpy(data + at, piece, len);
    *size += len;
}

static void cut(uint8_t *data, size_t *size, size_t at, size_t len)
{
    len = len < *size - at ? len : *size - at;
    memmove(data + at, data + at + len, *size - at - len);
    *size -= len;
}

static void mutate_once(uint64_t *state, const struct corpus *corpus, uint8_t *data, size_t *size)
{
    static const char interesting[] = "\0\xff\x80\"'{}[]()%|:,.-0123456789\n\r\\ ";
    const struct input *other = &corpus->inputs[pick(state, corpus->count)];
    size_t at = pick(state, *size);
    size_t from = pick(state, other->size);
    uint8_t byte;

    switch (pick(state, 6)) {
    case 0:
        if (*size) {
            data[at] ^= (uint8_t)(1u << pick(state, 8));
        }
        break;
    case 1:
        if (*size) {
            data[at] = (uint8_t)interesting[pick(state, sizeof(interesting) - 1)];
        }
        break;
    case 2:
        byte = (uint8_t)interesting[pick(state, sizeof(interesting) - 1)];
        insert(data, size, at, &byte, 1);
        break;
    case 3:
        cut(data, size, at, 1 + pick(state, 16));
        break;
    case 4: /* a piece of another input */
        insert(data, size, at, other->data + from, pick(state, other->size - from < 64 ? other->size - from : 64));
        break;
    default:
        *size = at;
        break;
    }
}

static void run_mutations(const struct corpus *corpus, long runs, uint64_t seed)
{
    uint8_t *data = xmalloc(MAX_SIZE);

    for (long i = 0; i < runs; i++) {
        uint64_t state = (seed + (uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        const struct input *base = &corpus->inputs[pick(&state, corpus->count)];
        size_t size = base->size;
        size_t changes = 1 + pick(&state, 8);

        memcpy(data, base->data, size);
        while (changes-- > 0) {
            mutate_once(&state, corpus, data, &size);
        }
        try_input(data, size);
    }
    free(data);
}

/* --- main ----------------------------------------------------------------------------------- */

static long number_from_env(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    const char *slash = strrchr(argv[0], '/');
    const char *program = slash ? slash + 1 : argv[0];
    char *folder;

    (void)argc;
    if (strncmp(program, "fuzz_", 5) != 0) {
        die("the program must be called fuzz_<name>");
    }
    folder = xasprintf("tests/fuzz/corpus/%s", program + 5);
    read_corpus(&corpus, folder);
    if (corpus.count == 0) {
        die("%s is empty", folder);
    }
    for (size_t i = 0; i < corpus.count; i++) {
        try_input(corpus.inputs[i].data, corpus.inputs[i].size);
    }
    run_mutations(&corpus, number_from_env("FUZZ_RUNS", DEFAULT_RUNS), (uint64_t)number_from_env("FUZZ_SEED", 1));
    printf("%s: %zu inputs and their mutations\n", program, corpus.count);
    printf("[  PASSED  ] 1 test(s).\n");
    free_corpus(&corpus);
    free(folder);
    return 0;
}
