/*
 * json_memory: memory for JSON values, that of base/mem.h: a value that cannot be made ends the process. NULL from jansson means
 * bad input everywhere; an event would go to the DLQ for want of memory. In the workers it is kept instead of given back:
 *
 * An event is some sixty small values that live as long as the event. The C library merges such pieces when they are freed and
 * cuts them again for the next event, all over the heap; kept in lists by size they are used again while they are still in
 * the processor's cache. Each piece is one of malloc(), so free() stays right for what jansson hands out.
 *
 * No more is kept than the thread itself needed at once: the values of templates that another thread built, and this one
 * frees, go back.
 */
#ifndef CORE_JSON_MEMORY_H
#define CORE_JSON_MEMORY_H

#include <stddef.h>

/* First in a process. */
void json_memory_use(void);

/* For the thread that calls it, once in a process, before the first JSON value is made; others go on with malloc(), and
 * values may move between them. Does nothing under the address sanitizer, which could not see a use after free any
 * more. */
void json_memory_keep(void);
/* For its test: under the address sanitizer, too; and how many pieces wait. */
void json_memory_keep_always(void);
size_t json_memory_kept_count(void);

#endif
