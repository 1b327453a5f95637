#include "tests/support/certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/die.h"

enum { HOUR_S = 3600 };

static X509 *make(const char *name, bool is_expired, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * HOUR_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), is_expired ? -HOUR_S : HOUR_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    if (!extension || !X509_add_ext(certificate, extension, -1) || X509_sign(certificate, key, EVP_sha256()) <= 0) {
        die("cannot make a certificate for %s", name);
    }
    X509_EXTENSION_free(extension);
    return certificate;
}

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) {
        die("cannot write %s", path);
    }
    return file;
}

void certificate_write(const char *name, bool is_expired, const char *certificate_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make(name, is_expired, key);
    FILE *file = create(certificate_path);

    PEM_write_X509(file, certificate);
    fclose(file);
    file = create(key_path);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}
