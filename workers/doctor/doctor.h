/*
 * doctor: checks of everything that a worker needs, by the settings of that worker. doctor.c holds the table, one row for
 * each check; doctor_<where>.c hold the checks. A check asks and changes nothing: no record, no key, no message, no
 * offset. It tells at least one finding: what is wrong, and in the same line how to mend it.
 */
#ifndef WORKERS_DOCTOR_H
#define WORKERS_DOCTOR_H

#include <stdbool.h>

#include <jansson.h>

#include "run/redis_ask.h"
#include "run/worker_settings.h"
#include "workers/topics/survey.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };

struct doctor {
    struct worker_settings settings; /* what could be read of them */
    bool is_settings_whole;          /* ... was all, and it makes sense together */

    struct survey survey;
    bool has_kafka;
    struct redis_ask *redis; /* NULL: cannot be used */

    /* what was told so far */
    const char *check; /* name of the one that runs */
    bool is_json;
    json_t *findings;
    size_t counts[DOCTOR_SKIP + 1];
};

/* `mend`: what to do about it, or NULL. */
void doctor_tell(struct doctor *doctor, enum doctor_level level, const char *mend, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* doctor_host.c */
void doctor_check_settings(struct doctor *doctor);
void doctor_check_names(struct doctor *doctor);
void doctor_check_secrets(struct doctor *doctor);
void doctor_check_files(struct doctor *doctor);
void doctor_check_locale(struct doctor *doctor);
void doctor_check_templates(struct doctor *doctor);

/* doctor_kafka.c */
void doctor_check_brokers(struct doctor *doctor);
void doctor_check_topics(struct doctor *doctor);
void doctor_check_rights(struct doctor *doctor);
void doctor_check_groups(struct doctor *doctor);
void doctor_check_retention(struct doctor *doctor);

/* doctor_redis.c */
void doctor_check_redis(struct doctor *doctor);
void doctor_check_policy(struct doctor *doctor);
void doctor_check_persistence(struct doctor *doctor);
void doctor_check_replicas(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_user(struct doctor *doctor);

/* doctor_provider.c */
void doctor_check_provider(struct doctor *doctor);

#endif
