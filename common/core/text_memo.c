#include "core/text_memo.h"

#include <string.h>

static size_t slot_of(int64_t number)
{
    return (uint64_t)number % TEXT_MEMO_SLOTS;
}

bool text_memo_append(const struct text_memo *memo, int64_t number, struct buf *out)
{
    size_t slot = slot_of(number);

    if (memo->slots[slot].len == 0 || memo->slots[slot].number != number) {
        return false;
    }
    buf_append(out, memo->slots[slot].text, memo->slots[slot].len);
    return true;
}

void text_memo_put(struct text_memo *memo, int64_t number, struct slice text)
{
    size_t slot = slot_of(number);

    if (text.len == 0 || text.len > TEXT_MEMO_BYTES) {
        return;
    }
    memo->slots[slot].number = number;
    memo->slots[slot].len = (uint8_t)text.len;
    memcpy(memo->slots[slot].text, text.data, text.len);
}
