#include "tests/support/kafka_cluster.h"

#include <stdlib.h>

#include "tests/support/temp_dir.h"

bool kafka_cluster_is_there(void)
{
    const char *dir = getenv("KAFKA_CLUSTER");

    return dir && *dir;
}

static bool tell(const struct system *system, const char *what, int broker)
{
    char id[8] = {(char)('0' + broker)};
    const char *const argv[] = {"tests/support/kafka/kafka_cluster.sh", what, getenv("KAFKA_CLUSTER"), id, NULL};
    char *log_path = temp_dir_path(system->dir, "cluster.log");
    struct process *script = process_start(argv, NULL, log_path);
    bool is_done = process_wait(script) == 0;

    process_destroy(script);
    free(log_path);
    return is_done;
}

bool kafka_cluster_kill(const struct system *system, int broker)
{
    return tell(system, "kill", broker);
}

bool kafka_cluster_restart(const struct system *system, int broker)
{
    return tell(system, "restart", broker);
}
