#include "base/digest.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/die.h"
#include "base/mem.h"

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return xmalloc(size);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return xrealloc(old, size);
}

static void release(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

void digest_use_memory(void)
{
    if (!CRYPTO_set_mem_functions(allocate, reallocate, release)) {
        die("OpenSSL has taken memory already");
    }
}

/* Looking an algorithm up costs as much as digesting a kilobyte, so each thread does it once. */
static _Thread_local struct contexts {
    EVP_MD_CTX *sha256;
    EVP_MAC_CTX *gmac;
} contexts;

static pthread_key_t at_thread_end;

static void free_contexts(void *arg)
{
    struct contexts *own = arg;

    EVP_MD_CTX_free(own->sha256);
    EVP_MAC_CTX_free(own->gmac);
}

static void make_key(void)
{
    if (pthread_key_create(&at_thread_end, free_contexts) != 0) {
        die("no more thread-specific keys");
    }
}

/* Whoever made a context for this thread calls it. */
static void free_at_thread_end(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_key);
    pthread_setspecific(at_thread_end, &contexts);
}

static EVP_MD_CTX *get_context(void)
{
    if (!contexts.sha256) {
        contexts.sha256 = EVP_MD_CTX_new();
        if (!contexts.sha256 || !EVP_DigestInit_ex(contexts.sha256, EVP_sha256(), NULL)) {
            die("OpenSSL has no SHA-256");
        }
        free_at_thread_end();
    }
    return contexts.sha256;
}

void digest_sha256_parts(const struct slice parts[], size_t count, uint8_t out[DIGEST_SIZE])
{
    EVP_MD_CTX *context = get_context();
    bool is_done = EVP_DigestInit_ex(context, NULL, NULL);

    for (size_t i = 0; i < count; i++) {
        is_done &= parts[i].len == 0 || EVP_DigestUpdate(context, parts[i].data, parts[i].len);
    }
    if (!is_done || !EVP_DigestFinal_ex(context, out, NULL)) {
        die("OpenSSL cannot make a SHA-256");
    }
}

void digest_sha256(struct slice bytes, uint8_t out[DIGEST_SIZE])
{
    digest_sha256_parts(&bytes, 1, out);
}

/* With the cipher and the key, which stay. */
static EVP_MAC_CTX *get_checksum_context(void)
{
    static const unsigned char key[16];
    char cipher[] = "AES-128-GCM";

    if (!contexts.gmac) {
        const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                     OSSL_PARAM_construct_end()};
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "GMAC", NULL);

        contexts.gmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
        if (!contexts.gmac || !EVP_MAC_init(contexts.gmac, key, sizeof(key), params)) {
            die("OpenSSL has no GMAC");
        }
        EVP_MAC_free(mac);
        free_at_thread_end();
    }
    return contexts.gmac;
}

void digest_checksum_parts(const struct slice parts[], size_t count, uint8_t out[CHECKSUM_SIZE])
{
    EVP_MAC_CTX *context = get_checksum_context();
    unsigned char nonce[12] = {0};
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce, sizeof(nonce)),
                                 OSSL_PARAM_construct_end()};
    bool is_done = EVP_MAC_init(context, NULL, 0, params);
    size_t len;

    for (size_t i = 0; i < count; i++) {
        is_done &= parts[i].len == 0 || EVP_MAC_update(context, (const unsigned char *)parts[i].data, parts[i].len);
    }
    if (!is_done || !EVP_MAC_final(context, out, &len, CHECKSUM_SIZE)) {
        die("OpenSSL cannot make a GMAC");
    }
}

void digest_hmac_sha256(struct slice key, struct slice message, uint8_t out[DIGEST_SIZE])
{
    assert(key.len <= INT_MAX);
    if (!HMAC(EVP_sha256(), key.len ? key.data : "", (int)key.len, (const unsigned char *)message.data, message.len, out,
              NULL)) {
        die("OpenSSL cannot make an HMAC");
    }
}

void hex_format(const uint8_t *bytes, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_parse(struct slice text, uint8_t *bytes, size_t len)
{
    if (text.len != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void uuid_format(const uint8_t bytes[16], char text[UUID_TEXT_SIZE])
{
    uint8_t b[16];
    char hex[33];
    char *to = text;

    memcpy(b, bytes, 16);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x80);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_format(b, 16, hex);
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            *to++ = '-';
        }
        *to++ = hex[i];
    }
    *to = '\0';
}

void base64_append(struct buf *out, struct slice bytes)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    char *to = buf_reserve(out, len); /* and one byte for the NUL that EVP_EncodeBlock() writes */

    if (to) {
        EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)bytes.data, (int)bytes.len);
        buf_advance(out, len);
    }
}

bool base64_parse(struct slice text, struct buf *out)
{
    size_t padding = 0;
    char *to;
    int len;

    if (text.len == 0) {
        return true;
    }
    if (text.len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_padding = c == '=' && i + 2 >= text.len;

        padding += is_padding;
        if (!is_padding && (!c || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c))) {
            return false;
        }
    }
    if (padding == 1 && text.data[text.len - 1] != '=') {
        return false;
    }
    to = buf_reserve(out, text.len / 4 * 3);
    if (!to) {
        return false;
    }
    len = EVP_DecodeBlock((unsigned char *)to, (const unsigned char *)text.data, (int)text.len);
    if (len < 0) {
        return false;
    }
    buf_advance(out, (size_t)len - padding);
    return true;
}
