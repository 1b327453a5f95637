/*
 * keys: idempotency keys that were used, each remembered for a while. Brevo documents 30 minutes; an older changelog
 * said 15.
 */
#ifndef SANDBOX_KEYS_H
#define SANDBOX_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct keys;

enum { KEY_SIZE = 16 };

struct keys *keys_create(int64_t ttl_ms);
void keys_destroy(struct keys *keys);
/* Was it used less than `ttl_ms` ago? */
bool keys_has(struct keys *keys, const uint8_t key[KEY_SIZE], int64_t now_ms);
/* Must not be there. */
void keys_add(struct keys *keys, const uint8_t key[KEY_SIZE], int64_t now_ms);

#endif
