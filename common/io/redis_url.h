/*
 * redis_url: what a REDIS_URL says.
 *
 *     redis://[[user]:password@]host[:port][/db]     rediss:// the same, with TLS
 *     unix://[[user]:password@]/path[?db=N]
 *
 * User and password are percent-decoded. Errors never repeat the URL, since it may hold a password.
 */
#ifndef IO_REDIS_URL_H
#define IO_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Owned texts; NULL when absent. Either `path` or `host` is set. */
struct redis_url {
    char *host;
    int port;
    char *path;
    char *user;
    char *password;
    int db;
    bool is_tls;
};

bool redis_url_parse(const char *text, struct redis_url *url, struct err *err);
/* Takes user and password of the text. False + err: it cannot be understood, or names another server. */
bool redis_url_take_credentials(struct redis_url *url, const char *text, struct err *err);
/* "host:port" or the path: for messages. */
void redis_url_format_address(const struct redis_url *url, char *out, size_t size);
/* Overwrites the password before it is freed. */
void redis_url_finish(struct redis_url *url);

#endif
