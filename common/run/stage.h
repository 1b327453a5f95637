/*
 * stage: the names of the steps a task goes through, and of the ways out of a step. The order stands in pipeline.c.
 *
 * A stage is a struct with an entry function; it works on a task (at once or later) and then calls task_exit()
 * exactly once, after which it does not touch the task any more.
 */
#ifndef RUN_STAGE_H
#define RUN_STAGE_H

struct task;

enum stage {
    STAGE_LOOK_UP,     /* is it done already? */
    STAGE_RENDER,      /* delivery -> message */
    STAGE_ADMIT,       /* age, breaker, rate token, connection slot */
    STAGE_BEGIN,       /* take the claim */
    STAGE_DELIVER,     /* request -> verdict */
    STAGE_QUERY,       /* nobody knows -> what the provider says */
    STAGE_SETTLE,      /* record what it came to */
    STAGE_PUBLISH,     /* outcome -> outcomes topic */
    STAGE_DEAD_LETTER, /* original bytes -> DLQ */
    STAGE_HOLD,        /* nobody knows -> held topic */
    STAGE_PARK,        /* later -> retry topic */
    STAGE_WAIT,        /* soon -> memory */
    STAGE_COUNT,
    STAGE_DONE = STAGE_COUNT, /* the task has left */
};

enum stage_exit {
    EXIT_NEXT,     /* the usual way on */
    EXIT_TERMINAL, /* it had its outcome before: say it again */
    EXIT_SETTLE,   /* an outcome without an attempt: suppressed, expired */
    EXIT_DEAD,     /* will never work */
    EXIT_HOLD,     /* nobody may decide but a person */
    EXIT_WAIT,     /* try again soon: task->wait_ms */
    EXIT_PARK,     /* try again later: task->wait_ms */
    EXIT_QUERY,    /* the provider is to be asked */
    EXIT_CLAIM,    /* a record that is no event: straight to its claim */
    EXIT_FINISHED, /* nothing more to say about it */
    EXIT_DROPPED,  /* not ours any more (revoked, draining): whoever reads the record again does it */
    EXIT_COUNT,
};

const char *stage_name(enum stage stage);

/* The task leaves its stage. */
void task_exit(struct task *task, enum stage_exit way);

#endif
