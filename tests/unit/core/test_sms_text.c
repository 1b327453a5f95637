#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/utf8.h"
#include "core/sms_text.h"

static void repeat(struct buf *text, const char *piece, int count)
{
    for (int i = 0; i < count; i++) {
        buf_append_text(text, piece);
    }
}

static void sizes_at_the_borders_are_exact(void **state)
{
    static const struct {
        const char *name;
        const char *piece;
        int count;
        const char *tail;
        struct sms_size size;
    } cases[] = {
        {"nothing", "", 0, "", {0, 0, false}},
        {"one letter", "a", 1, "", {1, 1, false}},
        {"160 fit in one", "a", 160, "", {1, 160, false}},
        {"161 need two", "a", 161, "", {2, 161, false}},
        {"306 fit in two", "a", 306, "", {2, 306, false}},
        {"307 need three", "a", 307, "", {3, 307, false}},
        {"80 euro signs fit in one", "€", 80, "", {1, 160, false}},
        {"81 euro signs need two", "€", 81, "", {2, 162, false}},
        {"a pair is not cut at 153: 76 pairs and a wasted septet a part", "€", 153, "", {3, 306, false}},
        {"70 Cyrillic letters fit in one", "я", 70, "", {1, 70, true}},
        {"71 need two", "я", 71, "", {2, 71, true}},
        {"134 fit in two", "я", 134, "", {2, 134, true}},
        {"135 need three", "я", 135, "", {3, 135, true}},
        {"35 emoji fit in one", "😀", 35, "", {1, 70, true}},
        {"36 need two", "😀", 36, "", {2, 72, true}},
        {"an emoji is not cut at 67: 33 a part", "😀", 67, "", {3, 134, true}},
        {"one curly quote turns all into UCS-2", "a", 100, "’", {2, 101, true}},
        {"extension characters cost nothing more in UCS-2", "[", 69, "á", {1, 70, true}},
        {"backtick is no GSM character", "`", 1, "", {1, 1, true}},
        {"c with cedilla counts as none", "ç", 1, "", {1, 1, true}},
        {"accents of the table", "éöüÉÖÜñ", 10, "", {1, 70, false}},
        {"line breaks are one septet", "\r\n", 80, "", {1, 160, false}},
        {"a tab is none", "\t", 1, "", {1, 1, true}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text;
        struct sms_size size;

        buf_init(&text, 0);
        repeat(&text, cases[i].piece, cases[i].count);
        buf_append_text(&text, cases[i].tail);
        size = sms_measure(buf_slice(&text));
        if (size.segments != cases[i].size.segments || size.units != cases[i].size.units ||
            size.is_unicode != cases[i].size.is_unicode) {
            fail_msg("%s: %d segments, %d units, unicode %d", cases[i].name, size.segments, size.units,
                     size.is_unicode);
        }
        buf_finish(&text);
    }
}

/* --- an independent model: writes out every unit, then cuts parts ----------------------------------------------- */

static const char *const gsm_basic =
    "@£$¥èéùìò\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà";
static const char *const gsm_extension = "\f^{}\\[~]|€";

static bool contains(const char *alphabet, uint32_t wanted)
{
    size_t at = 0;

    while (alphabet[at]) {
        if (utf8_next(slice_of(alphabet), &at, NULL) == wanted) {
            return true;
        }
    }
    return false;
}

/* `starts[i]` tells whether unit i may begin a part. */
static int cut(const bool *starts, int units, int single, int part)
{
    int parts = 0;

    if (units <= single) {
        return units > 0;
    }
    for (int at = 0; at < units; parts++) {
        at += part;
        while (at < units && !starts[at]) {
            at--;
        }
    }
    return parts;
}

static struct sms_size measure_by_model(struct slice text)
{
    static bool septet_starts[4096], unit_starts[4096];
    int septets = 0, units = 0;
    bool is_unicode = false;
    size_t at = 0;

    while (at < text.len) {
        uint32_t c = utf8_next(text, &at, NULL);

        septet_starts[septets++] = true;
        if (contains(gsm_extension, c)) {
            septet_starts[septets++] = false;
        } else if (!contains(gsm_basic, c)) {
            is_unicode = true;
        }
        unit_starts[units++] = true;
        if (c > 0xffff) {
            unit_starts[units++] = false;
        }
    }
    return is_unicode ? (struct sms_size){cut(unit_starts, units, 70, 67), units, true}
                      : (struct sms_size){cut(septet_starts, septets, 160, 153), septets, false};
}

static void twelve_thousand_texts_agree_with_the_model(void **state)
{
    static const char *const alphabets[] = {
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ0123456789.,!?-:/@",       /* en */
        "aábcdeéfghiíjklmnoóöőpqrstuúüűvwxyz AÁEÉIÍOÓÖŐUÚÜŰ 0123456789", /* hu */
        "aăâbcdefghiîjklmnopqrsștțuvwxyz AĂÂÎȘȚşţ 0123456789",           /* ro */
        "абвгдежзийклмнопрстуфхцчшщъьюя АБВГДЕЖ 0123456789",             /* bg */
        "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی ۰۱۲۳۴۵۶۷۸۹\u200c",             /* fa */
        "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆև ԱԲԳԴ 0123456789",       /* hy */
        "abc éöü €[]{}~^|\\",                                            /* GSM with extensions */
        "abc 😀🎁’“”–…",                                                   /* pairs and typography */
    };
    struct random random;

    (void)state;
    random_init(&random, 20261121);
    for (int round = 0; round < 12000; round++) {
        const char *alphabet = alphabets[round % 8];
        int length = (int)random_below(&random, 500);
        struct sms_size expected, actual;
        struct buf text;

        buf_init(&text, 0);
        for (int i = 0; i < length; i++) {
            size_t letter = utf8_truncate(slice_of(alphabet), random_below(&random, strlen(alphabet)));

            utf8_append(&text, utf8_next(slice_of(alphabet), &letter, NULL));
        }
        expected = measure_by_model(buf_slice(&text));
        actual = sms_measure(buf_slice(&text));
        if (expected.segments != actual.segments || expected.units != actual.units ||
            expected.is_unicode != actual.is_unicode) {
            fail_msg("\"%s\": %d segments, not %d", buf_text(&text), actual.segments, expected.segments);
        }
        buf_finish(&text);
    }
}

static void transliteration_must_save_a_segment(void **state)
{
    static const struct {
        const char *name;
        const char *piece;
        int count;
        const char *tail;
        const char *expected_tail; /* NULL: left as it is */
    } cases[] = {
        {"short Hungarian stays", "x", 60, "Árvíztűrő", NULL},
        {"long Hungarian loses what GSM lacks", "x", 80, "Árvíztűrő éöü", "Arviztürö éöü"},
        {"long Romanian is stripped", "x", 80, "Știință și țară, ŞŢşţ", "Stiinta si tara, STst"},
        {"typography is made plain in every language", "x", 80, "“It’s” – now…", "\"It's\" - now..."},
        {"no-break spaces become spaces", "x", 80,
         "12\xc2\xa0"
         "500",
         "12 500"},
        {"a name of one language in a text of another", "x", 80, "și Kovács Ödön", "si Kovacs Ödön"},
        {"Cyrillic cannot be helped", "x", 80, "Здравей – ти", NULL},
        {"GSM text has nothing to win", "x", 200, "éöü", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text, plain;
        bool is_changed;

        buf_init(&text, 0);
        buf_init(&plain, 0);
        repeat(&text, cases[i].piece, cases[i].count);
        buf_append_text(&text, cases[i].tail);
        is_changed = sms_transliterate(buf_slice(&text), &plain);
        if (is_changed != (cases[i].expected_tail != NULL)) {
            fail_msg("%s: changed %d", cases[i].name, is_changed);
        }
        if (is_changed) {
            assert_string_equal(plain.data + cases[i].count, cases[i].expected_tail);
            assert_true(sms_measure(buf_slice(&plain)).segments < sms_measure(buf_slice(&text)).segments);
        } else {
            assert_int_equal(plain.len, 0);
        }
        buf_finish(&text);
        buf_finish(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_at_the_borders_are_exact),
        cmocka_unit_test(twelve_thousand_texts_agree_with_the_model),
        cmocka_unit_test(transliteration_must_save_a_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
