/*
 * perkline held: deliveries of which nobody can know whether they were sent, and a person's decision.
 */
#include "workers/commands.h"
#include "workers/operator/desk.h"

static const char *const verbs[] = {"list", "show", "sent", "resend", "drop", NULL};
static const enum action actions[] = {ACTION_SENT, ACTION_RESEND, ACTION_DROP};

int held_command(int argc, char **argv)
{
    static const struct desk desk = {
        .command = "perkline held",
        .summary = "list               deliveries that nobody knows of, and that were not dealt with\n"
                   "show MID           everything about one\n"
                   "sent MID|...       it did arrive (the provider's own pages say so)\n"
                   "resend MID|...     send it once more, under a key of its own: it may arrive twice\n"
                   "drop MID|...       nobody wants it any more\n\n"
                   "More than one are chosen by --flow, --reason, --channel, --since or --all; nothing is done then\n"
                   "without --yes. Whatever is done leaves an outcome \"operator_...\".",
        .state = 'H',
        .verbs = verbs,
        .actions = actions,
    };

    return desk_run(&desk, argc, argv);
}
