#include "run/topic_plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/number.h"
#include "base/slice.h"

#define DAYS(n) ((n) * 86400000LL)

enum { FEW_PARTITIONS = 3, LEAST_DELAYS = 10, WANTED_COPIES = 3, LEAST_MESSAGE_BYTES = 512 << 10 };

static const struct role {
    const char *name;
    const char *cleanup;
    int64_t retention_ms;       /* at creation; outcomes and retry topics: see make_wish() */
    int64_t least_retention_ms;
    const char *kept_for;       /* why that long */
} roles[TOPIC_ROLE_COUNT] = {
    [TOPIC_EVENTS] = {"events", "delete", DAYS(7), 0, ""},
    [TOPIC_OUTCOMES] = {"outcomes", "compact,delete", DAYS(400), DAYS(400),
                        "Redis is rebuilt from it, and that must reach as far back as the flows' dedupe_for"},
    [TOPIC_RETRY] = {"retry", "delete", DAYS(7), DAYS(7), "a parked delivery must outlive an outage"},
    [TOPIC_DLQ] = {"dlq", "delete", DAYS(30), DAYS(7), "somebody has to look at what is there"},
    [TOPIC_HELD] = {"held", "delete", -1, DAYS(30), "each of them waits for a person"},
};

const char *topic_role_name(enum topic_role role)
{
    return roles[role].name;
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static struct topic_wish *add(struct topic_plan *plan, const char *name, enum topic_role role, int partitions)
{
    struct topic_wish *wish = &plan->items[plan->count++];

    snprintf(wish->name, sizeof(wish->name), "%s", name);
    wish->role = role;
    wish->partitions = partitions;
    wish->retention_ms = roles[role].retention_ms;
    wish->least_retention_ms = roles[role].least_retention_ms;
    return wish;
}

void topic_plan_init(struct topic_plan *plan, const struct topics *topics, const char *const events[],
                     const struct topic_plan_options *options)
{
    struct topic_wish *wish;

    memset(plan, 0, sizeof(*plan));
    plan->replicas = options->replicas ? options->replicas
                                       : options->broker_count < WANTED_COPIES ? options->broker_count : WANTED_COPIES;
    for (size_t i = 0; events[i] && plan->count < TOPIC_PLAN_MOST - PARK_TIER_COUNT - 3; i++) {
        add(plan, events[i], TOPIC_EVENTS, options->partitions);
    }
    wish = add(plan, topics->outcomes, TOPIC_OUTCOMES, options->partitions);
    wish->retention_ms = wish->least_retention_ms = options->outcomes_ms;
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        int64_t least = LEAST_DELAYS * park_tier_delay_ms((enum park_tier)tier);

        wish = add(plan, topics->retry[tier], TOPIC_RETRY, FEW_PARTITIONS);
        if (least > wish->least_retention_ms) {
            wish->retention_ms = wish->least_retention_ms = least;
        }
    }
    add(plan, topics->dlq, TOPIC_DLQ, FEW_PARTITIONS);
    add(plan, topics->held, TOPIC_HELD, FEW_PARTITIONS);
}

