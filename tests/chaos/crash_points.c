#include "tests/chaos/crash_points.h"

const struct crash_point crash_points[] = {
    /* C1, C2: nothing is begun */
    {"record_taken", "C1", CRASH_SENDING, 0, 0, false, false},
    {"looked_up", "C1", CRASH_SENDING, 0, 0, false, false},
    {"rendered", "C1", CRASH_SENDING, 0, 0, false, false},
    {"admitted", "C1", CRASH_SENDING, 0, 0, false, false},
    {"begin_not_asked", "C2", CRASH_SENDING, 0, 0, false, false},
    /* C3 to C8: begun, and not recorded as sent */
    {"begin_answered", "C3", CRASH_SENDING, 0, 1, false, false},
    {"request_built", "C4", CRASH_SENDING, 0, 1, false, false},
    {"request_allowed", "C5", CRASH_SENDING, 0, 1, false, false},
    {"request_allowed", "C6", CRASH_SENDING, 40, 1, true, false}, /* the provider takes 100 ms to answer */
    {"answer_begun", "C7", CRASH_SENDING, 0, 1, true, false},
    {"provider_answered", "C8", CRASH_SENDING, 0, 1, true, false},
    {"verdict_known", "C8", CRASH_SENDING, 0, 1, true, false},
    {"settle_not_asked", "C8", CRASH_SENDING, 0, 1, true, false},
    {"takeover", "C6", CRASH_TAKEOVER, 0, 1, false, true},
    {"question_asked", "C6", CRASH_ASKING, 0, 0, false, true},
    {"question_answered", "C6", CRASH_ASKING, 0, 0, false, true},
    /* C9 to C11: recorded */
    {"settle_answered", "C9", CRASH_SENDING, 0, 0, false, false},
    {"outcome_not_produced", "C9", CRASH_SENDING, 0, 0, false, false},
    {"outcome_produced", "C10", CRASH_SENDING, 0, 0, false, false},
    {"outcome_acknowledged", "C11", CRASH_SENDING, 0, 0, false, false},
    {"offset_closed", "C11", CRASH_SENDING, 0, 0, false, false},
    {"commit_not_asked", "C11", CRASH_COMMITTING, 0, -1, true, false},
    {"commit_asked", "C11", CRASH_COMMITTING, 0, -1, true, false},
    {"commit_answered", "C11", CRASH_COMMITTING, 0, -1, true, false},
    /* C12, C13: parked */
    {"park_settled", "C12", CRASH_PARKING, 0, 0, false, false},
    {"park_produced", "C13", CRASH_PARKING, 0, 0, false, false},
    {"park_acknowledged", "C13", CRASH_PARKING, 0, 0, false, false},
    /* C14: on its way to the DLQ or the held topic. What the provider had refused for good is not known after the crash. */
    {"dead_decided", "C14", CRASH_DEAD, 0, -1, false, false},
    {"dead_acknowledged", "C14", CRASH_DEAD, 0, -1, false, false},
    {"held_decided", "C14", CRASH_HOLDING, 0, -1, true, false},
    {"held_acknowledged", "C14", CRASH_HOLDING, 0, -1, true, false},
    /* C15: while Redis is put together again */
    {"rebuild_begun", "C15", CRASH_REBUILD, 0, 0, false, true},
    {"rebuild_record", "C15", CRASH_REBUILD, 0, 0, false, false},
    {"rebuild_read", "C15", CRASH_REBUILD, 0, 0, false, true},
    {"rebuild_shard_open", "C15", CRASH_REBUILD, 0, 0, false, false},
    {"ring_restore", "C15", CRASH_RECONNECT, 0, -1, true, false},
    /* C16, within a revoke (revoke_begun, revoke_decided, revoke_committed), needs a group: test_rebalances.c */
    /* on the way out */
    {"drain_begun", "C11", CRASH_DRAIN, 0, -1, true, true},
    {"drain_done", "C11", CRASH_DRAIN, 0, 0, false, true},
};
const size_t crash_point_count = sizeof(crash_points) / sizeof(crash_points[0]);
