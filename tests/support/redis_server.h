/*
 * redis_server: a private redis-server for one test program: a child on a unix socket in a folder of its own, nothing
 * on disk, killed when the test program dies. May be killed, started again (empty, with a new run id) and frozen.
 */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* `options`: more arguments for redis-server, NULL-terminated, or NULL. Waits until it answers; ends the program with a
 * message when there is no redis-server. Borrowed texts must live as long as the server. */
struct redis_server *redis_server_start(const char *const *options);
/* With the rules of deploy/redis.acl: redis_server_url() names the user that they are for. Only in tests the default user
 * may do everything, for redis_server_command(). */
struct redis_server *redis_server_start_guarded(void);
void redis_server_destroy(struct redis_server *server);

/* unix:///... */
const char *redis_server_url(const struct redis_server *server);
/* Where its files lie. */
const char *redis_server_dir(const struct redis_server *server);
const char *redis_server_socket(const struct redis_server *server);

/* SIGKILL, and back again. */
void redis_server_kill(struct redis_server *server);
void redis_server_restart(struct redis_server *server);
/* Stops and goes on (SIGSTOP, SIGCONT). */
void redis_server_freeze(struct redis_server *server, bool is_frozen);

/* One command on a connection of its own, words separated by blanks; the first line of the answer ("+OK", ":1", "$3")
 * in a static buffer. */
const char *redis_server_command(const struct redis_server *server, const char *words);
/* The whole text of one answer; the caller frees it. */
char *redis_server_read(const struct redis_server *server, const char *words);

#endif
