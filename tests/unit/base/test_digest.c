#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/digest.h"
#include "base/random.h"

static void sha256_gives_the_published_digests(void **state)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t digest[DIGEST_SIZE];
        char hex[2 * DIGEST_SIZE + 1];

        digest_sha256(slice_of(rows[i].text), digest);
        hex_format(digest, sizeof(digest), hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void parts_give_the_digest_of_the_whole(void **state)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t whole[DIGEST_SIZE], parts[DIGEST_SIZE];

    (void)state;
    digest_sha256(slice_of(text), whole);
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        const struct slice cuts[] = {slice_make(text, cut), SLICE(""), slice_make(text + cut, sizeof(text) - 1 - cut)};

        digest_sha256_parts(cuts, 3, parts);
        assert_memory_equal(parts, whole, DIGEST_SIZE);
    }
    digest_sha256(SLICE(""), whole);
    digest_sha256_parts(NULL, 0, parts);
    assert_memory_equal(parts, whole, DIGEST_SIZE);
}

/* Made with `openssl mac`. */
static void a_checksum_is_the_gmac_of_all_parts(void **state)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"abc", "258281014dcf7bc2eac3be27cc039fb4"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "e82eec5ad4cc231575897400ab333fc2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].text);

        for (size_t cut = 0; cut <= len; cut++) {
            const struct slice parts[] = {slice_make(rows[i].text, cut), SLICE(""),
                                          slice_make(rows[i].text + cut, len - cut)};
            uint8_t checksum[CHECKSUM_SIZE];
            char hex[2 * CHECKSUM_SIZE + 1];

            digest_checksum_parts(parts, 3, checksum);
            hex_format(checksum, sizeof(checksum), hex);
            assert_string_equal(hex, rows[i].hex);
        }
    }
}

/* RFC 4231, test cases 1, 2 and 6. */
static void hmac_gives_the_published_digests(void **state)
{
    char key[131];
    const struct {
        struct slice key;
        const char *message, *hex;
    } rows[] = {
        {SLICE("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"), "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {SLICE("Jefe"), "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{key, sizeof(key)},
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };

    (void)state;
    memset(key, 0xaa, sizeof(key));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t digest[DIGEST_SIZE];
        char hex[2 * DIGEST_SIZE + 1];

        digest_hmac_sha256(rows[i].key, slice_of(rows[i].message), digest);
        hex_format(digest, sizeof(digest), hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void hex_of_every_byte_reads_back_in_either_case(void **state)
{
    uint8_t bytes[256], back[256];
    char text[513];

    (void)state;
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    hex_format(bytes, 256, text);
    assert_int_equal(strlen(text), 512);
    assert_true(hex_parse(slice_of(text), back, 256));
    assert_memory_equal(back, bytes, 256);
    for (char *p = text; *p; p++) {
        *p = (char)(*p >= 'a' ? *p - 32 : *p);
    }
    memset(back, 0, sizeof(back));
    assert_true(hex_parse(slice_of(text), back, 256));
    assert_memory_equal(back, bytes, 256);
}

static void hex_takes_no_other_byte_and_no_other_length(void **state)
{
    uint8_t byte;

    (void)state;
    assert_false(hex_parse(SLICE("0"), &byte, 1));
    assert_false(hex_parse(SLICE("000"), &byte, 1));
    assert_false(hex_parse(SLICE(""), &byte, 1));
    for (int c = 0; c < 256; c++) {
        char text[2] = {'0', (char)c};
        bool is_hex = c && strchr("0123456789abcdefABCDEF", c) != NULL;

        assert_int_equal(hex_parse(slice_make(text, 2), &byte, 1), is_hex);
        text[0] = (char)c;
        text[1] = '0';
        assert_int_equal(hex_parse(slice_make(text, 2), &byte, 1), is_hex);
    }
}

static void a_uuid_carries_version_8_and_the_variant(void **state)
{
    uint8_t zeros[16] = {0}, ones[16];
    char text[UUID_TEXT_SIZE];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    uuid_format(zeros, text);
    assert_string_equal(text, "00000000-0000-8000-8000-000000000000");
    uuid_format(ones, text);
    assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
}

static void base64_gives_the_texts_of_rfc_4648(void **state)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf buf;

        buf_init(&buf, 0);
        buf_append_char(&buf, '>');
        base64_append(&buf, slice_of(rows[i].bytes));
        assert_string_equal(buf_text(&buf) + 1, rows[i].text);
        buf_finish(&buf);
    }
}

static void base64_of_all_lengths_reads_back(void **state)
{
    struct random random;
    uint8_t bytes[200];

    (void)state;
    random_init(&random, 3);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct buf text, back;

        for (size_t i = 0; i < len; i++) {
            bytes[i] = (uint8_t)random_next(&random);
        }
        buf_init(&text, 0);
        buf_init(&back, 0);
        base64_append(&text, slice_make((const char *)bytes, len));
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(base64_parse(buf_slice(&text), &back));
        assert_int_equal(back.len, len);
        assert_memory_equal(buf_text(&back), bytes, len);
        buf_finish(&text);
        buf_finish(&back);
    }
}

static void base64_refuses_what_is_not_standard(void **state)
{
    static const char *const rows[] = {
        "A",        "AA",   "AAA",  "====",   "A===",  "=AAA",  "AA=A",       "A=AA",     "AA==AAAA",
        "AAA=AAA=", "AA-_", "AA A", "AAAA\n", " AAAA", "AAA\n", "AA\xc3\xa9", "AAAAA===",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf buf;

        buf_init(&buf, 0);
        buf_append_char(&buf, 'x');
        assert_false(base64_parse(slice_of(rows[i]), &buf));
        assert_string_equal(buf.data, "x");
        buf_finish(&buf);
    }
    assert_false(base64_parse(slice_make("AA\0A", 4), &(struct buf){.max = 10}));
}

static void base64_may_fill_a_buffer_to_its_maximum(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 8);
    base64_append(&buf, SLICE("foobar"));
    assert_false(buf.overflowed);
    assert_string_equal(buf_text(&buf), "Zm9vYmFy");
    base64_append(&buf, SLICE("f"));
    assert_true(buf.overflowed);
    assert_string_equal(buf_text(&buf), "Zm9vYmFy");
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(parts_give_the_digest_of_the_whole),
        cmocka_unit_test(a_checksum_is_the_gmac_of_all_parts),
        cmocka_unit_test(hmac_gives_the_published_digests),
        cmocka_unit_test(hex_of_every_byte_reads_back_in_either_case),
        cmocka_unit_test(hex_takes_no_other_byte_and_no_other_length),
        cmocka_unit_test(a_uuid_carries_version_8_and_the_variant),
        cmocka_unit_test(base64_gives_the_texts_of_rfc_4648),
        cmocka_unit_test(base64_of_all_lengths_reads_back),
        cmocka_unit_test(base64_refuses_what_is_not_standard),
        cmocka_unit_test(base64_may_fill_a_buffer_to_its_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
