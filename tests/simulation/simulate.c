/*
 * simulate: runs seeds of the simulation, in several processes, and says which one fails first and how to see it again.
 *
 *     simulate --seeds 100000 --seed 1 --jobs 2
 *     simulate --seed 4711 --trace            one seed, with everything that happens
 *     simulate --seeds 1000 --bug begin_skipped   how many seeds find a planted bug
 *
 * Last line: "N passed, N failed".
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/log.h"
#include "tests/simulation/simulation.h"

enum { MOST_JOBS = 64, MOST_SHOWN = 5 };

/* Of one process; the parent reads it, also when the process died. */
struct progress {
    uint64_t seed; /* under way */
    uint64_t passed, failed, first_failed, steps, points;
    bool is_done;
};

struct options {
    int64_t seeds, seed, jobs;
    bool is_traced, is_covered;
    const char *bug_name;
    enum fake_bug bug;
};

static void print_coverage(void *arg, const char *name, uint64_t count)
{
    fprintf(arg, "%" PRIu64 " %s\n", count, name);
}

/* Every jobs-th seed. */
static void run_share(const struct options *options, int job, struct progress *progress, FILE *counts)
{
    struct coverage *coverage = coverage_create();
    struct buf report;
    int shown = 0;

    for (int64_t i = job; i < options->seeds && !(options->bug && progress->failed); i += options->jobs) {
        struct simulation_result result;

        progress->seed = (uint64_t)(options->seed + i);
        buf_init(&report, 0);
        result = simulation_run(progress->seed, options->bug, coverage, options->is_traced ? stdout : NULL, &report);
        progress->steps += result.steps;
        progress->points += result.points;
        progress->passed += result.is_fine;
        progress->failed += !result.is_fine;
        if (!result.is_fine && progress->failed == 1) {
            progress->first_failed = progress->seed;
        }
        if (options->is_traced) {
            printf("%" PRIu64 " steps, %" PRIu64 " points, %" PRId64 " ms, digest %016" PRIx64 "\n", result.steps,
                   result.points, result.lasted_ms, result.digest);
        }
        if (!result.is_fine && !options->bug && shown++ < MOST_SHOWN) {
            printf("seed %" PRIu64 ":\n%s", progress->seed, buf_text(&report));
            fflush(stdout);
        }
        buf_finish(&report);
    }
    progress->is_done = true;
    coverage_each(coverage, print_coverage, counts);
    fflush(counts);
    coverage_destroy(coverage);
}

static void merge_coverage(FILE *counts, struct coverage *coverage)
{
    char line[128];

    rewind(counts);
    while (fgets(line, sizeof(line), counts)) {
        char *name;
        uint64_t count = strtoull(line, &name, 10);

        name[strcspn(name, "\n")] = '\0';
        coverage_add(coverage, name + 1, count);
    }
}

static void print_row(void *arg, const char *name, uint64_t count)
{
    (void)arg;
    printf("  %-32s %12" PRIu64 "\n", name, count);
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The sum of all; 0 when every seed passed. */
static int conclude(const struct options *options, const struct progress all[], const char *program, int64_t begun_us)
{
    struct progress sum = {.first_failed = UINT64_MAX};
    double seconds = (double)(clock_mono_us() - begun_us) / 1e6;

    for (int64_t i = 0; i < options->jobs; i++) {
        bool has_died = !all[i].is_done;
        uint64_t first = all[i].failed ? all[i].first_failed : has_died ? all[i].seed : UINT64_MAX;

        if (has_died) {
            printf("the process died at seed %" PRIu64 "\n", all[i].seed);
        }
        sum.passed += all[i].passed;
        sum.failed += all[i].failed + has_died;
        sum.steps += all[i].steps;
        sum.points += all[i].points;
        sum.first_failed = first < sum.first_failed ? first : sum.first_failed;
    }
    printf("seeds %" PRId64 " to %" PRId64 ": %.1f s, %.1f s of processor, %.0f seeds a second; %.0f steps and %.0f points "
           "a seed\n",
           options->seed, options->seed + options->seeds - 1, seconds, cpu_s(),
           (double)(sum.passed + sum.failed) / (seconds > 0 ? seconds : 1),
           (double)sum.steps / (double)(sum.passed + sum.failed), (double)sum.points / (double)(sum.passed + sum.failed));
    if (sum.failed && options->bug) {
        printf("%s: found by seed %" PRIu64 ", the %" PRIu64 "th\n", options->bug_name, sum.first_failed,
               sum.first_failed - (uint64_t)options->seed + 1);
    } else if (sum.failed) {
        printf("first failing seed: %" PRIu64 "\n  %s --seed %" PRIu64 " --trace\n", sum.first_failed, program,
               sum.first_failed);
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", sum.passed, sum.failed);
    return sum.failed ? 1 : 0;
}

static int run_all(const struct options *options, const char *program)
{
    struct progress *all = mmap(NULL, MOST_JOBS * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct coverage *coverage = coverage_create();
    FILE *counts[MOST_JOBS];
    int64_t begun_us = clock_mono_us();
    int status;

    for (int job = 0; job < options->jobs; job++) {
        counts[job] = tmpfile();
        fflush(stdout);
        if (fork() == 0) {
            run_share(options, job, &all[job], counts[job]);
            exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    for (int job = 0; job < options->jobs; job++) {
        merge_coverage(counts[job], coverage);
        fclose(counts[job]);
    }
    if (options->is_covered) {
        coverage_each(coverage, print_row, NULL);
    }
    status = conclude(options, all, program, begun_us);
    coverage_destroy(coverage);
    munmap(all, MOST_JOBS * sizeof(*all));
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.seeds = 1, .seed = 1, .jobs = 1};
    bool is_verbose = false;
    const struct arg table[] = {
        {"seeds", ARG_INT, &options.seeds, "N", "how many seeds (1)"},
        {"seed", ARG_INT, &options.seed, "N", "the first one (1)"},
        {"jobs", ARG_INT, &options.jobs, "N", "processes (1)"},
        {"trace", ARG_FLAG, &options.is_traced, NULL, "print everything that happens"},
        {"log", ARG_FLAG, &is_verbose, NULL, "print what the workers log as well"},
        {"coverage", ARG_FLAG, &options.is_covered, NULL, "print how often each thing happened"},
        {"bug", ARG_TEXT, &options.bug_name, "NAME", "plant a bug (see tests/support/fakes.h), and stop when it is found"},
        {0},
    };
    const struct args_usage usage = {"simulate", "", "Runs the workers in a simulated world, once for each seed.", 0};
    int positional, status = args_read(table, &usage, NULL, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    for (int i = 1; options.bug_name && i < FAKE_BUG_COUNT; i++) {
        if (strcmp(options.bug_name, fake_bug_name((enum fake_bug)i)) == 0) {
            options.bug = (enum fake_bug)i;
        }
    }
    if (options.bug_name && !options.bug) {
        die("--bug: there is no \"%s\"", options.bug_name);
    }
    if (options.jobs < 1 || options.jobs > MOST_JOBS || options.seeds < 1) {
        die("--jobs is 1 to %d, --seeds at least 1", MOST_JOBS);
    }
    log_set_level(LOG_DEBUG);
    if (!is_verbose) {
        log_set_fd(-1);
        log_set_level(LOG_ERROR);
    }
    return run_all(&options, argv[0]);
}
