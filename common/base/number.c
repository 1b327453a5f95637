#include "base/number.h"

bool number_parse(struct slice text, int64_t *number)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t most = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t value = 0;
    size_t at = is_negative ? 1 : 0;

    if (at == text.len) {
        return false;
    }
    for (; at < text.len; at++) {
        unsigned digit = (unsigned char)text.data[at] - (unsigned)'0';

        if (digit > 9 || value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    /* The negation is made in unsigned arithmetic, so that INT64_MIN needs no case of its own. */
    *number = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

struct slice number_format(int64_t number, char text[NUMBER_TEXT_SIZE])
{
    char *end = text + NUMBER_TEXT_SIZE - 1;
    char *at = end;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    *end = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) {
        *--at = '-';
    }
    return slice_make(at, (size_t)(end - at));
}
