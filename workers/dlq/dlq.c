/*
 * perkline dlq: what could not be processed, and what to do about it.
 */
#include "workers/commands.h"
#include "workers/operator/desk.h"

static const char *const verbs[] = {"list", "show", "redrive", "drop", NULL};
static const enum action actions[] = {ACTION_REDRIVE, ACTION_DROP};

int dlq_command(int argc, char **argv)
{
    static const struct desk desk = {
        .command = "perkline dlq",
        .summary = "list               what lies in the DLQ and was not dealt with\n"
                   "show MID           everything about one\n"
                   "redrive MID|...    through the same checks again, after templates or data were mended\n"
                   "drop MID|...       nobody wants it any more\n\n"
                   "More than one are chosen by --flow, --reason, --channel, --since or --all; nothing is done then\n"
                   "without --yes. Whatever is done leaves an outcome \"operator_...\"; what was sent is never touched.",
        .state = 'D',
        .verbs = verbs,
        .actions = actions,
    };

    return desk_run(&desk, argc, argv);
}
