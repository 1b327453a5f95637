#include "run/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

bool task_is_delivery(const struct task *task)
{
    return task->flow || task->parcel->note;
}

enum ambiguity_way task_decide_unknown(const struct task *task, const struct pipeline_parts *parts, bool can_repeat,
                                       int64_t *wait_ms)
{
    /* A second copy bears the same tag as the first: what is found may be either. */
    bool can_ask = parts->provider->build_query && !task->copy && parts->visibility_lag_ms > 0;
    const struct ambiguity facts = {
        .policy = task->flow->channels[parts->channel].ambiguous,
        .can_repeat = can_repeat,
        .has_keys = parts->provider->key_ttl_ms > 0,
        .key_ttl_ms = parts->key_ttl_ms,
        /* Since BEGIN: its request may have left as late as the lease allowed. */
        .visibility_lag_ms = can_ask ? parts->visibility_lag_ms + claims_lease_ms(parts->claims) : 0,
    };

    return ambiguity_decide(&facts, clock_mono_ms() - task->unknown_since_ms, wait_ms);
}

void task_fingerprint(const struct task *task, char text[CLAIM_FINGERPRINT_SIZE])
{
    text[0] = '\0';
    if (task->is_rendered) {
        int len = snprintf(text, CLAIM_FINGERPRINT_SIZE, "%s:%s", task->message.version, task->message.fingerprint);

        if (task->copy) {
            snprintf(text + len, (size_t)(CLAIM_FINGERPRINT_SIZE - len), ":%llu", (unsigned long long)task->copy);
        }
    }
}

/* "<partition>.<offset>" */
static void format_place(const struct task *task, char *text, size_t size)
{
    const char *topic;
    int32_t partition;
    int64_t offset;

    parcel_origin(task->parcel, &topic, &partition, &offset);
    snprintf(text, size, "%d.%lld", partition, (long long)offset);
}

void task_format_info(const struct task *task, char *info, size_t size)
{
    char place[40];

    format_place(task, place, sizeof(place));
    snprintf(info, size, "%s %s", place, task->settle_as == 'S' ? task->provider_id : task->reason);
}

bool task_take_outcome(struct task *task, const struct claim_record *record)
{
    const char *space = strchr(record->info, ' ');
    const char *what = space ? space + 1 : record->info;
    char place[40];

    task->is_repeated = true;
    switch (record->state) {
    case 'S':
        task->outcome = OUTCOME_SENT;
        snprintf(task->provider_id, sizeof(task->provider_id), "%.*s", PROVIDER_ID_SIZE - 1, what);
        break;
    case 'X':
        task->outcome = strcmp(what, "too_old") == 0 ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
        task_set_reason(task, what);
        break;
    case 'D':
        task->outcome = OUTCOME_DEAD;
        task_set_reason(task, what);
        break;
    default:
        task->outcome = OUTCOME_HELD;
        task_set_reason(task, what);
    }
    format_place(task, place, sizeof(place));
    return task_is_delivery(task) && task->parcel->is_suspect && space && strlen(place) == (size_t)(space - record->info) &&
           strncmp(record->info, place, strlen(place)) == 0;
}

void task_call_later(struct task *task, struct loop *loop, int64_t delay_ms, loop_fn fn)
{
    loop_timer_destroy(task->timer);
    task->timer = loop_timer_create(loop, fn, task);
    loop_timer_start(task->timer, delay_ms);
}
