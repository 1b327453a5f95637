/*
 * progress: how far long work has come, said often on a terminal (one line that changes) and seldom elsewhere (a plain
 * line each time).
 *
 *     if (progress_is_due(&progress, false)) {
 *         progress_print(&progress, false, "read %zu of %zu", n, total);
 *     }
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *to; /* borrowed */
    bool is_tty;
    bool has_line; /* on a terminal: one stands there that is not ended */
    int64_t shown_at;
};

void progress_init(struct progress *progress, FILE *to);
/* Is it time for a line again? The last one always is. */
bool progress_is_due(struct progress *progress, bool is_last);
void progress_print(struct progress *progress, bool is_last, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the line that stands there, before something else is written. */
void progress_end_line(struct progress *progress);

enum { PROGRESS_TIME_SIZE = 32 };

/* What is left when this share (0 to 1) took so long: "2h05m", "3m20s", "8s"; "" while nothing can be said. */
void progress_format_left(int64_t spent_ms, double share, char text[PROGRESS_TIME_SIZE]);

#endif
