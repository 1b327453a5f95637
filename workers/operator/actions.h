/*
 * actions: what an operator may do with an open entry. Each leaves an outcome record that names it (reason
 * "operator_..."), so that the outcomes topic alone tells the story, also after a loss of Redis.
 *
 *   redrive   DLQ: the original record goes through all checks again. A delivery travels by the retry topic, with
 *             leave to undo this very end, once (core/park.h, scripts/reopen.lua); a record that could not become a
 *             delivery goes back to the input topic.
 *   resend    held: the same as a second copy, with a key of its own at the provider: it may arrive twice.
 *   sent      held: it did arrive. Redis: S; outcome: sent.
 *   drop      both: nobody wants it any more. Redis: X; outcome: suppressed.
 *
 * The outcome of redrive and resend is written before the record that carries them, so that it cannot stand behind what
 * comes of them. Every action may be repeated: what is done already stays as it is.
 */
#ifndef WORKERS_OPERATOR_ACTIONS_H
#define WORKERS_OPERATOR_ACTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "workers/operator/entries.h"

enum action { ACTION_REDRIVE, ACTION_RESEND, ACTION_SENT, ACTION_DROP, ACTION_COUNT };

const char *action_name(enum action action);
/* "redriven", "marked as sent", ... */
const char *action_past(enum action action);

/* *is_done false: something else became of it meanwhile, and nothing was changed. */
bool action_do(struct operator *operator, enum action action, const struct entry *entry, bool *is_done,
               struct err *err);

#endif
