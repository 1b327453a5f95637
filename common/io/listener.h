/*
 * listener: a listening TCP socket from the text that people write in settings.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include <stdbool.h>

#include "base/err.h"

enum { LISTENER_ADDRESS_SIZE = 80 };

/* "127.0.0.1:8025", "localhost:0", "[::1]:8025", ":8025" (every address of both families); port 0 chooses one.
 * Returns a non-blocking, close-on-exec descriptor that the caller owns, and the address really taken in the same
 * form; or -1 + err. */
int listener_open(const char *listen, char address[LISTENER_ADDRESS_SIZE], struct err *err);
/* Is it an address of this machine? Whether its port is free is not asked. */
bool listener_check(const char *listen, struct err *err);

#endif
