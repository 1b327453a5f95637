#include "io/redis_url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/percent.h"
#include "base/slice.h"

/* Decimal digits only. */
static bool parse_number(struct slice text, int max, int *number)
{
    int n = 0;

    if (text.len == 0 || text.len > 6) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        n = n * 10 + (text.data[i] - '0');
    }
    *number = n;
    return n <= max;
}

static bool take_user_info(struct slice info, struct redis_url *url, struct err *err)
{
    const char *colon = memchr(info.data, ':', info.len);
    size_t user_len = colon ? (size_t)(colon - info.data) : info.len;

    if (!colon || user_len + 1 == info.len) {
        return err_set(err, "user without a password: write user:password@ or :password@");
    }
    if (user_len > 0) {
        url->user = percent_decode(slice_make(info.data, user_len));
    }
    url->password = percent_decode(slice_make(colon + 1, info.len - user_len - 1));
    if (!url->password || (user_len > 0 && !url->user)) {
        return err_set(err, "malformed %%-escape in the user or password");
    }
    return true;
}

static bool take_host_and_port(struct slice text, struct redis_url *url, struct err *err)
{
    const char *port = NULL;
    struct slice host = text;

    if (slice_starts_with(text, "[")) {
        const char *end = memchr(text.data, ']', text.len);

        if (!end) {
            return err_set(err, "'[' without ']'");
        }
        host = slice_make(text.data + 1, (size_t)(end - text.data) - 1);
        if (end + 1 < text.data + text.len) {
            port = end + 1;
        }
    } else {
        port = memchr(text.data, ':', text.len);
        host.len = port ? (size_t)(port - text.data) : text.len;
    }
    if (host.len == 0) {
        return err_set(err, "no host");
    }
    url->host = xmemdup(host.data, host.len);
    url->port = 6379;
    if (port && (*port != ':' || !parse_number(slice_make(port + 1, (size_t)(text.data + text.len - port) - 1), 65535,
                                               &url->port) || url->port == 0)) {
        return err_set(err, "bad port");
    }
    return true;
}

static bool take_network_target(struct slice rest, struct redis_url *url, struct err *err)
{
    const char *slash = memchr(rest.data, '/', rest.len);
    size_t len = slash ? (size_t)(slash - rest.data) : rest.len;

    if (slash && len + 1 < rest.len &&
        !parse_number(slice_make(slash + 1, rest.len - len - 1), 99999, &url->db)) {
        return err_set(err, "bad database number");
    }
    return take_host_and_port(slice_make(rest.data, len), url, err);
}

static bool take_path(struct slice rest, struct redis_url *url, struct err *err)
{
    const char *query = memchr(rest.data, '?', rest.len);
    size_t len = query ? (size_t)(query - rest.data) : rest.len;

    if (len < 2 || rest.data[0] != '/') {
        return err_set(err, "no absolute path of a socket");
    }
    if (query) {
        struct slice db = slice_make(query + 1, rest.len - len - 1);

        if (!slice_starts_with(db, "db=") || !parse_number(slice_make(db.data + 3, db.len - 3), 99999, &url->db)) {
            return err_set(err, "only ?db=NUMBER may follow the path");
        }
    }
    url->path = xmemdup(rest.data, len);
    return true;
}

static bool parse(struct slice text, struct redis_url *url, struct err *err)
{
    bool is_unix = slice_starts_with(text, "unix://");
    size_t scheme_len = is_unix ? strlen("unix://") : strlen("redis://");
    const char *at = NULL;
    struct slice rest;

    if (slice_starts_with(text, "rediss://")) {
        url->is_tls = true;
        scheme_len = strlen("rediss://");
    } else if (!is_unix && !slice_starts_with(text, "redis://")) {
        return err_set(err, "must begin with redis://, rediss:// or unix://");
    }
    rest = slice_make(text.data + scheme_len, text.len - scheme_len);
    if (!(is_unix && slice_starts_with(rest, "/"))) {
        at = memrchr(rest.data, '@', rest.len);
    }
    if (at) {
        size_t info_len = (size_t)(at - rest.data);

        if (!take_user_info(slice_make(rest.data, info_len), url, err)) {
            return false;
        }
        rest = slice_make(at + 1, rest.len - info_len - 1);
    }
    return is_unix ? take_path(rest, url, err) : take_network_target(rest, url, err);
}

bool redis_url_parse(const char *text, struct redis_url *url, struct err *err)
{
    *url = (struct redis_url){0};
    if (!parse(slice_of(text), url, err)) {
        redis_url_finish(url);
        return err_prefix(err, "Redis URL");
    }
    return true;
}

void redis_url_format_address(const struct redis_url *url, char *out, size_t size)
{
    if (url->path) {
        snprintf(out, size, "%s", url->path);
    } else {
        snprintf(out, size, strchr(url->host, ':') ? "[%s]:%d" : "%s:%d", url->host, url->port);
    }
}

void redis_url_finish(struct redis_url *url)
{
    if (url->password) {
        explicit_bzero(url->password, strlen(url->password));
    }
    free(url->host);
    free(url->path);
    free(url->user);
    free(url->password);
    *url = (struct redis_url){0};
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool redis_url_take_credentials(struct redis_url *url, const char *text, struct err *err)
{
    struct redis_url other;
    struct redis_url old = *url;

    if (!redis_url_parse(text, &other, err)) {
        return false;
    }
    if (!is_same(url->host, other.host) || !is_same(url->path, other.path) || url->port != other.port ||
        url->db != other.db || url->is_tls != other.is_tls) {
        redis_url_finish(&other);
        return err_set(err, "it names another server: that needs a restart");
    }
    url->user = other.user;
    url->password = other.password;
    other.user = old.user;
    other.password = old.password;
    redis_url_finish(&other);
    return true;
}
