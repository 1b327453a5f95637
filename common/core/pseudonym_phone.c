/*
 * Numbers that belong to nobody, with the country code and the number of digits of the original.
 *
 * Where a regulator has set numbers aside for films and examples, those: Ofcom, "Telephone numbers for use in TV and
 * radio drama programmes" (07700 900000-900999); NANPA, 555-0100 to 555-0199 of every area; ARCEP decision 2018-0881
 * (06 39 98 00 00-99 99); Bundesnetzagentur, Mitteilung 148/2021 (030 23125 000-999); ComReg (020 91X XXXX);
 * PTS (070-174 06 05 to 06 99). Elsewhere the national number begins with 00, which no national numbering plan assigns:
 * a leading 0 is dialled before a number or belongs to an area code, 00 before a country code.
 */
#include <string.h>

#include "core/pseudonym_inside.h"

enum { MOST_DIGITS = 32 };

static const struct {
    const char *country;
    const char *head; /* behind the country code; N is any digit from 2 to 7, X any digit */
    size_t digits;    /* of the whole number, the only length it is used for */
} reserved[] = {
    {"1", "NX355501XX", 11},  {"33", "63998XXXX", 11}, {"353", "2091XXXXX", 12},
    {"44", "7700900XXX", 12}, {"46", "7017406NX", 11}, {"49", "3023125XXX", 12},
};

/* E.164 country codes have one digit (1 and 7), two (these), or three. */
static const char two_digit_codes[] =
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 "
    "61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";

static size_t country_len(const char *digits)
{
    const char code[] = {digits[0], digits[1], ' ', '\0'};

    return digits[0] == '1' || digits[0] == '7' ? 1 : strstr(two_digit_codes, code) ? 2 : 3;
}

static char random_digit(struct random *random, unsigned least, unsigned most)
{
    return (char)('0' + least + random_below(random, most - least + 1));
}

static void make_up(char *digits, size_t count, bool is_international, struct random *random)
{
    size_t at = is_international ? country_len(digits) : 2;

    for (size_t i = 0; is_international && i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (count == reserved[i].digits && strlen(reserved[i].country) == at &&
            memcmp(reserved[i].country, digits, at) == 0) {
            for (const char *p = reserved[i].head; *p; p++) {
                digits[at++] = *p == 'N' ? random_digit(random, 2, 7) : *p == 'X' ? random_digit(random, 0, 9) : *p;
            }
            return;
        }
    }
    for (size_t i = at; i < count; i++) {
        digits[i] = i < at + 2 ? '0' : random_digit(random, 0, 9);
    }
}

void pseudonym_make_phone(struct slice value, struct random *random, struct buf *out)
{
    char digits[MOST_DIGITS + 4] = "";
    size_t count = 0, next = 0;
    bool is_international = value.len && value.data[0] == '+';

    for (size_t i = 0; i < value.len && count < MOST_DIGITS; i++) {
        if (value.data[i] >= '0' && value.data[i] <= '9') {
            digits[count++] = value.data[i];
        }
    }
    make_up(digits, count, is_international && count > 3, random);
    for (size_t i = 0; i < value.len; i++) {
        bool is_digit = value.data[i] >= '0' && value.data[i] <= '9';

        if (!is_digit) {
            buf_append_char(out, value.data[i]);
        } else if (next < count) {
            buf_append_char(out, digits[next++]);
        }
    }
}
