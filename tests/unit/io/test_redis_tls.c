/* Redis behind TLS, where hiredis has it: whose certificate is trusted, and that nothing is told to anybody else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/redis.h"
#include "io/redis_link.h"
#include "tests/support/certificate.c"
#include "tests/support/redis_server.c"
#include "tests/support/temp_dir.c"
#include "tests/support/wait.c"

struct place {
    char *dir;
    char *certificate, *key, *other, *other_key;
};

struct heard {
    bool is_ready;
    int down_count;
    char reason[256];
};

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int set_up(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    place->dir = temp_dir_create();
    place->certificate = temp_dir_path(place->dir, "redis.pem");
    place->key = temp_dir_path(place->dir, "redis.key");
    place->other = temp_dir_path(place->dir, "other.pem");
    place->other_key = temp_dir_path(place->dir, "other.key");
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    temp_dir_destroy(place->dir);
    free(place->certificate);
    free(place->key);
    free(place->other);
    free(place->other_key);
    free(place);
    return 0;
}

static void on_state(void *arg, bool is_ready, const char *reason)
{
    struct heard *heard = arg;

    heard->is_ready = is_ready;
    heard->down_count += !is_ready;
    snprintf(heard->reason, sizeof(heard->reason), "%s", reason);
}

static bool is_decided(void *arg)
{
    const struct heard *heard = arg;

    return heard->is_ready || heard->down_count > 0;
}

/* What a client makes of the server when `authority` is all that it trusts. */
static struct heard try(const char *port, const char *password, const char *authority)
{
    struct loop *loop = loop_create();
    struct heard heard = {0};
    char *url = xasprintf("rediss://worker:%s@127.0.0.1:%s", password, port);
    const struct redis_settings settings = {url, 2000, 2000, 20};
    const struct redis_events events = {.on_state = on_state, .arg = &heard};
    struct err err = {0};
    struct redis *redis;

    setenv("SSL_CERT_FILE", authority, 1);
    redis = redis_open(loop, &settings, &events, &err);
    assert_non_null(redis);
    assert_true(wait_until(loop, is_decided, &heard));
    redis_close(redis);
    loop_destroy(loop);
    free(url);
    return heard;
}

static struct redis_server *start_server(const struct place *place, char port[16])
{
    static const char *options[20];
    const char *const now[] = {"--tls-port",         port,         "--tls-cert-file", place->certificate,
                               "--tls-key-file",     place->key,   "--tls-ca-cert-file", place->certificate,
                               "--tls-auth-clients", "no",         "--user",          "worker",
                               "on",                 ">right",     "~*",              "+@all",
                               NULL};

    snprintf(port, 16, "%d", free_port());
    memcpy(options, now, sizeof(now));
    return redis_server_start(options);
}

/* A wrong password would stand in the server's list of refused log-ins. */
static bool has_heard_a_password(const struct redis_server *server)
{
    return strcmp(redis_server_command(server, "ACL LOG"), "*0") != 0;
}

static void only_a_server_with_a_fitting_certificate_hears_the_password(void **state)
{
    static const struct {
        const char *name; /* on the certificate */
        bool is_expired, is_trusted;
        bool is_fine;
        const char *reason;
    } cases[] = {
        {"IP:127.0.0.1", false, true, true, ""},
        {"IP:127.0.0.1", false, false, false, "certificate"},
        {"IP:127.0.0.2", false, true, false, "certificate"},
        {"DNS:redis.example", false, true, false, "certificate"},
        {"IP:127.0.0.1", true, true, false, "certificate"},
    };
    const struct place *place = *state;

    if (!redis_link_has_tls()) {
        skip();
    }
    certificate_write("IP:127.0.0.1", false, place->other, place->other_key);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *authority = cases[i].is_trusted ? place->certificate : place->other;
        struct redis_server *server;
        struct heard heard;
        char port[16];

        certificate_write(cases[i].name, cases[i].is_expired, place->certificate, place->key);
        server = start_server(place, port);
        heard = try(port, "wrong", authority);
        assert_false(heard.is_ready);
        assert_int_equal(has_heard_a_password(server), cases[i].is_fine);
        heard = try(port, "right", authority);
        if (heard.is_ready != cases[i].is_fine || !strstr(heard.reason, cases[i].reason)) {
            fail_msg("%s: %s", cases[i].name, heard.reason);
        }
        redis_server_destroy(server);
    }
}

static void a_server_without_tls_hears_nothing(void **state)
{
    const struct place *place = *state;
    char port[16];
    const char *const options[] = {"--port", port, "--user", "worker", "on", ">right", "~*", "+@all", NULL};
    struct redis_server *server;
    struct heard heard;

    if (!redis_link_has_tls()) {
        skip();
    }
    certificate_write("IP:127.0.0.1", false, place->certificate, place->key);
    snprintf(port, sizeof(port), "%d", free_port());
    server = redis_server_start(options);
    heard = try(port, "wrong", place->certificate);
    assert_false(heard.is_ready);
    assert_false(has_heard_a_password(server));
    redis_server_destroy(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_a_server_with_a_fitting_certificate_hears_the_password, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_without_tls_hears_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
