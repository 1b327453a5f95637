#include "core/pseudonym_find.h"

#include <string.h>

#include "base/utf8.h"
#include "core/text_words.h"

enum {
    LEAST_NAME_LETTERS = 3,
    LEAST_STEM_LETTERS = 4, /* of a name with an ending behind it, as "Ilonának" */
    LEAST_ID_BYTES = 5,
    LEAST_OTHER_BYTES = 8,
    LEAST_PHONE_DIGITS = 8,
    MOST_PHONE_DIGITS = 15,
};

/* --- words -------------------------------------------------------------------------------------------------------- */

static enum text_class class_at(struct slice text, size_t at)
{
    return text_class_of(utf8_next(text, &at, NULL));
}

bool pseudonym_next_word(struct slice value, size_t *at, struct slice *word)
{
    while (*at < value.len) {
        size_t start = *at;

        *at = text_word_end(value, start);
        if (class_at(value, start) == TEXT_WORD) {
            *word = slice_make(value.data + start, *at - start);
            return true;
        }
    }
    return false;
}

size_t pseudonym_count_words(struct slice value)
{
    struct slice word;
    size_t count = 0;

    for (size_t at = 0; pseudonym_next_word(value, &at, &word);) {
        count++;
    }
    return count;
}

static size_t count_letters(struct slice text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++) {
        utf8_next(text, &at, NULL);
    }
    return count;
}

bool pseudonym_is_telling(enum pseudonym_kind kind, struct slice value)
{
    switch (kind) {
    case PSEUDONYM_ID:
        return value.len >= LEAST_ID_BYTES;
    case PSEUDONYM_GIVEN_NAME:
    case PSEUDONYM_FAMILY_NAME:
    case PSEUDONYM_FULL_NAME:
        return count_letters(value) >= LEAST_NAME_LETTERS;
    case PSEUDONYM_EMAIL:
    case PSEUDONYM_PHONE:
        return true;
    case PSEUDONYM_OTHER:
        return value.len >= LEAST_OTHER_BYTES && pseudonym_count_words(value) > 1;
    case PSEUDONYM_DATE:
    case PSEUDONYM_KIND_COUNT:
        break;
    }
    return false;
}

/* --- what looks like an address ----------------------------------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Not all that RFC 5322 allows: what separates words of a URL or of a sentence does. */
static bool is_local_char(char c)
{
    return is_alnum(c) || (c & 0x80) || strchr(".+_-%~", c ? c : '@');
}

static bool is_encoded_at(struct slice text, size_t at)
{
    return slice_starts_with(slice_make(text.data + at, text.len - at), "%40");
}

/* Length of "@host.name" or "%40host.name" at `at`, or 0. */
static size_t measure_domain(struct slice text, size_t at)
{
    size_t start = at, last_dot = 0;

    at += is_encoded_at(text, at) ? 3 : text.data[at] == '@' ? 1 : 0;
    if (at == start || at == text.len || !is_alnum(text.data[at])) {
        return 0;
    }
    for (; at < text.len && (is_alnum(text.data[at]) || text.data[at] == '-' || text.data[at] == '.'); at++) {
        if (text.data[at] == '.' && at + 1 < text.len && is_alnum(text.data[at + 1])) {
            last_dot = at;
        } else if (text.data[at] == '.') {
            break;
        }
    }
    return last_dot ? at - start : 0;
}

/* Length of an e-mail address that begins at `at`, or 0. */
static size_t measure_email(struct slice text, size_t at)
{
    size_t end = at;

    while (end < text.len && is_local_char(text.data[end]) && !is_encoded_at(text, end)) {
        end++;
    }
    if (end == at || end == text.len) {
        return 0;
    }
    return measure_domain(text, end) ? end - at + measure_domain(text, end) : 0;
}

static bool is_phone_filler(char c)
{
    return c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '/';
}

/* Length of "+36 30 123-4567" at `at`, or 0. */
static size_t measure_phone(struct slice text, size_t at)
{
    size_t digits = 0, end = at, i = at + 1;

    if (text.data[at] != '+') {
        return 0;
    }
    for (; i < text.len && digits <= MOST_PHONE_DIGITS; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9') {
            digits++;
            end = i + 1;
        } else if (!is_phone_filler(text.data[i]) || i - end > 1) {
            break;
        }
    }
    return digits >= LEAST_PHONE_DIGITS && digits <= MOST_PHONE_DIGITS ? end - at : 0;
}

bool pseudonym_is_email(struct slice text)
{
    return text.len && measure_email(text, 0) == text.len;
}

