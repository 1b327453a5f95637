#include "base/die.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say_why(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void say_why(const char *format, va_list args)
{
    fflush(stdout);
    fputs("perkline: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_why(format, args);
    va_end(args);
    exit(1);
}

void die_at_once(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_why(format, args);
    va_end(args);
    _exit(1);
}
