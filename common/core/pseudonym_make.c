#include "core/pseudonym_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/number.h"
#include "base/utf8.h"
#include "core/text_words.h"

/* --- words -------------------------------------------------------------------------------------------------------- */

enum { LETTERS_A_SCRIPT = 24 };

/* Letters that follow each other in turn, first from one list and then from the other, read like a word. */
static const struct {
    uint32_t first, last; /* of the script */
    const char *consonants, *vowels;
    uint32_t to_upper; /* what to subtract from a small letter; 0: the script has none */
} scripts[] = {
    {0x370, 0x3ff, "βγδκλμνπρτφ", "αεηιου", 0x20},
    {0x400, 0x52f, "бвгдклмнпрстц", "аеиоу", 0x20},
    {0x531, 0x588, "բգդզլկհմնպրստ", "աեիոօ", 0x30},
    {0x5d0, 0x5ea, "בגדזטלמנפרש", "אויה", 0},
    {0x620, 0x6d3, "بپتجدرزسشکگلمن", "اوی", 0},
    {0x41, 0x24f, "bdfgklmnprstvz", "aeiou", 0x20}, /* the last: also for scripts that are not here */
};

enum { SCRIPT_COUNT = sizeof(scripts) / sizeof(scripts[0]) };

static size_t find_script(uint32_t letter)
{
    size_t i = 0;

    while (i + 1 < SCRIPT_COUNT && (letter < scripts[i].first || letter > scripts[i].last)) {
        i++;
    }
    return i;
}

/* All letters of our lists take as many bytes as their script does. */
static uint32_t pick_letter(const char *letters, struct random *random)
{
    struct slice list = slice_of(letters);
    uint32_t found[LETTERS_A_SCRIPT];
    size_t count = 0;

    for (size_t at = 0; at < list.len && count < LETTERS_A_SCRIPT;) {
        found[count++] = utf8_next(list, &at, NULL);
    }
    return found[random_below(random, count)];
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Of the scripts above and the Latin letters of our languages. */
static bool is_capital(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde) || (c >= 0x100 && c <= 0x17f && c % 2 == 0) ||
           (c >= 0x391 && c <= 0x3a9) || (c >= 0x400 && c <= 0x42f) || (c >= 0x531 && c <= 0x556) || c == 0x218 ||
           c == 0x21a;
}

/* As many letters as the word has, capitals and digits where it has them. */
static void make_word(struct slice word, struct random *random, struct buf *out)
{
    bool is_vowel = random_below(random, 3) == 0;

    for (size_t at = 0; at < word.len;) {
        uint32_t c = utf8_next(word, &at, NULL);
        size_t script = find_script(c);

        if (is_digit(c)) {
            buf_append_char(out, (char)(at > 1     ? '0' + random_below(random, 10)
                                        : c == '0' ? '0'
                                                   : '1' + random_below(random, 9)));
            continue;
        }
        if (text_class_of(c) != TEXT_WORD || c == '_') {
            utf8_append(out, c);
            continue;
        }
        utf8_append(out, pick_letter(is_vowel ? scripts[script].vowels : scripts[script].consonants, random) -
                             (is_capital(c) ? scripts[script].to_upper : 0));
        is_vowel = !is_vowel;
    }
}

/* Every word of the text; what is between stays. */
static void make_words(struct slice text, struct random *random, struct buf *out)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = text_word_end(text, at);

        make_word(slice_make(text.data + at, end - at), random, out);
        at = end;
    }
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static size_t count_letters(struct slice text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++) {
        utf8_next(text, &at, NULL);
    }
    return count;
}

/* A name of the list with as many letters, or one more or less. NULL: there is none. */
static const char *pick_name(const char *const *list, size_t letters, struct random *random)
{
    const char *fit = NULL;
    size_t seen = 0;

    for (; *list; list++) {
        size_t own = count_letters(slice_of(*list));

        if (own + 1 >= letters && own <= letters + 1 && random_below(random, ++seen) == 0) {
            fit = *list;
        }
    }
    return fit;
}

static bool is_written_as_a_name(struct slice part)
{
    size_t at = 0;
    uint32_t first = utf8_next(part, &at, NULL);
    uint32_t second = at < part.len ? utf8_next(part, &at, NULL) : 0;

    return scripts[find_script(first)].to_upper == 0 || (is_capital(first) && !is_capital(second));
}

