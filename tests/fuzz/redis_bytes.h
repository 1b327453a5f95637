/*
 * redis_bytes: a Redis that is the input of a fuzzer. It answers io/redis.h (linked instead of io/redis.c): what the first
 * line of the input names is answered with the input's next reply, read by hiredis' parser and ours; all else, and what
 * comes when those are used up, as by a server in good health that has just been made sure of. "mark" and "server" stand
 * for the HGET and the GET of a rebuild.
 */
#ifndef FUZZ_REDIS_BYTES_H
#define FUZZ_REDIS_BYTES_H

#include "io/redis.h"

enum { REDIS_BYTES_WORD_SIZE = 24 };

/* The answer that a callback is told of now: its (first) word and number, and whether the input gave it. */
struct redis_bytes_said {
    char word[REDIS_BYTES_WORD_SIZE];
    int64_t number;
    bool is_from_input;
};
extern struct redis_bytes_said redis_bytes_said;

void redis_bytes_begin(struct slice names, struct slice replies);
void redis_bytes_end(void);
/* Does the first line name it? */
bool redis_bytes_names(const char *name);
/* As redis_link.c and redis.c do: an error speaks of the command, or of the server. False: the input has no more. */
bool redis_bytes_take(enum redis_status *status, struct redis_reply *reply);

#endif
