/*
 * sms_text: what a text costs as an SMS. Texts of the GSM 7-bit alphabet (3GPP TS 23.038) take 160 characters in one
 * segment, 153 in each of several; any other character turns the whole text into UCS-2 with 70 and 67. Characters of
 * the extension table take two septets, characters beyond U+FFFF two units, and neither pair is ever cut in two by a
 * segment's end.
 *
 * The two c with cedilla count as not in the alphabet: vendors disagree on which of them 0x09 is.
 */
#ifndef CORE_SMS_TEXT_H
#define CORE_SMS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
    SMS_GSM_SINGLE = 160,
    SMS_GSM_PART = 153,
    SMS_UCS2_SINGLE = 70,
    SMS_UCS2_PART = 67,
};

struct sms_size {
    int segments; /* 0 for an empty text */
    int units;    /* septets or UTF-16 units of the text itself */
    bool is_unicode;
};

/* `text` is UTF-8. */
struct sms_size sms_measure(struct slice text);

/* Septets a character takes in the GSM alphabet: 1, 2, or 0 when it is not in it. */
int sms_gsm_septets(uint32_t code_point);

/* Appends `text` with typographic marks made plain and the accents of Hungarian and Romanian dropped that the GSM alphabet
 * lacks, whatever the language: a Hungarian name would make an English text cost three times as much. False (and nothing
 * appended) when that saves no segment: then the text is better left as it is. */
bool sms_transliterate(struct slice text, struct buf *out);
/* Is all of it in the GSM alphabet, with `is_transliterated` after that loss? */
bool sms_fits_gsm(struct slice text, bool is_transliterated);

#endif
