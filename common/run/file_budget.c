#include "run/file_budget.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "base/log.h"

/* For Kafka (three files for each broker and client, about five clients), Redis, HTTP, templates, look-ups of names. */
enum { BESIDE = 256 };

struct file_budget file_budget_make(int64_t limit, int64_t channels, int64_t connections)
{
    struct file_budget budget = {.limit = limit, .needed = BESIDE + channels * connections, .connections = connections};
    int64_t beside = limit / 2 < BESIDE ? limit / 2 : BESIDE;

    if (limit < FILE_BUDGET_LEAST) {
        budget.connections = 0;
    } else if (limit < budget.needed) {
        int64_t fit = (limit - beside) / channels;

        budget.connections = fit < connections ? fit : connections;
    }
    return budget;
}

struct file_budget file_budget_of(const struct worker_settings *settings)
{
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
    int64_t channels = 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channels += settings->has_channel[channel];
    }
    getrlimit(RLIMIT_NOFILE, &files);
    return file_budget_make(files.rlim_cur < (rlim_t)INT64_MAX ? (int64_t)files.rlim_cur : INT64_MAX,
                            channels ? channels : 1, settings->connections);
}

bool file_budget_fit(struct worker_settings *settings, struct err *err)
{
    struct file_budget budget = file_budget_of(settings);

    if (budget.connections == 0) {
        return err_set(err, "%" PRId64 " files may be open at once, %d are needed at least: raise it (ulimit -n, LimitNOFILE=)",
                       budget.limit, FILE_BUDGET_LEAST);
    }
    if (budget.connections < settings->connections) {
        log_event(LOG_WARN, "few_files", "limit", log_int(budget.limit), "needed", log_int(budget.needed), "connections",
                  log_int(budget.connections), "set", log_int(settings->connections), NULL);
        settings->connections = budget.connections;
    }
    return true;
}
