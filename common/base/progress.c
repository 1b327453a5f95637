#include "base/progress.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"

enum { TTY_MS = 200, PLAIN_MS = 2000, LEAST_SPENT_MS = 500 };

/* Moves to the start of the line, and clears what is right of the cursor. */
static const char tty_begin[] = "\r", tty_end[] = "\033[K";

void progress_init(struct progress *progress, FILE *to)
{
    *progress = (struct progress){.to = to, .is_tty = isatty(fileno(to)), .shown_at = clock_mono_ms()};
}

bool progress_is_due(struct progress *progress, bool is_last)
{
    int64_t now = clock_mono_ms();

    if (!is_last && now - progress->shown_at < (progress->is_tty ? TTY_MS : PLAIN_MS)) {
        return false;
    }
    progress->shown_at = now;
    return true;
}

void progress_print(struct progress *progress, bool is_last, const char *format, ...)
{
    va_list args;

    if (progress->is_tty) {
        fputs(tty_begin, progress->to);
    }
    va_start(args, format);
    vfprintf(progress->to, format, args);
    va_end(args);
    if (progress->is_tty) {
        fputs(tty_end, progress->to);
    }
    progress->has_line = progress->is_tty && !is_last;
    if (!progress->has_line) {
        fputc('\n', progress->to);
    }
    fflush(progress->to);
}

void progress_end_line(struct progress *progress)
{
    if (progress->has_line) {
        fputc('\n', progress->to);
        fflush(progress->to);
        progress->has_line = false;
    }
}

void progress_format_left(int64_t spent_ms, double share, char text[PROGRESS_TIME_SIZE])
{
    double left_s = share > 0 ? (double)spent_ms / 1000 * (1 - share) / share : 0;
    int64_t seconds = left_s < 360000 ? (int64_t)(left_s + 0.5) : 360000;

    text[0] = '\0';
    if (share <= 0 || share >= 1 || spent_ms < LEAST_SPENT_MS) {
        return;
    }
    if (seconds >= 3600) {
        snprintf(text, PROGRESS_TIME_SIZE, "%dh%02dm", (int)(seconds / 3600), (int)(seconds % 3600 / 60));
    } else if (seconds >= 60) {
        snprintf(text, PROGRESS_TIME_SIZE, "%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
    } else {
        snprintf(text, PROGRESS_TIME_SIZE, "%ds", (int)seconds);
    }
}
