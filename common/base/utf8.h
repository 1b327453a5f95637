/*
 * utf8: reading UTF-8 strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { UTF8_REPLACEMENT = 0xfffd };

/* Decodes the code point at `*at` and moves `*at` behind it. At an invalid byte: returns UTF8_REPLACEMENT,
 * moves on by one and sets `*valid` (when given) to false. `*at` must be below text.len. */
uint32_t utf8_next(struct slice text, size_t *at, bool *valid);
/* Offset of the first invalid byte, or text.len when all is well. */
size_t utf8_valid_prefix(struct slice text);
static inline bool utf8_is_valid(struct slice text)
{
    return utf8_valid_prefix(text) == text.len;
}
/* What is no code point (a surrogate, above U+10FFFF) becomes UTF8_REPLACEMENT. */
void utf8_append(struct buf *out, uint32_t code_point);
/* Whatever could move the cursor of a terminal (controls of C0 and C1, also DEL) becomes a blank, of C1 U+00A0; line breaks
 * stay when `has_lines`. */
void utf8_blank_controls(char *text, size_t len, bool has_lines);
/* Longest prefix of at most `max` bytes that does not cut a code point. */
size_t utf8_truncate(struct slice text, size_t max);

#endif
