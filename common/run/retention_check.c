#include "run/retention_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/retention.h"
#include "io/kafka_retention.h"

enum { COMPARE_MS = 60000, ASK_AFTER_COMPARES = 60, ASK_SOON_AFTER_COMPARES = 5, LONGEST_NAME = 250 };

static const struct metric_family covered_family = {
    "perkline_retention_covered", METRIC_GAUGE,
    "1: deliveries are remembered for longer than their events are kept; 0: a flow forgets too early; -1: not known.",
    {0}};

struct retention_check {
    struct retention_check_parts parts;
    struct kafka_retention *question; /* open, or answered and not closed yet; NULL: none */
    struct loop_timer *timer;
    struct metric *covered;
    int compares; /* since it was asked */

    /* the longest that any topic keeps its events */
    bool is_answered, is_known, is_waiting;
    int64_t retention_ms;
    char topic[LONGEST_NAME];
    char told[sizeof(((struct err *)0)->text)]; /* the last fault that was logged */
};

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static bool is_covered(struct retention_check *check, struct err *why)
{
    return !check->is_known ||
           retention_all_covered(templates_current(check->parts.templates), check->topic, check->retention_ms, why);
}

static void compare(struct retention_check *check)
{
    struct err why = {0};
    bool is_fine = is_covered(check, &why);

    metric_set(check->covered, !check->is_known ? -1 : is_fine);
    if (strcmp(why.text, check->told) != 0) {
        log_event(is_fine ? LOG_INFO : LOG_ERROR, is_fine ? "retention_covered" : "flow_forgets_too_early", "reason",
                  why.text, NULL);
        snprintf(check->told, sizeof(check->told), "%s", why.text);
    }
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void note(struct retention_check *check, const struct kafka_retention_item *item)
{
    bool is_longer = !check->is_known || item->ms < 0 || (check->retention_ms >= 0 && item->ms > check->retention_ms);

    if (is_longer) {
        check->retention_ms = item->ms;
        snprintf(check->topic, sizeof(check->topic), "%s", item->topic);
    }
    check->is_known = true;
}

static void on_answer(void *arg, const struct kafka_retention_item items[], size_t count, const char *problem)
{
    struct retention_check *check = arg;
    bool was_answered = check->is_answered;

    check->is_answered = true;
    if (count > 0) {
        check->is_known = false;
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].status == KAFKA_ADMIN_OK) {
            note(check, &items[i]);
        }
    }
    if (!check->is_known && !was_answered) {
        log_event(LOG_WARN, "retention_unknown", "reason",
                  problem[0] ? problem : "the brokers do not tell how long events are kept",
                  "mend", "see to it that dedupe_for of every flow is longer than that and 8d", NULL);
    }
    compare(check);
}

static void ask(struct retention_check *check)
{
    struct err err = {0};

    kafka_retention_close(check->question);
    check->compares = 0;
    check->question = kafka_retention_ask(check->parts.loop, &check->parts.kafka, check->parts.topics, on_answer, check,
                                          &err);
    if (!check->question) {
        on_answer(check, NULL, 0, err.text);
    }
}

/* What is not known yet is asked for again sooner. */
static void on_timer(void *arg)
{
    struct retention_check *check = arg;

    loop_timer_start(check->timer, COMPARE_MS);
    if (check->is_waiting) {
        return;
    }
    if (++check->compares >= (check->is_known ? ASK_AFTER_COMPARES : ASK_SOON_AFTER_COMPARES)) {
        ask(check);
    } else {
        compare(check);
    }
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct retention_check *retention_check_create(const struct retention_check_parts *parts)
{
    struct retention_check *check = xcalloc(1, sizeof(*check));

    check->parts = *parts;
    check->timer = loop_timer_create(parts->loop, on_timer, check);
    check->covered = metrics_get(parts->metrics, &covered_family, NULL);
    metric_set(check->covered, -1);
    loop_timer_start(check->timer, COMPARE_MS);
    ask(check);
    return check;
}

void retention_check_destroy(struct retention_check *check)
{
    if (check) {
        kafka_retention_close(check->question);
        loop_timer_destroy(check->timer);
        free(check);
    }
}

bool retention_check_wait(struct retention_check *check, int64_t most_ms, struct err *err)
{
    int64_t until = loop_now_ms(check->parts.loop) + most_ms;
    bool is_needed = !retention_all_covered(templates_current(check->parts.templates), "", RETENTION_FOREVER, NULL);

    check->is_waiting = true;
    loop_timer_start(check->timer, most_ms);
    while (is_needed && !check->is_answered && loop_now_ms(check->parts.loop) < until) {
        loop_turn(check->parts.loop, true);
    }
    check->is_waiting = false;
    loop_timer_start(check->timer, COMPARE_MS);
    return is_covered(check, err);
}
