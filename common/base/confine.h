/*
 * confine: takes from this process what it does not need, so that who takes it over gets little.
 *
 * Landlock (where the kernel has it): only the listed paths can be opened, and only to read; nothing can be written, made,
 * removed or executed. No new privileges, no memory in core dumps. None of it can be undone. It counts for threads that
 * are started later, so it comes before any.
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <stdbool.h>

#include "base/err.h"

/* Neither core dumps nor other processes of this user get at our memory. `keeps_debuggers`: only no core dumps; for builds
 * whose leak checker has to look into the process. */
void confine_memory(bool keeps_debuggers);

enum confine_result { CONFINED, CONFINE_UNSUPPORTED, CONFINE_FAILED };

/* `paths`: files and folders, NULL-terminated; what is not there is passed over. UNSUPPORTED: this kernel has no landlock,
 * or it is switched off; the rest is done. FAILED + err: nothing is sure. */
enum confine_result confine_files(const char *const paths[], struct err *err);

#endif
