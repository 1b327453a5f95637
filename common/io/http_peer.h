/*
 * http_peer: whether an address belongs to the public internet. A provider's name that leads to a private, loopback,
 * link-local or metadata address is a mistake or an attack (server-side request forgery), also when it does so only
 * after DNS.
 */
#ifndef IO_HTTP_PEER_H
#define IO_HTTP_PEER_H

#include <stdbool.h>

/* `ip` is numeric. False for what cannot be understood. Addresses that carry an IPv4 address in them (mapped, NAT64,
 * 6to4) count as that. */
bool http_peer_is_public(const char *ip);

#endif
