/*
 * log: one JSON object a line on stderr.
 *
 *     log_event(LOG_INFO, "assigned", "topic", topic, "partition", log_int(partition), NULL);
 *
 * Values are escaped. Never pass addresses, phone numbers, names, message bodies or secrets.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);

void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* Where lines go; the default is file descriptor 2. Lines that cannot be written are counted and dropped:
 * logging never blocks or ends the process. */
void log_set_fd(int fd);
uint64_t log_dropped_count(void);

/* Name of what happened, then pairs of key and value (C strings), ended by NULL. */
void log_event(enum log_level level, const char *what, ...) __attribute__((sentinel));

/* A number as a value: text in one of 16 rotating buffers of this thread, good until 16 later calls. */
const char *log_int(int64_t number);

/* A line that is already a JSON object (the outcome line). */
void log_json(enum log_level level, struct slice object);

#endif