void topic_plan_settings(const struct topic_plan *plan, const struct topic_wish *wish, struct topic_settings *settings)
{
    size_t n = 0;

    memset(settings, 0, sizeof(*settings));
    snprintf(settings->retention, sizeof(settings->retention), "%" PRId64, wish->retention_ms);
    snprintf(settings->in_sync, sizeof(settings->in_sync), "%d", plan->replicas >= WANTED_COPIES ? 2 : 1);
    settings->pairs[n++] = (struct kafka_admin_pair){"cleanup.policy", roles[wish->role].cleanup};
    settings->pairs[n++] = (struct kafka_admin_pair){"retention.ms", settings->retention};
    settings->pairs[n++] = (struct kafka_admin_pair){"retention.bytes", "-1"};
    settings->pairs[n++] = (struct kafka_admin_pair){"min.insync.replicas", settings->in_sync};
    settings->pairs[n++] = (struct kafka_admin_pair){"unclean.leader.election.enable", "false"};
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

struct check {
    const struct topic_plan *plan;
    const struct topic_wish *wish;
    const struct kafka_admin_config *config;
    struct topic_finding *findings;
    size_t count;
};

static struct topic_finding *find(struct check *check, bool is_grave, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct topic_finding *find(struct check *check, bool is_grave, const char *format, ...)
{
    struct topic_finding *finding = &check->findings[check->count++];
    va_list args;

    memset(finding, 0, sizeof(*finding));
    finding->is_grave = is_grave;
    va_start(args, format);
    vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
    return finding;
}

static void mend_with(struct topic_finding *finding, const char *name, const char *value)
{
    finding->mend.name = name;
    finding->mend.value = value;
}

static void mend_with_number(struct topic_finding *finding, const char *name, int64_t value)
{
    snprintf(finding->value, sizeof(finding->value), "%" PRId64, value);
    mend_with(finding, name, finding->value);
}

/* False: the broker does not say. */
static bool read_number(const struct check *check, const char *name, int64_t *number)
{
    const char *text = kafka_admin_config_find(check->config, name);

    return text && number_parse(slice_of(text), number);
}

static void check_cleanup(struct check *check)
{
    const char *wanted = roles[check->wish->role].cleanup;
    const char *is = kafka_admin_config_find(check->config, "cleanup.policy");
    bool compacts = is && strstr(is, "compact");
    struct topic_finding *finding;

    if (!is || strcmp(is, wanted) == 0 || (check->wish->role == TOPIC_OUTCOMES && strcmp(is, "delete,compact") == 0)) {
        return;
    }
    if (check->wish->role == TOPIC_OUTCOMES) {
        finding = find(check, false, "cleanup.policy is %s instead of %s: it grows more than it must", is, wanted);
    } else if (compacts) {
        finding = find(check, true, "cleanup.policy is %s instead of %s: records of the same key get lost", is, wanted);
    } else {
        return;
    }
    mend_with(finding, "cleanup.policy", wanted);
}

static void check_retention(struct check *check)
{
    int64_t least = check->wish->least_retention_ms;
    char has[DURATION_TEXT_SIZE], wanted[DURATION_TEXT_SIZE] = "ever";
    int64_t ms;

    if (least == 0 || !read_number(check, "retention.ms", &ms) || ms < 0 || (least > 0 && ms >= least)) {
        return;
    }
    if (least > 0) {
        duration_format(least, wanted);
    }
    mend_with_number(find(check, true, "retention.ms keeps records for %s instead of %s: %s", duration_format(ms, has),
                          wanted, roles[check->wish->role].kept_for),
                     "retention.ms", check->wish->retention_ms);
}

static void check_retention_bytes(struct check *check)
{
    int64_t bytes;

    if (check->wish->role != TOPIC_EVENTS && read_number(check, "retention.bytes", &bytes) && bytes >= 0) {
        mend_with(find(check, false, "retention.bytes is %" PRId64 ": records may go before their time", bytes),
                  "retention.bytes", "-1");
    }
}

static void check_size(struct check *check)
{
    int64_t bytes;

    if (read_number(check, "max.message.bytes", &bytes) && bytes < LEAST_MESSAGE_BYTES) {
        mend_with_number(find(check, true,
                              "max.message.bytes is %" PRId64 ": an event of 256 KiB does not fit with its headers",
                              bytes),
                         "max.message.bytes", 1 << 20);
    }
}

static void check_election(struct check *check)
{
    const char *is = kafka_admin_config_find(check->config, "unclean.leader.election.enable");

    if (is && strcmp(is, "true") == 0) {
        mend_with(find(check, true, "unclean.leader.election.enable is true: acknowledged records may vanish"),
                  "unclean.leader.election.enable", "false");
    }
}

static void check_copies(struct check *check, const struct kafka_admin_topic *topic)
{
    int64_t in_sync;

    if (topic->replicas < check->plan->replicas) {
        find(check, false, "%d copies of each partition instead of %d: kafka-reassign-partitions.sh adds some",
             topic->replicas, check->plan->replicas);
    }
    if (!check->config || !read_number(check, "min.insync.replicas", &in_sync)) {
        return;
    }
    if (in_sync > topic->replicas) {
        mend_with_number(find(check, true, "min.insync.replicas is %" PRId64 " of %d copies: nothing can be written",
                              in_sync, topic->replicas),
                         "min.insync.replicas", topic->replicas >= WANTED_COPIES ? 2 : 1);
    } else if (in_sync < 2 && topic->replicas >= WANTED_COPIES) {
        mend_with(find(check, false, "min.insync.replicas is %" PRId64 ": what one broker has acknowledged dies with it",
                       in_sync),
                  "min.insync.replicas", "2");
    }
}

size_t topic_plan_check(const struct topic_plan *plan, const struct topic_wish *wish,
                        const struct kafka_admin_topic *topic, const struct kafka_admin_config *config,
                        struct topic_finding findings[TOPIC_FINDINGS_MOST])
{
    struct check check = {.plan = plan, .wish = wish, .config = config, .findings = findings};

    if (topic->leaderless > 0) {
        find(&check, true, "%d of %d partitions have no leader: a broker is down", topic->leaderless,
             topic->partitions);
    }
    check_copies(&check, topic);
    if (config) {
        check_cleanup(&check);
        check_retention(&check);
        check_retention_bytes(&check);
        check_size(&check);
        check_election(&check);
    }
    return check.count;
}
