/*
 * main: the command table. One binary, one subcommand for each thing that a person does with it.
 */
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/digest.h"
#include "core/json_memory.h"
#include "core/locale.h"
#include "workers/commands.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct command commands[] = {
    {"worker", worker_command, "consume events and send their messages"},
    {"lint", lint_command, "check everything that marketing writes"},
    {"render", render_command, "show a message as it would be sent; write a gallery of all"},
    {"why", why_command, "what happened to a member, a delivery or an event, and why"},
    {"dlq", dlq_command, "what could not be processed: list, show, redrive, drop"},
    {"held", held_command, "what nobody knows whether it was sent: list, show, decide"},
    {"templates", templates_command, "versions of the templates in use; go back to an earlier one"},
    {"doctor", doctor_command, "check everything that a worker needs"},
    {"topics", topics_command, "check the topics, and make them"},
    {"capture", capture_command, "keep a part of a topic as a file, with made-up personal data"},
    {"replay", replay_command, "read a range of events again: what would be sent, and to whom not"},
    {"status", status_command, "one look at all workers: what they have in hand, how fast, what holds them back"},
    {"pause", pause_command, "stop sending: everything, a channel, a flow or a provider"},
    {"resume", resume_command, "go on with what was paused"},
    {"sandbox", sandbox_command, "a local provider with an inbox page, and faults on demand"},
    {"demo", demo_command, "the whole system on this machine, nothing to set up"},
    {"broker", broker_command, "run an embedded Kafka broker for development"},
    {NULL, NULL, NULL},
};

static void print_help(FILE *to)
{
    fputs("perkline sends the messages of a loyalty programme, each exactly once.\n\nusage: perkline COMMAND ...\n\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "  %-10s %s\n", c->name, c->help);
    }
    fputs("\nperkline COMMAND --help tells more.\n", to);
}

static int refuse(const char *name)
{
    const char *names[sizeof(commands) / sizeof(commands[0])];
    const char *nearest;
    size_t count = 0;

    while (commands[count].name) {
        names[count] = commands[count].name;
        count++;
    }
    names[count] = NULL;
    nearest = args_nearest(name, names);
    fprintf(stderr, "perkline: there is no command \"%s\"%s%s%s (perkline --help lists them)\n", name,
            nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return 2;
}

int main(int argc, char **argv)
{
    json_memory_use();
    locale_use_memory();
    digest_use_memory();
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("perkline " PERKLINE_VERSION);
        return 0;
    }
    for (const struct command *c = commands; c->name; c++) {
        if (strcmp(argv[1], c->name) == 0) {
            return c->run(argc - 1, argv + 1);
        }
    }
    return refuse(argv[1]);
}
