/*
 * topic_plan: which topics the program needs, how they should be made, and what is wrong with those that are there.
 *
 * Pure: what the brokers tell goes in as facts, findings come out; kafka_admin asks and changes. One table holds what a
 * topic of each role must be.
 */
#ifndef RUN_TOPIC_PLAN_H
#define RUN_TOPIC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/kafka_admin.h"
#include "run/topics.h"

enum topic_role { TOPIC_EVENTS, TOPIC_OUTCOMES, TOPIC_RETRY, TOPIC_DLQ, TOPIC_HELD, TOPIC_ROLE_COUNT };

const char *topic_role_name(enum topic_role role);

enum { TOPIC_PLAN_MOST = 48, TOPIC_PLAN_SETTINGS = 8, TOPIC_FINDINGS_MOST = 16 };

struct topic_wish {
    char name[TOPIC_NAME_SIZE];
    enum topic_role role;
    int partitions;              /* at creation */
    int64_t retention_ms;        /* at creation; -1: for ever */
    int64_t least_retention_ms;  /* below that it is wrong; -1: anything but for ever is wrong; 0: anything goes */
};

struct topic_plan {
    struct topic_wish items[TOPIC_PLAN_MOST];
    size_t count;
    int replicas; /* wanted copies of each */
};

struct topic_plan_options {
    int64_t outcomes_ms; /* how long outcomes must be kept; -1: for ever */
    int partitions;      /* of events and outcomes */
    int replicas;        /* 0: as many as there are brokers, 3 at most */
    int broker_count;
};

/* `events`: names, NULL-terminated (patterns resolved before). */
void topic_plan_init(struct topic_plan *plan, const struct topics *topics, const char *const events[],
                     const struct topic_plan_options *options);

/* What kafka_admin_create() takes. `store` holds the numbers as text. */
struct topic_settings {
    struct kafka_admin_pair pairs[TOPIC_PLAN_SETTINGS + 1];
    char retention[24], in_sync[8];
};
void topic_plan_settings(const struct topic_plan *plan, const struct topic_wish *wish, struct topic_settings *settings);

/* Something about a topic that is there. */
struct topic_finding {
    bool is_grave;                /* work is lost or stops; else: worth a thought */
    char text[256];               /* "retention.ms is 3d: outcomes must be kept for 400d, ..." */
    struct kafka_admin_pair mend; /* what --alter sets; name NULL: it cannot */
    char value[24];               /* of mend.value, when it is a number */
};

/* `config` NULL: the broker does not tell. Returns how many findings there are; 0: it is as it should be. */
size_t topic_plan_check(const struct topic_plan *plan, const struct topic_wish *wish,
                        const struct kafka_admin_topic *topic, const struct kafka_admin_config *config,
                        struct topic_finding findings[TOPIC_FINDINGS_MOST]);

#endif