static void make_name(enum pseudonym_kind kind, struct slice part, const char *language, struct random *random,
                      int attempt, struct buf *out)
{
    size_t at = 0;
    const struct pseudonym_names *names = part.len ? pseudonym_find_names(utf8_next(part, &at, NULL), language) : NULL;
    const char *name = NULL;

    if (names && attempt < PSEUDONYM_LIST_ATTEMPTS && is_written_as_a_name(part)) {
        name = pick_name(kind == PSEUDONYM_GIVEN_NAME ? names->given : names->family, count_letters(part), random);
    }
    if (name) {
        buf_append_text(out, name);
    } else {
        make_words(part, random, out);
    }
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static bool is_uuid(struct slice text)
{
    if (text.len != UUID_TEXT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        uint8_t digit;
        const char pair[] = {'0', text.data[i]};

        if (is_dash ? text.data[i] != '-' : !hex_parse(slice_make(pair, 2), &digit, 1)) {
            return false;
        }
    }
    return true;
}

/* Out of so many that two members hardly ever share one. Whole numbers stay below 2^53, which every JSON reader keeps.
 */
static void make_id(struct slice value, struct random *random, struct buf *out)
{
    uint64_t bits[2] = {random_next(random), random_next(random)};
    int64_t number;
    char uuid[UUID_TEXT_SIZE];

    if (number_parse(value, &number)) {
        buf_append_int(out, INT64_C(8000000000000000) + (int64_t)(bits[0] % UINT64_C(1000000000000000)));
    } else if (is_uuid(value)) {
        uuid_format((const uint8_t *)bits, uuid);
        buf_append_text(out, uuid);
    } else {
        buf_appendf(out, "id-%016llx", (unsigned long long)bits[0]);
    }
}

/* The local part is as long as makes the whole as long as it was, and long enough to be rare. */
static void make_email(struct slice value, struct random *random, struct buf *out)
{
    enum { LEAST_LOCAL = 8, MOST_LOCAL = 60 };
    static const char *const domains[] = {"@example.com", "@example.net", "@example.org"};
    const char *at_sign = memchr(value.data, '@', value.len);
    size_t local_len = at_sign ? (size_t)(at_sign - value.data) : value.len;
    size_t wanted = value.len > 12 + LEAST_LOCAL ? value.len - 12 : LEAST_LOCAL;
    size_t start = out->len;

    wanted = wanted > MOST_LOCAL ? MOST_LOCAL : wanted;
    for (size_t i = 0; i < wanted; i++) {
        char original = i < local_len ? value.data[i] : 'a';
        bool is_inside = i > 0 && i + 2 < wanted && i + 2 < local_len;

        if (is_inside && (original == '.' || original == '_' || original == '-') && out->data[out->len - 1] >= 'a') {
            buf_append_char(out, original);
        } else if (i + 2 >= wanted) {
            buf_append_char(out, (char)('0' + random_below(random, 10)));
        } else {
            const char *letters = scripts[SCRIPT_COUNT - 1].consonants;
            bool is_vowel = out->len > start && strchr(letters, out->data[out->len - 1]);

            utf8_append(out, pick_letter(is_vowel ? scripts[SCRIPT_COUNT - 1].vowels : letters, random));
        }
    }
    buf_append_text(out, domains[random_below(random, 3)]);
}

/* "1990-05-02", also with a time behind it, or "05-02". */
static void make_date(struct slice value, struct random *random, struct buf *out)
{
    unsigned month = 1 + (unsigned)random_below(random, 12), day = 1 + (unsigned)random_below(random, 28);
    int64_t year, rest;
    bool has_year = value.len >= 10 && value.data[4] == '-' && value.data[7] == '-' &&
                    number_parse(slice_make(value.data, 4), &year);

    if (has_year) {
        buf_appendf(out, "%04d-%02u-%02u", (int)(year - year % 10 + (int64_t)random_below(random, 10)), month, day);
        buf_append(out, value.data + 10, value.len - 10);
    } else if (value.len == 5 && value.data[2] == '-' && number_parse(slice_make(value.data, 2), &rest)) {
        buf_appendf(out, "%02u-%02u", month, day);
    } else {
        make_words(value, random, out);
    }
}

void pseudonym_make(enum pseudonym_kind kind, struct slice value, const char *language, struct random *random,
                    int attempt, struct buf *out)
{
    switch (kind) {
    case PSEUDONYM_ID:
        make_id(value, random, out);
        break;
    case PSEUDONYM_GIVEN_NAME:
    case PSEUDONYM_FAMILY_NAME:
        make_name(kind, value, language, random, attempt, out);
        break;
    case PSEUDONYM_EMAIL:
        make_email(value, random, out);
        break;
    case PSEUDONYM_PHONE:
        pseudonym_make_phone(value, random, out);
        break;
    case PSEUDONYM_DATE:
        make_date(value, random, out);
        break;
    case PSEUDONYM_FULL_NAME:
    case PSEUDONYM_OTHER:
    case PSEUDONYM_KIND_COUNT:
        make_words(value, random, out);
        break;
    }
}
