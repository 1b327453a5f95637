/*
 * certificate: a certificate of a test's own making and its key, as PEM files. It is its own authority.
 */
#ifndef SUPPORT_CERTIFICATE_H
#define SUPPORT_CERTIFICATE_H

#include <stdbool.h>

/* For `name`, as OpenSSL writes subject alternative names ("IP:127.0.0.1", "DNS:redis.example"). Ends the program when it
 * cannot be made. */
void certificate_write(const char *name, bool is_expired, const char *certificate_path, const char *key_path);

#endif
