/*
 * kafka_admin: what the brokers tell about topics and rights, and the making of topics.
 *
 * For commands and checks, not for the way of the data: every call waits, each at most the time given at open. Nothing
 * is written but by kafka_admin_create() and kafka_admin_alter(); no topic is created by being asked about, no group is
 * joined. A broker that does not know a question (the embedded one knows none of the admin requests) is told from one
 * that refuses it.
 */
#ifndef IO_KAFKA_ADMIN_H
#define IO_KAFKA_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_settings.h"

struct kafka_admin;

enum kafka_admin_status {
    KAFKA_ADMIN_OK,
    KAFKA_ADMIN_UNSUPPORTED, /* this broker has no such request */
    KAFKA_ADMIN_REFUSED,     /* we have no right to ask or do that */
    KAFKA_ADMIN_FAILED,
};

/* `wait_ms`: most time for each call below. NULL + err: the settings are wrong (a broker is not needed yet). */
struct kafka_admin *kafka_admin_open(const struct kafka_settings *settings, int64_t wait_ms, struct err *err);
void kafka_admin_close(struct kafka_admin *admin);

/* --- what is there ------------------------------------------------------------------------------------------------ */

struct kafka_admin_topic {
    char *name;
    int partitions;
    int replicas;        /* of the partition that has fewest */
    int in_sync;         /* likewise */
    int leaderless;      /* partitions that nobody leads now */
};

/* All topics that we may see, sorted by name. */
struct kafka_admin_view {
    int broker_count;
    struct kafka_admin_topic *topics;
    size_t topic_count;
};

bool kafka_admin_look(struct kafka_admin *admin, struct kafka_admin_view *view, struct err *err);
void kafka_admin_view_finish(struct kafka_admin_view *view);
/* NULL: there is none that we may see. */
const struct kafka_admin_topic *kafka_admin_find(const struct kafka_admin_view *view, const char *name);

/* Topics that `pattern` means: itself when it is a name that is there, all that match when it begins with '^'. At most
 * `most`, borrowed from the view. False + err: not a regular expression. */
bool kafka_admin_match(const struct kafka_admin_view *view, const char *pattern, const char *names[], size_t most,
                       size_t *count, struct err *err);

/* --- settings of a topic ------------------------------------------------------------------------------------------ */

struct kafka_admin_setting {
    char *name;
    char *value;      /* never NULL */
    bool is_of_topic; /* set for this topic, not inherited from the broker */
};

struct kafka_admin_config {
    struct kafka_admin_setting *items;
    size_t count;
};

/* Not OK: *config is empty and err says why. */
enum kafka_admin_status kafka_admin_describe(struct kafka_admin *admin, const char *topic,
                                             struct kafka_admin_config *config, struct err *err);
void kafka_admin_config_finish(struct kafka_admin_config *config);
/* NULL: the broker has no such setting. */
const char *kafka_admin_config_find(const struct kafka_admin_config *config, const char *name);

/* --- making and changing ------------------------------------------------------------------------------------------ */

struct kafka_admin_pair {
    const char *name; /* NULL ends a list */
    const char *value;
};

/* `replicas` -1: as the broker does by default. A topic that is there already is not an error. */
enum kafka_admin_status kafka_admin_create(struct kafka_admin *admin, const char *topic, int partitions, int replicas,
                                           const struct kafka_admin_pair settings[], struct err *err);
/* Sets these; all others that were set for the topic stay. */
enum kafka_admin_status kafka_admin_alter(struct kafka_admin *admin, const char *topic,
                                          const struct kafka_admin_pair settings[], struct err *err);

/* --- rights ------------------------------------------------------------------------------------------------------- */

enum kafka_admin_right { KAFKA_ADMIN_YES, KAFKA_ADMIN_NO, KAFKA_ADMIN_UNKNOWN };

struct kafka_admin_rights {
    enum kafka_admin_right may_read, may_write;
};

/* OK: no rule says who may do what with topics. REFUSED: there are rules, or we may not ask. */
enum kafka_admin_status kafka_admin_ask_authorizer(struct kafka_admin *admin, struct err *err);
/* What we may do with a topic that exists. librdkafka before 2.3 cannot ask; then reading is tried (one fetch of the
 * last record) and writing, which cannot be tried without writing, stays unknown. */
void kafka_admin_ask_rights(struct kafka_admin *admin, const char *topic, struct kafka_admin_rights *rights);
/* May we look at the offsets of this group? False + err: no, or no coordinator. */
enum kafka_admin_status kafka_admin_ask_group(struct kafka_admin *admin, const char *group, const char *topic,
                                              struct err *err);

/* A property as the client will use it ("security.protocol"), from the operator's file or by default; "" when unknown. */
void kafka_admin_property(const struct kafka_admin *admin, const char *name, char *value, size_t size);

#endif
