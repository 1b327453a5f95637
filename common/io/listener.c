#include "io/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_SIZE = 256, PORT_SIZE = 6, PORT_MOST = 65535, BACKLOG = 4096 };

/* "host:port", "[v6]:port", ":port" */
static bool split(const char *listen, char host[HOST_SIZE], char port[PORT_SIZE])
{
    const char *colon = strrchr(listen, ':');
    const char *start = listen;
    const char *end = colon;

    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) >= PORT_SIZE ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || strtol(colon + 1, NULL, 10) > PORT_MOST) {
        return false;
    }
    if (listen[0] == '[') {
        start++;
        end--;
        if (end <= start || *end != ']') {
            return false;
        }
    } else if (memchr(listen, ':', (size_t)(colon - listen))) {
        return false; /* an IPv6 address without brackets */
    }
    if (end - start >= HOST_SIZE) {
        return false;
    }
    snprintf(host, HOST_SIZE, "%.*s", (int)(end - start), start);
    snprintf(port, PORT_SIZE, "%s", colon + 1);
    return true;
}

static int try_address(const struct addrinfo *address)
{
    int on = 1;
    int off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* IPv6 first: its wildcard address takes both families. */
static int try_each(const struct addrinfo *addresses)
{
    int fd = -1;

    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next) {
        fd = a->ai_family == AF_INET6 ? try_address(a) : -1;
    }
    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next) {
        fd = a->ai_family == AF_INET ? try_address(a) : -1;
    }
    return fd;
}

static void format_address(int fd, char text[LISTENER_ADDRESS_SIZE])
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    char host[64] = "";
    char port[8] = "";

    if (getsockname(fd, (struct sockaddr *)&storage, &len) == 0) {
        getnameinfo((struct sockaddr *)&storage, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    snprintf(text, LISTENER_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool parse(const char *listen, char host[HOST_SIZE], char port[PORT_SIZE], struct err *err)
{
    return split(listen, host, port) ||
           err_set(err, "\"%s\" is no address to listen on (write HOST:PORT, [IPV6]:PORT or :PORT)", listen);
}

/* `listen`: as it is named in a message. */
static int open_at(const char *listen, const char *host, const char *port, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int status = getaddrinfo(host[0] ? host : NULL, port, &hints, &addresses);
    int fd;

    if (status != 0) {
        err_set(err, "cannot listen on %s: %s", listen, gai_strerror(status));
        return -1;
    }
    fd = try_each(addresses);
    if (fd < 0) {
        err_set(err, "cannot listen on %s: %s", listen, strerror(errno));
    }
    freeaddrinfo(addresses);
    return fd;
}

int listener_open(const char *listen, char address[LISTENER_ADDRESS_SIZE], struct err *err)
{
    char host[HOST_SIZE], port[PORT_SIZE];
    int fd = parse(listen, host, port, err) ? open_at(listen, host, port, err) : -1;

    if (fd >= 0) {
        format_address(fd, address);
    }
    return fd;
}

bool listener_check(const char *listen, struct err *err)
{
    char host[HOST_SIZE], port[PORT_SIZE];
    int fd = parse(listen, host, port, err) ? open_at(listen, host, "0", err) : -1;

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}
