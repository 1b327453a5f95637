/*
 * redis_refusal: tells error replies that speak of the server's state from those that speak of the command.
 */
#ifndef IO_REDIS_REFUSAL_H
#define IO_REDIS_REFUSAL_H

#include "base/slice.h"

enum redis_refusal {
    REDIS_REFUSAL_OF_COMMAND,    /* wrong arguments, type, script error, permission, ... */
    REDIS_REFUSAL_FOR_NOW,       /* the store is not usable at the moment */
    REDIS_REFUSAL_OF_CONNECTION, /* this connection will not do any more: not to a master, not authenticated, ... */
};

enum redis_refusal redis_refusal_of(struct slice error_text);

#endif
