/*
 * err: why an expected failure happened, in one sentence for a person.
 *
 * Functions that can fail return bool and take a `struct err *`. The first error wins, so a caller may pass
 * the same one through several calls. The callee fills it and does not log; who decides what to do logs once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

struct err {
    char text[512]; /* empty: no error */
};

/* Always returns false, so that `return err_set(err, "...")` reads as what it is. `err` may be NULL. */
bool err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before what is already there. Always returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool err_is_set(const struct err *err)
{
    return err->text[0] != '\0';
}

static inline void err_clear(struct err *err)
{
    err->text[0] = '\0';
}

#endif
