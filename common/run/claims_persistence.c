/*
 * Would Redis survive a restart? Asked with the policy: at every connect and every minute. It is not refused when it would
 * not, since what it forgets is read again from the outcomes topic; but that takes its time, and people should know.
 */
#include "run/claims_inside.h"

#include "base/log.h"
#include "run/redis_info.h"

static const struct metric_family persistence_family = {
    "perkline_redis_persistence", METRIC_GAUGE,
    "Does Redis keep an append-only file: 1 yes, 0 no, -1 it cannot be written, -2 not known.", {0}};

static double value_of(enum redis_persistence persistence)
{
    switch (persistence) {
    case REDIS_PERSISTENCE_AOF:
        return 1;
    case REDIS_PERSISTENCE_NONE:
        return 0;
    case REDIS_PERSISTENCE_FAILING:
        return -1;
    case REDIS_PERSISTENCE_UNKNOWN:
        break;
    }
    return -2;
}

static void on_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = arg;
    enum redis_persistence persistence;

    if (status == REDIS_UNAVAILABLE) {
        return;
    }
    persistence = status == REDIS_OK && reply->type == REDIS_TEXT ? redis_persistence_of(reply->text)
                                                                   : REDIS_PERSISTENCE_UNKNOWN;
    metric_set(metrics_get(claims->metrics, &persistence_family, NULL), value_of(persistence));
    if (claims->has_persistence && claims->persistence == persistence) {
        return;
    }
    claims->has_persistence = true;
    claims->persistence = persistence;
    log_event(persistence == REDIS_PERSISTENCE_AOF ? LOG_INFO : LOG_WARN, "redis_persistence", "reason",
              redis_persistence_text(persistence), NULL);
}

void claims_ask_persistence(struct claims *claims)
{
    const struct slice args[] = {SLICE("INFO"), SLICE("persistence")};

    redis_call(claims->redis, args, 2, on_answer, claims);
}
