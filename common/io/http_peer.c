#include "io/http_peer.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* IANA's special-purpose registries: what is not globally reachable, and multicast. */
static const struct {
    uint32_t net;
    int bits;
} v4_rows[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 this network */
    {0x0a000000, 8},  /* 10.0.0.0/8 private */
    {0x64400000, 10}, /* 100.64.0.0/10 carrier NAT */
    {0x7f000000, 8},  /* 127.0.0.0/8 loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16 link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16.0.0/12 private */
    {0xc0000000, 24}, /* 192.0.0.0/24 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24 documentation */
    {0xc0586300, 24}, /* 192.88.99.0/24 old 6to4 relays */
    {0xc0a80000, 16}, /* 192.168.0.0/16 private */
    {0xc6120000, 15}, /* 198.18.0.0/15 benchmarks */
    {0xc6336400, 24}, /* 198.51.100.0/24 documentation */
    {0xcb007100, 24}, /* 203.0.113.0/24 documentation */
    {0xe0000000, 3},  /* 224.0.0.0/3 multicast, reserved, broadcast */
};

static const struct {
    uint8_t net[16];
    int bits;
} v6_rows[] = {
    {{0}, 96},                      /* ::, ::1 and the old IPv4-compatible ones */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* 64:ff9b:1::/48 local NAT64 */
    {{0x01, 0x00}, 64},             /* 100::/64 discard */
    {{0x20, 0x01, 0x00}, 23},       /* 2001::/23 protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32 documentation */
    {{0x3f, 0xff, 0x00}, 20},       /* 3fff::/20 documentation */
    {{0x5f, 0x00}, 16},             /* 5f00::/16 segment routing */
    {{0xfc}, 7},                    /* fc00::/7 unique local, cloud metadata */
    {{0xfe, 0x80}, 10},             /* fe80::/10 link-local */
    {{0xfe, 0xc0}, 10},             /* fec0::/10 old site-local */
    {{0xff}, 8},                    /* ff00::/8 multicast */
};

/* Where an IPv6 address of that prefix carries an IPv4 address. */
static const struct {
    uint8_t net[12];
    int bits;
    int offset;
} carrier_rows[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12}, /* ::ffff:a.b.c.d */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},                   /* 64:ff9b::a.b.c.d */
    {{0x20, 0x02}, 16, 2},                                /* 2002:aabb:ccdd:: */
};

static bool has_prefix(const uint8_t *address, const uint8_t *net, int bits)
{
    int bytes = bits / 8;
    int rest = bits % 8;

    return memcmp(address, net, (size_t)bytes) == 0 &&
           (rest == 0 || (address[bytes] ^ net[bytes]) >> (8 - rest) == 0);
}

static bool is_public_v4(const uint8_t bytes[4])
{
    uint32_t address = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];

    for (size_t i = 0; i < sizeof(v4_rows) / sizeof(v4_rows[0]); i++) {
        if ((address ^ v4_rows[i].net) >> (32 - v4_rows[i].bits) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_public_v6(const uint8_t bytes[16])
{
    for (size_t i = 0; i < sizeof(carrier_rows) / sizeof(carrier_rows[0]); i++) {
        if (has_prefix(bytes, carrier_rows[i].net, carrier_rows[i].bits)) {
            return is_public_v4(bytes + carrier_rows[i].offset);
        }
    }
    for (size_t i = 0; i < sizeof(v6_rows) / sizeof(v6_rows[0]); i++) {
        if (has_prefix(bytes, v6_rows[i].net, v6_rows[i].bits)) {
            return false;
        }
    }
    return true;
}

bool http_peer_is_public(const char *ip)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    size_t len = strcspn(ip, "%"); /* a zone behind it says nothing new */

    if (len >= sizeof(text)) {
        return false;
    }
    snprintf(text, sizeof(text), "%.*s", (int)len, ip);
    if (inet_pton(AF_INET, text, bytes) == 1) {
        return is_public_v4(bytes);
    }
    return inet_pton(AF_INET6, text, bytes) == 1 && is_public_v6(bytes);
}
