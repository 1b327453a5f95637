/*
 * die: the process cannot start, or cannot go on. One clear line on stderr, exit status 1.
 * Only start-up and mem.c use it; a running worker never dies of bad input.
 */
#ifndef BASE_DIE_H
#define BASE_DIE_H

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The same without what libraries do at exit: for want of memory, which may be noticed within one of them, or on a thread
 * beside one that works. OpenSSL's tidying up waits for ever for its own beginning. */
void die_at_once(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
