/*
 * json_memory: memory for JSON values, that of base/mem.h: a value that cannot be made ends the process. NULL from jansson means
 * bad input everywhere; an event would go to the DLQ for want of memory. In the workers it is kept instead of given back:
 *
 * An event is some sixty small values that live as long as the event. The C library merges such pieces when they are freed and
 * cuts them again for the next event, all over the heap; kept in lists by size they are used again while they are still in
 * the processor's cache. Each piece is one of malloc(), so free() stays right for what jansson hands out.
 */
#ifndef CORE_JSON_MEMORY_H
#define CORE_JSON_MEMORY_H

/* First in a process. */
void json_memory_use(void);

/* For the thread that calls it, once in a process, before the first JSON value is made; others go on with malloc(), and
 * values may move between them. Does nothing under the address sanitizer, which could not see a use after free any
 * more. */
void json_memory_keep(void);

#endif
