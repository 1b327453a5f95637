#include "tests/support/kafka_cluster.h"

#include <stdlib.h>

#include "tests/support/temp_dir.h"

bool kafka_cluster_is_there(void)
{
    const char *dir = getenv("KAFKA_CLUSTER");

    return dir && *dir;
}

static struct process *begin(const struct system *system, const char *what, int broker)
{
    char id[8] = {(char)('0' + broker)};
    const char *const argv[] = {"tests/support/kafka/kafka_cluster.sh", what, getenv("KAFKA_CLUSTER"), id, NULL};
    char *log_path = temp_dir_path(system->dir, "cluster.log");
    struct process *script = process_start(argv, NULL, log_path);

    free(log_path);
    return script;
}

static bool tell(const struct system *system, const char *what, int broker)
{
    struct process *script = begin(system, what, broker);
    bool is_done = process_wait(script) == 0;

    process_destroy(script);
    return is_done;
}

struct process *kafka_cluster_begin_end(const struct system *system, int broker)
{
    return begin(system, "end", broker);
}

bool kafka_cluster_kill(const struct system *system, int broker)
{
    return tell(system, "kill", broker);
}

bool kafka_cluster_restart(const struct system *system, int broker)
{
    return tell(system, "restart", broker);
}
