/*
 * crash_points: the named places at which a chaos build can die (base/crashpoint.h), each with what the provider can have
 * seen by then. The test crashes at all of them; a name that the program never reaches fails it.
 */
#ifndef CHAOS_CRASH_POINTS_H
#define CHAOS_CRASH_POINTS_H

#include <stdbool.h>
#include <stddef.h>

/* What must be going on for the place to be reached. */
enum crash_scenario {
    CRASH_SENDING,    /* a dozen notes */
    CRASH_COMMITTING, /* a hundred: a commit goes on beside the work, so another one may be on the wire */
    CRASH_PARKING,   /* the provider refuses some for the time being */
    CRASH_DEAD,      /* the provider refuses some for good */
    CRASH_HOLDING,   /* the provider leaves some without an answer; SMS alone is held */
    CRASH_TAKEOVER,  /* an earlier worker died with a request on the wire */
    CRASH_ASKING,    /* the same, and the provider can be asked (P2) */
    CRASH_REBUILD,   /* Redis was emptied before the start */
    CRASH_RECONNECT, /* Redis drops its connections in mid-run */
    CRASH_DRAIN,     /* SIGTERM in mid-run */
};

struct crash_point {
    const char *name;
    const char *row; /* of the failure matrix, see RELIABILITY.md */
    enum crash_scenario scenario;
    int after_ms;        /* the process lives on for so long */
    int held;            /* P3 with hold: so many held for a crash, or -1: none or one */
    bool may_be_sent;    /* P3 with resend: the crash may double it */
    bool is_once;        /* a run comes there once */
};

extern const struct crash_point crash_points[];
extern const size_t crash_point_count;

#endif
