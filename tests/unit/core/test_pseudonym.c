#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/utf8.h"
#include "core/pseudonym.h"

static struct pseudonym_set *create(void)
{
    return pseudonym_set_create(SLICE("a key of the tests"));
}

static size_t count_letters(struct slice text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++) {
        utf8_next(text, &at, NULL);
    }
    return count;
}

/* Patterns of fnmatch: '?' is any character, [0-9] a digit. */
static void what_is_made_up_keeps_its_form(void **state)
{
    static const struct {
        enum pseudonym_kind kind;
        const char *value, *language, *pattern;
    } cases[] = {
        {PSEUDONYM_ID, "42", NULL, "8[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_ID, "m-42", NULL, "id-????????????????"},
        {PSEUDONYM_ID, "0190C5A2-7c1e-7abc-9def-0123456789ab", NULL, "*-*-8*-*-*"},
        {PSEUDONYM_EMAIL, "Ilona.Kovacs@gmail.com", NULL, "?????.??[0-9][0-9]@example.*"},
        {PSEUDONYM_EMAIL, "x@y.hu", NULL, "??????[0-9][0-9]@example.*"},
        {PSEUDONYM_PHONE, "+36301234567", NULL, "+3600[0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+36 30 123-4567", NULL, "+36 00 [0-9][0-9][0-9]-[0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+37491123456", NULL, "+37400[0-9][0-9][0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+12125550123", NULL, "+1[2-7][0-9]355501[0-9][0-9]"},
        {PSEUDONYM_PHONE, "+447911123456", NULL, "+447700900[0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+442079460000", NULL, "+447700900[0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+33612345678", NULL, "+3363998[0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "+4915112345678", NULL, "+4900[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_PHONE, "06301234567", NULL, "0600[0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
        {PSEUDONYM_DATE, "1987-05-02", NULL, "198[0-9]-[01][0-9]-[0-2][0-9]"},
        {PSEUDONYM_DATE, "1987-05-02T00:00:00Z", NULL, "198[0-9]-[01][0-9]-[0-2][0-9]T00:00:00Z"},
        {PSEUDONYM_DATE, "05-02", NULL, "[01][0-9]-[0-2][0-9]"},
        {PSEUDONYM_OTHER, "1042 Budapest, Fő utca 7/B", NULL,
         "[1-9][0-9][0-9][0-9] [A-Z]???????, [A-Z]? ???? [1-9]/[A-Z]"},
        {PSEUDONYM_OTHER, "...", NULL, "..."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pseudonym_set *set = create();
        struct slice value = slice_of(cases[i].value);
        struct slice made = pseudonym_set_get(set, cases[i].kind, value, cases[i].language);

        if (fnmatch(cases[i].pattern, made.data, 0) != 0) {
            fail_msg("%s became %s", cases[i].value, made.data);
        }
        pseudonym_set_destroy(set);
    }
}

static void names_keep_script_and_length(void **state)
{
    static const struct {
        const char *value, *language;
        uint32_t first, last; /* letters of the script */
        size_t slack;
    } cases[] = {
        {"Anna", "en", 'A', 'z', 1},      {"Bartholomew-Christopher", "en", '-', 'z', 2},
        {"Ilona", "hu", 'A', 0x171, 1},   {"ILONA", "hu", 'A', 'Z', 0},
        {"Мария", "bg", 0x410, 0x44f, 1}, {"Արմեն", "hy", 0x531, 0x587, 1},
        {"سارا", "fa", 0x620, 0x6d3, 1},  {"Γιώργος", "el", 0x391, 0x3c9, 0},
        {"Иван", NULL, 0x410, 0x44f, 1},  {"O'Brien", "en", '\'', 'z', 2},
        {"Jo", "ro", 'A', 0x21b, 1},      {"de la Cruz", "en", ' ', 'z', 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int kind = PSEUDONYM_GIVEN_NAME; kind <= PSEUDONYM_FULL_NAME; kind++) {
            struct pseudonym_set *set = create();
            struct slice value = slice_of(cases[i].value), made;
            size_t letters = count_letters(value), got;

            pseudonym_set_learn(set, (enum pseudonym_kind)kind, value, cases[i].language);
            made = pseudonym_set_get(set, (enum pseudonym_kind)kind, value, cases[i].language);
            got = count_letters(made);
            assert_false(slice_equal(made, value));
            if (got > letters + cases[i].slack || got + cases[i].slack < letters) {
                fail_msg("%s became %s", cases[i].value, made.data);
            }
            for (size_t at = 0; at < made.len;) {
                uint32_t c = utf8_next(made, &at, NULL);

                if (c < cases[i].first || c > cases[i].last) {
                    fail_msg("%s became %s", cases[i].value, made.data);
                }
            }
            pseudonym_set_destroy(set);
        }
    }
}

static void the_key_alone_decides(void **state)
{
    struct pseudonym_set *set = create(), *same = create(), *other = pseudonym_set_create(SLICE("another key"));
    size_t differing = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        char *id = xasprintf("member-%d", i), *turned = xasprintf("member-%d", 49 - i);
        struct slice made = pseudonym_set_get(set, PSEUDONYM_ID, slice_of(id), NULL);

        pseudonym_set_get(same, PSEUDONYM_ID, slice_of(turned), NULL);
        assert_true(slice_equal(made, pseudonym_set_get(same, PSEUDONYM_ID, slice_of(id), NULL)));
        differing += !slice_equal(made, pseudonym_set_get(other, PSEUDONYM_ID, slice_of(id), NULL));
        free(id);
        free(turned);
    }
    assert_int_equal(differing, 50);
    pseudonym_set_destroy(set);
    pseudonym_set_destroy(same);
    pseudonym_set_destroy(other);
}

struct seen {
    char text[24];
    UT_hash_handle hh;
};

static void ids_stay_different(void **state)
{
    struct pseudonym_set *set = create();
    struct seen *seen = NULL, *entry, *next;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char id[16];
        struct slice made;

        snprintf(id, sizeof(id), "%d", i);
        made = pseudonym_set_get(set, PSEUDONYM_ID, slice_of(id), NULL);
        HASH_FIND(hh, seen, made.data, made.len, entry);
        assert_null(entry);
        entry = xcalloc(1, sizeof(*entry));
        memcpy(entry->text, made.data, made.len);
        HASH_ADD_KEYPTR(hh, seen, entry->text, made.len, entry);
    }
    HASH_ITER(hh, seen, entry, next)
    {
        HASH_DEL(seen, entry);
        free(entry);
    }
    pseudonym_set_destroy(set);
}

/* "<id>" and so on stand for what the set makes of the value. */
static void learn_a_member(struct pseudonym_set *set)
{
    pseudonym_set_learn(set, PSEUDONYM_ID, SLICE("42"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_ID, SLICE("loyal-0042"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_GIVEN_NAME, SLICE("Ilona"), "hu");
    pseudonym_set_learn(set, PSEUDONYM_FAMILY_NAME, SLICE("Kovács"), "hu");
    pseudonym_set_learn(set, PSEUDONYM_GIVEN_NAME, SLICE("Jo"), "en");
    pseudonym_set_learn(set, PSEUDONYM_FULL_NAME, SLICE("Kovács Ilona"), "hu");
    pseudonym_set_learn(set, PSEUDONYM_EMAIL, SLICE("Ilona.Kovacs@gmail.com"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_PHONE, SLICE("+36301234567"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_DATE, SLICE("1987-05-02"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_OTHER, SLICE("Budapest"), NULL);
    pseudonym_set_learn(set, PSEUDONYM_OTHER, SLICE("Fő utca 7."), NULL);
}

static void append_expected(struct pseudonym_set *set, const char *expected, struct buf *out)
{
    static const struct {
        const char *word;
        enum pseudonym_kind kind;
        const char *value;
    } words[] = {
        {"<id>", PSEUDONYM_ID, "42"},
        {"<loyal>", PSEUDONYM_ID, "loyal-0042"},
        {"<given>", PSEUDONYM_GIVEN_NAME, "Ilona"},
        {"<jo>", PSEUDONYM_GIVEN_NAME, "Jo"},
        {"<family>", PSEUDONYM_FAMILY_NAME, "Kovács"},
        {"<email>", PSEUDONYM_EMAIL, "ilona.kovacs@gmail.com"},
        {"<stranger>", PSEUDONYM_EMAIL, "someone@else.hu"},
        {"<phone>", PSEUDONYM_PHONE, "+36301234567"},
        {"<number>", PSEUDONYM_PHONE, "+40 721-123-456"},
        {"<born>", PSEUDONYM_DATE, "1987-05-02"},
        {"<city>", PSEUDONYM_OTHER, "Budapest"},
        {"<street without dot>", PSEUDONYM_OTHER, "Fő utca 7"},
        {"<street>", PSEUDONYM_OTHER, "Fő utca 7."},
    };

    while (*expected) {
        size_t i = 0;

        while (i < sizeof(words) / sizeof(words[0]) && !slice_starts_with(slice_of(expected), words[i].word)) {
            i++;
        }
        if (i == sizeof(words) / sizeof(words[0])) {
            buf_append_char(out, *expected++);
            continue;
        }
        buf_append_slice(out, pseudonym_set_get(set, words[i].kind, slice_of(words[i].value), "hu"));
        expected += strlen(words[i].word);
    }
}

static void learnt_values_are_found_in_texts(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"nothing of anybody", "nothing of anybody"},
        {"42", "<id>"},
        {"member/42", "member/<id>"},
        {"https://shop.example/m?member=42&page=7", "https://shop.example/m?member=<id>&page=7"},
        {"42 points", "42 points"},
        {"order loyal-0042-b", "order <loyal>-b"},
        {"Kedves Ilona, szia!", "Kedves <given>, szia!"},
        {"Kedves „Ilona”!", "Kedves „<given>”!"},
        {"Kovácsnak írtunk, Kovácsék", "<family>nak írtunk, <family>ék"},
        {"Ilonának írtunk", "<given>nak írtunk"},
        {"Ilonák voltak", "<given>k voltak"},
        {"Kovácsék", "Kovácsék"},
        {"Kovács Ilona", "<family> <given>"},
        {"Kovács Ilona és Ilona Kovács", "<family> <given> és <given> <family>"},
        {"ILONA", "ILONA"},
        {"Jo", "<jo>"},
        {"Jo Jones", "Jo Jones"},
        {"write to ILONA.KOVACS@gmail.com.", "write to <email>."},
        {"write to someone@else.hu now", "write to <stranger> now"},
        {"call +36301234567 or +40 721-123-456!", "call <phone> or <number>!"},
        {"+1234567", "+1234567"},
        {"1987-05-02", "<born>"},
        {"on 1987-05-02 it was", "on 1987-05-02 it was"},
        {"Budapest", "<city>"},
        {"Europe/Budapest", "Europe/Budapest"},
        {"home: Fő utca 7.", "home: <street>"},
        {"Fő utca 7.", "<street>"},
        {"(Fő utca 7)", "(<street without dot>)"},
        {"a@b", "a@b"},
        {"@twitter", "@twitter"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pseudonym_set *set = create();
        struct buf got, expected;

        buf_init(&got, 0);
        buf_init(&expected, 0);
        learn_a_member(set);
        append_expected(set, cases[i].expected, &expected);
        pseudonym_set_replace(set, slice_of(cases[i].text), &got);
        if (!slice_equal(buf_slice(&got), buf_slice(&expected))) {
            fail_msg("%s became %s, not %s", cases[i].text, buf_text(&got), buf_text(&expected));
        }
        buf_finish(&got);
        buf_finish(&expected);
        pseudonym_set_destroy(set);
    }
}

static void an_address_in_a_url_stays_encoded(void **state)
{
    struct pseudonym_set *set = create();
    struct buf got;
    struct slice made;
    char *expected;

    (void)state;
    buf_init(&got, 0);
    learn_a_member(set);
    pseudonym_set_replace(set, SLICE("https://x.example/?to=Ilona.Kovacs%40gmail.com&a=b"), &got);
    made = pseudonym_set_get(set, PSEUDONYM_EMAIL, SLICE("ilona.kovacs@gmail.com"), NULL);
    expected = xasprintf("https://x.example/?to=%.*s%%40%s&a=b", (int)strcspn(made.data, "@"), made.data,
                         strchr(made.data, '@') + 1);
    assert_string_equal(buf_text(&got), expected);
    free(expected);
    buf_finish(&got);
    pseudonym_set_destroy(set);
}

static void what_is_made_up_is_never_an_original(void **state)
{
    static const char *const names[] = {"Amy",   "Ian",    "Joan",   "Owen",   "Alice",  "Ethan", "Grant",
                                        "Helen", "Edmund", "Hannah", "Martin", "Violet", "Éva",   "Pál",
                                        "Réka",  "Zsolt",  "Иван",   "Боян",   "Елена",  "Калин", "Мила",
                                        "رضا",   "علی",    "مینا",   "امید",   NULL};
    struct pseudonym_set *set = create();
    struct slice found;
    enum pseudonym_kind kind;

    (void)state;
    for (int i = 0; names[i]; i++) {
        pseudonym_set_learn(set, PSEUDONYM_GIVEN_NAME, slice_of(names[i]), NULL);
    }
    for (int i = 0; i < 1000; i++) {
        char *phone = xasprintf("+447700900%03d", i);

        if (i % 10) {
            pseudonym_set_learn(set, PSEUDONYM_PHONE, slice_of(phone), NULL);
        }
        free(phone);
    }
    for (int i = 0; names[i]; i++) {
        struct slice made = pseudonym_set_get(set, PSEUDONYM_GIVEN_NAME, slice_of(names[i]), "en");

        assert_false(pseudonym_set_find(set, made, &found, &kind));
    }
    for (int i = 0; i < 200; i++) {
        char *phone = xasprintf("+447700900%03d", i);

        assert_false(
            pseudonym_set_find(set, pseudonym_set_get(set, PSEUDONYM_PHONE, slice_of(phone), NULL), &found, &kind));
        free(phone);
    }
    pseudonym_set_destroy(set);
}

/* Any mixture of what was learnt, of strangers and of anything between. */
static void nothing_learnt_is_left_in_any_text(void **state)
{
    static const char *const pieces[] = {"42",
                                         "loyal-0042",
                                         "Ilona",
                                         "Kovács",
                                         "Kovács Ilona",
                                         "ilona.kovacs@gmail.com",
                                         "+36301234567",
                                         "+",
                                         " ",
                                         ", ",
                                         "a@b.hu",
                                         "/",
                                         "-",
                                         "1987-05-02",
                                         "Fő utca 7.",
                                         "%40",
                                         "\xff",
                                         "„",
                                         "+36 30 123 4567",
                                         "=",
                                         "x",
                                         "nak",
                                         "سارا",
                                         "@"};
    struct pseudonym_set *set = create();
    struct random random;

    (void)state;
    learn_a_member(set);
    random_init(&random, 7);
    for (int i = 0; i < 20000; i++) {
        struct buf text, got;
        struct slice found;
        enum pseudonym_kind kind;

        buf_init(&text, 0);
        buf_init(&got, 0);
        for (size_t n = random_below(&random, 9); n > 0; n--) {
            buf_append_text(&text, pieces[random_below(&random, sizeof(pieces) / sizeof(pieces[0]))]);
        }
        pseudonym_set_replace(set, buf_slice(&text), &got);
        if (pseudonym_set_find(set, buf_slice(&got), &found, &kind)) {
            fail_msg("%s became %s", buf_text(&text), buf_text(&got));
        }
        buf_finish(&text);
        buf_finish(&got);
    }
    pseudonym_set_destroy(set);
}

static void addresses_are_learnt_from_texts(void **state)
{
    struct pseudonym_set *set = create();

    (void)state;
    assert_int_equal(pseudonym_set_learn_addresses(set, SLICE("a@b.hu, A@B.hu and +36301234567; not x@y")), 3);
    assert_int_equal(pseudonym_set_count(set, PSEUDONYM_EMAIL), 1);
    assert_int_equal(pseudonym_set_count(set, PSEUDONYM_PHONE), 1);
    assert_true(pseudonym_is_email(SLICE("a@b.hu")));
    assert_false(pseudonym_is_email(SLICE("a@b.hu ")));
    assert_true(pseudonym_is_phone(SLICE("+36301234567")));
    assert_false(pseudonym_is_phone(SLICE("+36 301234567")));
    pseudonym_set_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_up_keeps_its_form),
        cmocka_unit_test(names_keep_script_and_length),
        cmocka_unit_test(the_key_alone_decides),
        cmocka_unit_test(ids_stay_different),
        cmocka_unit_test(learnt_values_are_found_in_texts),
        cmocka_unit_test(an_address_in_a_url_stays_encoded),
        cmocka_unit_test(what_is_made_up_is_never_an_original),
        cmocka_unit_test(nothing_learnt_is_left_in_any_text),
        cmocka_unit_test(addresses_are_learnt_from_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
