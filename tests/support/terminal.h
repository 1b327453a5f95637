/*
 * terminal: lines of a shell as a person would run them: in a folder, on a terminal of their own, with somebody who reads
 * what comes and types. Ends with the test program, whatever happens to that.
 */
#ifndef SUPPORT_TERMINAL_H
#define SUPPORT_TERMINAL_H

#include <stdbool.h>

struct terminal;

/* `env`: more variables ("NAME=value"), NULL-terminated, or NULL. The shell ends at the first line that fails. */
struct terminal *terminal_open(const char *lines, const char *dir, const char *const env[]);
/* What still runs is hung up on, and killed when it does not care. */
void terminal_close(struct terminal *terminal);

/* Waits until it shows `text`, behind what earlier calls waited for. False: it ended without, or takes too long. */
bool terminal_wait_for(struct terminal *terminal, const char *text);
void terminal_type(struct terminal *terminal, const char *keys);
/* Reads to the end; the exit status of the shell, or 128 and the signal that ended it; -1 when it takes too long. */
int terminal_wait_for_end(struct terminal *terminal);
/* All that it showed so far, with the line ends of a terminal (\r\n). Borrowed until the next call. */
const char *terminal_shown(const struct terminal *terminal);

#endif
