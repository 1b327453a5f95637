/*
 * parcel: one record in flight in this process, with the tasks that its plan asks for.
 *
 * A parcel owns a copy of the record, the event, a reference to the catalog it was planned with, and its tasks; a task
 * owns its claim and its message. The pipeline owns parcels. Nobody else keeps a pointer to either.
 */
#ifndef RUN_PARCEL_H
#define RUN_PARCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/catalog.h"
#include "core/event.h"
#include "core/lanes.h"
#include "core/message.h"
#include "core/outcome.h"
#include "core/park.h"
#include "core/plan.h"
#include "core/record.h"
#include "io/kafka_consumer.h"
#include "io/loop.h"
#include "run/claims.h"
#include "run/stage.h"

struct delivery_trace;
struct partition; /* of partitions.h */
struct pipeline;
struct intake;

struct task {
    struct parcel *parcel;
    struct task *prev, *next; /* list: the queue of the stage it is in */
    enum stage stage;
    struct mid mid;
    const struct flow *flow;  /* NULL: a record that is no event, or that no flow asks for any more, on its way to the DLQ */
    struct lane_entry lane;   /* waits for the member's earlier deliveries */

    struct claim_record seen; /* the latest that is known: of the note it came with, the look-up, its own claim */
    struct claim claim;
    bool has_claim;           /* BEGIN said GO or AMBIGUOUS, SETTLE is not answered yet */
    bool is_resend;           /* this attempt repeats one whose outcome is unknown */
    int64_t unknown_since_ms; /* clock_mono_ms() of the first BEGIN after which it may have arrived */
    uint64_t copy;            /* see mid_of_copy() */
    bool is_reopened;         /* the note's word was tried */
    int questions;            /* to the provider, in this process */
    struct message message;
    bool is_rendered;         /* `message` says with which version, and its fingerprint */
    bool has_texts;           /* the texts of `message` are there, and take room */
    struct verdict verdict;
    int64_t first_attempt_at; /* wall ms; 0 before the first */
    int attempts;             /* requests that may have left, over all parkings */

    /* what SETTLE is to record, and what the outcome will say */
    char settle_as;           /* S X D H P U */
    bool is_final;            /* settle_as says so and it stands in Redis */
    enum outcome_state outcome;
    char reason[VERDICT_REASON_SIZE];
    char detail[512];         /* for the DLQ: a sentence */
    char provider_id[PROVIDER_ID_SIZE];

    int64_t wait_ms;          /* for the wait and park stages */
    bool is_parking;          /* after SETTLE: to a retry topic, not to memory */
    bool is_in_gate;          /* holds a connection slot */
    bool is_repeated;         /* its outcome was known before */
    bool is_cut;              /* whole it is larger than the DLQ takes */
    struct loop_timer *timer; /* made at the first wait */
    struct delivery_trace *trace; /* owned; NULL: not traced */

    int64_t entered_us; /* the stage it is in; monotonic */
    int64_t begun_us, rendered_us, admitted_us, sent_us, settled_us; /* monotonic; 0: not reached */
};

struct parcel {
    struct parcel *prev, *next;   /* list: pipeline->parcels, intake->waiting or ->unread */
    struct partition *partition;  /* NULL: revoked while in flight, or is_only_here */
    bool is_only_here;            /* nobody reads the record again: a person replays it, or its log is gone */
    struct pipeline *pipeline;    /* set by pipeline_submit() */
    struct record record;         /* points into `store` */
    char *store;
    struct event event;
    bool is_event;
    struct catalog *catalog;      /* a reference */
    struct park_note *note;       /* NULL unless it came from a retry topic */
    struct intake *intake;        /* that took it in; NULL: none */
    int64_t received_us;          /* monotonic */
    struct task *tasks;
    size_t task_count, open_tasks;
    bool is_suspect;              /* an earlier owner may have had it in flight: a known outcome is published again */
    bool has_dropped;             /* a task was dropped: the offset is not done */
};

/* Copies the record. */
struct parcel *parcel_create(const struct kafka_record *record);
void parcel_destroy(struct parcel *parcel);
/* Back to the record alone, to be planned anew; not of one that was submitted. */
void parcel_forget_plan(struct parcel *parcel);
/* Room for `count` zeroed tasks. */
void parcel_add_tasks(struct parcel *parcel, size_t count);
/* Bytes it keeps, about. */
size_t parcel_size(const struct parcel *parcel);

/* Where the delivery came from first: the record itself, or what the note of a retry topic says. */
void parcel_origin(const struct parcel *parcel, const char **topic, int32_t *partition, int64_t *offset);

void task_set_reason(struct task *task, const char *reason);

#endif
