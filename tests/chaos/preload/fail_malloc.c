#include "tests/chaos/preload/fail_malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
char *strdup(const char *text);
const char *__lsan_default_suppressions(void);

enum { OBJECTS_MOST = 32, EARLY_SIZE = 4096, LINE = 200 };

struct object {
    uintptr_t from, to, base;
    const char *name;
};

static struct object objects[OBJECTS_MOST];
static size_t object_count;
static atomic_long counted, wanted;

static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *old, size_t size);

/* --- what comes after us ------------------------------------------------------------------------------------------ */

/* While dlsym() looks for the next ones it may allocate itself; nobody frees that. */
static void *allocate_early(size_t size)
{
    static char memory[EARLY_SIZE];
    static size_t used;
    void *at = memory + used;

    used += (size + 15) / 16 * 16;
    return used <= EARLY_SIZE ? at : NULL;
}

static bool is_early(void)
{
    static bool is_looking;

    if (next_realloc) {
        return false;
    }
    if (is_looking) {
        return true;
    }
    is_looking = true;
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    is_looking = false;
    return false;
}

/* --- who asks ----------------------------------------------------------------------------------------------------- */

static void tell(const char *line)
{
    if (write(2, line, strlen(line)) < 0) {
        _exit(98); /* nobody would know what happened */
    }
}

static const struct object *find_object(uintptr_t caller)
{
    for (size_t i = 0; i < object_count; i++) {
        if (caller >= objects[i].from && caller < objects[i].to) {
            return &objects[i];
        }
    }
    return NULL;
}

static bool must_fail(const void *caller)
{
    const struct object *object = find_object((uintptr_t)caller);
    char line[LINE];
    long number;

    if (!object) {
        return false;
    }
    number = atomic_fetch_add(&counted, 1) + 1;
    if (number != atomic_load(&wanted)) {
        return false;
    }
    snprintf(line, sizeof(line), "fail_malloc: number %ld fails, %s+0x%lx\n", number, object->name,
             (unsigned long)((uintptr_t)caller - object->base));
    tell(line);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (is_early()) {
        return allocate_early(size);
    }
    return must_fail(__builtin_return_address(0)) ? NULL : next_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (is_early()) {
        return allocate_early(count * size);
    }
    return must_fail(__builtin_return_address(0)) ? NULL : next_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (is_early()) {
        return NULL;
    }
    return must_fail(__builtin_return_address(0)) ? NULL : next_realloc(old, size);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy;

    if (is_early() || must_fail(__builtin_return_address(0)) || !(copy = next_malloc(size))) {
        return NULL;
    }
    return memcpy(copy, text, size);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static bool is_named(const char *path, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        char word[64];

        snprintf(word, sizeof(word), "%.*s", (int)len, list);
        if (len > 0 && strstr(path, word)) {
            return true;
        }
        list += len + (list[len] == ',');
    }
    return false;
}

struct noting {
    const char *libraries;
    bool is_program;
};

/* The program is the first, without a name. */
static int note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct noting *noting = arg;

    (void)size;
    if (object_count < OBJECTS_MOST && (noting->is_program || is_named(info->dlpi_name, noting->libraries))) {
        const char *slash = strrchr(info->dlpi_name, '/');

        for (int i = 0; i < info->dlpi_phnum; i++) {
            if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
                uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

                objects[object_count++] =
                    (struct object){from, from + info->dlpi_phdr[i].p_memsz, info->dlpi_addr,
                                    noting->is_program ? "program" : slash ? slash + 1 : info->dlpi_name};
                break;
            }
        }
    }
    noting->is_program = false;
    return 0;
}

void fail_malloc_in(const char *libraries)
{
    struct noting noting = {libraries, true};

    is_early();
    object_count = 0;
    dl_iterate_phdr(note_object, &noting);
}

void fail_malloc_at(long number)
{
    atomic_store(&counted, 0);
    atomic_store(&wanted, number);
}

long fail_malloc_count(void)
{
    return atomic_load(&counted);
}

bool fail_malloc_has_failed(void)
{
    return atomic_load(&wanted) > 0 && atomic_load(&counted) >= atomic_load(&wanted);
}

static void on_signal(int signum, siginfo_t *info, void *context)
{
    char line[LINE];

    (void)signum;
    (void)context;
    if (info->si_value.sival_int > 0) {
        fail_malloc_at(info->si_value.sival_int);
        snprintf(line, sizeof(line), "fail_malloc: number %d is to fail\n", info->si_value.sival_int);
    } else {
        snprintf(line, sizeof(line), "fail_malloc: counted %ld\n", fail_malloc_count());
    }
    tell(line);
}

/* Asked by the leak sanitizer, which does not see, through us, that the loader's memory for threads is in use. */
const char *__lsan_default_suppressions(void)
{
    return "leak:ld-linux\n";
}

__attribute__((constructor)) static void begin(void)
{
    const struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    const char *at = getenv("FAIL_MALLOC_AT");
    const char *libraries = getenv("FAIL_MALLOC_IN");

    if (!libraries) {
        return;
    }
    fail_malloc_in(libraries);
    fail_malloc_at(at ? strtol(at, NULL, 10) : 0);
    sigaction(SIGUSR2, &action, NULL);
    unsetenv("LD_PRELOAD"); /* not for its children */
}
