/*
 * message_files: the messages of a replay in a folder: messages.ndjson with all of them, one in a line, and index.html
 * with the first of each flow, channel and locale, to look at. They hold what the events hold: a folder that is made
 * here is its owner's alone.
 */
#ifndef WORKERS_REPLAY_MESSAGE_FILES_H
#define WORKERS_REPLAY_MESSAGE_FILES_H

#include <stdbool.h>

#include "base/err.h"
#include "run/parcel.h"

struct message_files;

enum { MESSAGE_FILES_SHOWN = 20 }; /* of each flow, channel and locale, in index.html */

/* Makes the folder when it is not there, and replaces what an earlier replay left in it. NULL + err. */
struct message_files *message_files_open(const char *dir, struct err *err);
/* A rendered task. False + err. */
bool message_files_add(struct message_files *files, const char *place, const struct task *task, struct err *err);
/* Writes index.html. */
bool message_files_write(struct message_files *files, struct err *err);
void message_files_close(struct message_files *files);

#endif