bool pseudonym_is_phone(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.len && measure_phone(text, 0) == text.len;
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

static bool is_known(const struct pseudonym_table *table, struct slice text, size_t at, size_t end,
                     struct pseudonym_hit *hit)
{
    hit->at = at;
    hit->value = slice_make(text.data + at, end - at);
    hit->known = hit->value;
    hit->is_learnt = table->find(table->arg, hit->value, &hit->kind, &hit->known);
    return hit->is_learnt;
}

/* "Iloná" of "Ilonának": in Hungarian a last a or e grows long before an ending. */
static bool is_known_when_short(const struct pseudonym_table *table, struct slice text, size_t at, size_t end,
                                struct pseudonym_hit *hit)
{
    enum { MOST_BYTES = 80 };
    bool is_a = end - at > 2 && memcmp(text.data + end - 2, "\xc3\xa1", 2) == 0;
    bool is_e = end - at > 2 && memcmp(text.data + end - 2, "\xc3\xa9", 2) == 0;
    char word[MOST_BYTES];

    if ((!is_a && !is_e) || end - at > MOST_BYTES) {
        return false;
    }
    memcpy(word, text.data + at, end - at - 2);
    word[end - at - 2] = is_a ? 'a' : 'e';
    hit->at = at;
    hit->value = slice_make(text.data + at, end - at);
    hit->is_learnt = table->find(table->arg, slice_make(word, end - at - 1), &hit->kind, &hit->known);
    return hit->is_learnt;
}

/* A short id counts where a path or a query names it: "member/42". */
static bool is_named_id(struct slice text, const struct pseudonym_hit *hit)
{
    return hit->kind == PSEUDONYM_ID && hit->at > 0 && strchr("/=:", text.data[hit->at - 1]);
}

/* The longest known run of words that begins at `at`. */
static bool find_words(const struct pseudonym_table *table, struct slice text, size_t at, struct pseudonym_hit *hit)
{
    struct pseudonym_hit longest = {.is_learnt = false};
    size_t end = at;

    for (size_t words = 0; words < table->most_words && end < text.len; words++) {
        struct slice word;
        struct pseudonym_hit found;

        if (!pseudonym_next_word(text, &end, &word)) {
            break;
        }
        if (is_known(table, text, at, end, &found) &&
            (pseudonym_is_telling(found.kind, found.value) || is_named_id(text, &found))) {
            longest = found;
        }
    }
    *hit = longest;
    return longest.is_learnt;
}

/* A name with an ending, as Hungarian and others have them: the longest. Only among other words: a word alone is more
 * often a word of some list. */
static bool find_stem(const struct pseudonym_table *table, struct slice text, size_t at, struct pseudonym_hit *hit)
{
    struct pseudonym_hit longest = {.is_learnt = false};
    size_t word_end = text_word_end(text, at), letters = 0;

    if (at == 0 && word_end == text.len) {
        return false;
    }
    for (size_t end = at; end < word_end; letters++) {
        struct pseudonym_hit found;

        utf8_next(text, &end, NULL);
        if (letters + 1 >= LEAST_STEM_LETTERS &&
            (is_known(table, text, at, end, &found) || is_known_when_short(table, text, at, end, &found)) &&
            (found.kind == PSEUDONYM_GIVEN_NAME || found.kind == PSEUDONYM_FAMILY_NAME)) {
            longest = found;
        }
    }
    *hit = longest;
    return longest.is_learnt;
}

static bool find_address(const struct pseudonym_table *table, struct slice text, size_t at, struct pseudonym_hit *hit)
{
    size_t len = measure_email(text, at);
    enum pseudonym_kind kind = PSEUDONYM_EMAIL;

    if (!len) {
        len = measure_phone(text, at);
        kind = PSEUDONYM_PHONE;
    }
    if (len && !is_known(table, text, at, at + len, hit)) {
        hit->kind = kind;
    }
    return len > 0;
}

bool pseudonym_find_next(const struct pseudonym_table *table, struct slice text, size_t from, struct pseudonym_hit *hit)
{
    if (from == 0 && text.len && is_known(table, text, 0, text.len, hit)) {
        return true;
    }
    for (size_t at = from; at < text.len; at = text_word_end(text, at)) {
        bool is_word = class_at(text, at) == TEXT_WORD;

        if ((is_word || text.data[at] == '+') && find_address(table, text, at, hit)) {
            return true;
        }
        if (is_word && (find_words(table, text, at, hit) || find_stem(table, text, at, hit))) {
            return true;
        }
    }
    return false;
}
