/*
 * text_memo: the texts that some numbers were formatted to last. A message says the same number and the same day in
 * its subject, its HTML and its text, and the next thousand members are told the same day again; formatting costs a
 * microsecond, remembering a few nanoseconds. Fixed size: a number displaces another one with the same slot.
 */
#ifndef CORE_TEXT_MEMO_H
#define CORE_TEXT_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { TEXT_MEMO_SLOTS = 16, TEXT_MEMO_BYTES = 54 };

/* Zeroed: empty. */
struct text_memo {
    struct {
        int64_t number;
        uint8_t len; /* 0: empty */
        char text[TEXT_MEMO_BYTES];
    } slots[TEXT_MEMO_SLOTS];
};

/* Appends what is remembered for the number. False when nothing is. */
bool text_memo_append(const struct text_memo *memo, int64_t number, struct buf *out);
/* Texts that are empty or longer than TEXT_MEMO_BYTES are not kept. */
void text_memo_put(struct text_memo *memo, int64_t number, struct slice text);

#endif
