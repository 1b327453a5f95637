/*
 * mem: allocation that succeeds or ends the process. A crash is safe here: Kafka delivers again and Redis
 * remembers what was done, so no caller carries an out-of-memory path. Libraries that let themselves be told use these
 * functions, too, hence at once (base/die.h): what becomes of a request that curl could not go on with need not be known then.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* `count * size` is checked for overflow. */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
/* NULL stays NULL. */
char *xstrdup(const char *text);
/* Copies `len` bytes and adds a NUL. */
char *xmemdup(const char *data, size_t len) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Gives pages that nothing lies on back to the system: after much was freed at once. Takes milliseconds. */
void mem_trim(void);

#endif
