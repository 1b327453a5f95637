#include "base/crashpoint.h"

#ifdef PERKLINE_CHAOS

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* A whole number from the environment, asked once. */
static int64_t read_env(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static void die_after_ms(long ms)
{
    const struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

    if (ms == 0) {
        raise(SIGKILL);
    }
    setitimer(ITIMER_REAL, &timer, NULL);
}

void crashpoint_reach(const char *name)
{
    static const char *wanted; /* "" when there is none */
    static size_t name_len;
    static long left, delay_ms;
    char line[128];
    char *rest;
    int len;

    if (!wanted) {
        wanted = getenv("CRASH_AT");
        wanted = wanted ? wanted : "";
        name_len = strcspn(wanted, ":");
        left = 1;
        if (wanted[name_len]) {
            left = strtol(wanted + name_len + 1, &rest, 10);
            delay_ms = *rest == '+' ? strtol(rest + 1, NULL, 10) : 0;
        }
    }
    if (!name_len || strlen(name) != name_len || memcmp(name, wanted, name_len) != 0 || --left != 0) {
        return;
    }
    len = snprintf(line, sizeof(line), "crash point %s\n", name);
    if (write(2, line, (size_t)len) == len) {
        fsync(2);
    }
    die_after_ms(delay_ms);
}

void crashpoint_poison(const char *member_id)
{
    const char *poison = getenv("CHAOS_POISON");

    if (poison && *poison && strncmp(member_id, poison, strlen(poison)) == 0) {
        raise(SIGKILL);
    }
}

int64_t crashpoint_hurry(int64_t ms)
{
    static int64_t factor;

    if (!factor) {
        factor = read_env("CHAOS_HURRY", 1);
    }
    return factor > 1 ? ms / factor : ms;
}

int64_t crashpoint_clock_error_ms(void)
{
    static bool is_known;
    static int64_t error_ms;

    if (!is_known) {
        is_known = true;
        error_ms = read_env("CHAOS_CLOCK_S", 0) * 1000;
    }
    return error_ms;
}

#endif
