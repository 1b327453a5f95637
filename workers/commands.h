/*
 * commands: the subcommands of the binary. One folder each; main.c holds the table.
 *
 * Each gets argv[0] = its own name and returns the exit status: 0 done, 1 errors found or cannot start, 2 wrong usage,
 * 3 must be restarted.
 */
#ifndef WORKERS_COMMANDS_H
#define WORKERS_COMMANDS_H

int worker_command(int argc, char **argv);
int lint_command(int argc, char **argv);
int render_command(int argc, char **argv);
int why_command(int argc, char **argv);
int dlq_command(int argc, char **argv);
int held_command(int argc, char **argv);
int templates_command(int argc, char **argv);
int doctor_command(int argc, char **argv);
int topics_command(int argc, char **argv);
int capture_command(int argc, char **argv);
int status_command(int argc, char **argv);
int pause_command(int argc, char **argv);
int resume_command(int argc, char **argv);
int sandbox_command(int argc, char **argv);
int replay_command(int argc, char **argv);
int demo_command(int argc, char **argv);
int broker_command(int argc, char **argv);

#endif
