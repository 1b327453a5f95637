/*
 * claims: our exclusive rights to perform deliveries, kept in Redis.
 *
 * One record per delivery, at "n:{<environment>.<shard>}:<16 bytes of the mid>", changed only by the scripts in
 * common/run/scripts. A claim is taken with BEGIN, which also journals that the message may be on the wire, and ended
 * with SETTLE. An expired lease never means "send again": the next taker gets AMBIGUOUS.
 *
 * While Redis cannot be used or cannot be trusted (down, emptied, clock skew, wrong policy), nothing is answered: calls
 * wait inside and are repeated when it can, a repeated BEGIN with the same claim id. So callers see answers only.
 *
 * What this process wrote in the last 60 s is kept and put back after every reconnect (RESTORE), so that the last second
 * that Redis may have lost is not lost while we live.
 */
#ifndef RUN_CLAIMS_H
#define RUN_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "core/mid.h"
#include "core/verdict.h"
#include "io/loop.h"
#include "io/redis.h"

struct claims;

enum { CLAIM_INFO_SIZE = PROVIDER_ID_SIZE + 48, CLAIM_ID_SIZE = 40, CLAIM_FINGERPRINT_SIZE = 56, CLAIM_SHARDS = 256 };
/* A delivery whose record is strange is looked at again after so long: it waits on a retry topic, and everybody else goes on. */
enum { CLAIM_STRANGE_WAIT_MS = 60000 };

static const int64_t CLAIM_FOREVER_MS = 100LL * 366 * 86400000;

/* Owned by a task; zeroed before its first BEGIN. */
struct claim {
    char id[CLAIM_ID_SIZE]; /* "" before the first BEGIN */
    uint64_t fence;
    int attempts;           /* begins in a row that nobody lived to settle, this one included */
    int64_t lease_until_ms; /* clock_mono_ms(): what the lease's clock on our side says */
};

/* A record as read. state 0: there is none; '?': of a version that is not known here; '!': broken, nobody's. What the last two
 * say is not known: they may say that it was sent. */
struct claim_record {
    char state; /* W U P S X D H, 0, '?' or '!' */
    uint64_t fence;
    int64_t deadline_ms; /* W U P: Redis' wall clock */
    int attempts;        /* W U P */
    int64_t first_ms;    /* W U P: Redis' wall clock */
    char fingerprint[CLAIM_FINGERPRINT_SIZE]; /* W U P: "version:hash", ":copy" behind it for a second copy */
    char info[CLAIM_INFO_SIZE];               /* S X D H: as it was settled */
};

bool claim_record_is_terminal(const struct claim_record *record);
bool claim_record_is_open(const struct claim_record *record); /* W U P */
bool claim_record_is_strange(const struct claim_record *record); /* '?' '!' */
/* The last part of a fingerprint; 0: the delivery itself. */
uint64_t claim_fingerprint_copy(const char *fingerprint);
/* A record begins with its letter; later versions put their number behind it ("W2|..."). False: no record of ours. */
bool claim_record_parse(struct slice text, struct claim_record *record);

/* In the form that the scripts write, into a fresh `text`. */
void claim_record_format_open(char state, uint64_t fence, int64_t deadline_ms, int attempts, int64_t first_ms,
                              const char *claim_id, const char *fingerprint, struct buf *text);
/* As a note on a retry topic tells of it (core/park.h): only what is unknown (U) or proved not sent (P), and nobody's any more. */
void claim_record_format_parked(const struct claim_record *record, struct buf *text);
bool claim_record_parse_parked(struct slice text, struct claim_record *record);
/* Does `known` tell of something later than what Redis says, of what is not done yet? As scripts/restore.lua sees it. */
bool claim_record_is_outdated(const struct claim_record *record, const struct claim_record *known);
void claim_record_format_end(char state, uint64_t fence, const char *info, struct buf *text);

enum claim_answer {
    CLAIM_GO,        /* ours; nothing was ever sent, or it is proved not sent */
    CLAIM_AMBIGUOUS, /* ours; someone may have sent it */
    CLAIM_BUSY,      /* someone else's, for wait_ms */
    CLAIM_LATER,     /* parked, or strange: for wait_ms */
    CLAIM_DONE,      /* terminal: `record` says what */
};

struct claim_result {
    enum claim_answer answer;
    int64_t wait_ms;
    int64_t age_ms;                           /* AMBIGUOUS: since the first BEGIN */
    int64_t first_ms;                         /* GO and AMBIGUOUS: of that BEGIN, by Redis' wall clock */
    char fingerprint[CLAIM_FINGERPRINT_SIZE]; /* AMBIGUOUS: of the first attempt */
    struct claim_record record;               /* DONE */
};

enum claim_settled {
    CLAIM_SETTLED_OK,
    CLAIM_SETTLED_WAS_SENT, /* the record says SENT, and stays so */
    CLAIM_SETTLED_STALE,    /* a younger claim or a terminal state stands; nothing changed */
    CLAIM_SETTLED_STRANGE,  /* a record stands that cannot be read here; nothing changed */
};

typedef void (*claims_look_up_fn)(void *arg, const struct claim_record *record);
typedef void (*claims_begin_fn)(void *arg, const struct claim_result *result);
typedef void (*claims_settle_fn)(void *arg, enum claim_settled settled);

struct claims_settings {
    const char *environment;   /* [a-z0-9_-]{1,32} */
    int64_t lease_ms;          /* 15000 = request time-out 10 s + settle 3 s + slack 2 s */
    int64_t most_skew_ms;      /* 60000 */
    int64_t guard_ttl_ms;      /* how long a new epoch lives; 0 for ever */
    bool only_looks_up;        /* for tools: nothing but claims_look_up(), with a user that may GET and HGET (ROLE, INFO) */
};

/* Opens the connection to Redis itself. `loop` and `metrics` are borrowed. */
struct claims *claims_open(struct loop *loop, const struct redis_settings *redis_settings,
                           const struct claims_settings *settings, struct metrics *metrics, struct err *err);
/* Calls that wait are forgotten without an answer. */
void claims_close(struct claims *claims);

void claims_look_up(struct claims *claims, const struct mid *mid, claims_look_up_fn fn, void *arg);
/* A new claim id is made when claim->id is "". `known`: what the caller knows of it (borrowed until the answer), which counts where
 * Redis knows less; NULL, or not open: nothing. `ttl_ms`: how long the record outlives its last change. */
void claims_begin(struct claims *claims, const struct mid *mid, struct claim *claim, const char *fingerprint,
                  const struct claim_record *known, int64_t ttl_ms, claims_begin_fn fn, void *arg);
/* `has_claim` false: an outcome without an attempt; `fence` is that of the record it was decided on, or 0.
 * `state`: S X D H P U. `info`: what to keep with a terminal state, at most CLAIM_INFO_SIZE. `delay_ms`: P and U only. */
void claims_settle(struct claims *claims, const struct mid *mid, bool has_claim, uint64_t fence, char state,
                   const char *info, int64_t ttl_ms, int64_t delay_ms, claims_settle_fn fn, void *arg);

/* An operator lets a dead or held delivery begin anew, under the fence that it ended with. Told whether it was done;
 * when not, something else stands there by now, or Redis cannot be asked: look it up again, later. */
typedef void (*claims_reopen_fn)(void *arg, bool is_done);
void claims_reopen(struct claims *claims, const struct mid *mid, uint64_t fence, uint64_t copy, int64_t ttl_ms,
                   claims_reopen_fn fn, void *arg);

/* For so long after BEGIN a request may still be under way. */
int64_t claims_lease_ms(const struct claims *claims);
/* Redis can be used and trusted now. */
bool claims_is_ready(const struct claims *claims);
/* Of claims that only look up, when ready: Redis has forgotten what was sent, or never knew of this environment. */
bool claims_know_nothing(const struct claims *claims);
/* Why not; "" when ready. */
const char *claims_state_reason(const struct claims *claims);
/* Told at every change of claims_is_ready(). At most 8 listeners. */
void claims_add_listener(struct claims *claims, loop_fn fn, void *arg);

/* For the tools, which look at records without claims: names of keys as above, and scripts/resolve.lua. */
extern const struct redis_script claims_resolve_script;
enum { CLAIM_KEY_SIZE = 80, CLAIM_KEY_TEXT_SIZE = 128 };
struct slice claim_record_key(const char *environment, const struct mid *mid, char text[CLAIM_KEY_SIZE]);
struct slice claim_guard_key(const char *environment, unsigned shard, char text[CLAIM_KEY_SIZE]);
/* As people give it to redis-cli, between double quotes. */
void claim_record_key_text(const char *environment, const struct mid *mid, char text[CLAIM_KEY_TEXT_SIZE]);

/* For the limiter: the connection, and the prefix "n:{r:". */
struct redis *claims_redis(struct claims *claims);

/* --- recovery: Redis has no epoch, so it has forgotten (or never knew) what was sent; or it is another server than the one
 * that was written to last, and may lack what that one was told in the end --- */

/* Called when records must be put back before anything may be claimed. The owner feeds what it knows with
 * claims_restore() and ends with claims_recovered(). Without a function set, claims wait for ever. */
void claims_set_recovery(struct claims *claims, loop_fn fn, void *arg);
/* What was settled before (wall clock, that of records on topics) is there; 0: nothing is. */
int64_t claims_recovery_from_ms(const struct claims *claims);
/* So long may other workers need to notice that Redis is empty, and to put back what they wrote lately, which is more than topics
 * tell. 0: it is not, or there was never anything that we know of. */
int64_t claims_recovery_wait_ms(const struct claims *claims, bool is_topic_empty);
/* Nothing was forgotten since the attempt before, which failed. */
bool claims_recovery_goes_on(const struct claims *claims);
/* Is it still ours to do? Not when it failed, when Redis is away, or has to be asked anew. */
bool claims_recovery_is_ours(const struct claims *claims);
/* `record`: as claim_record_format_*() make it. */
void claims_restore(struct claims *claims, const struct mid *mid, struct slice record, int64_t ttl_ms);
/* RESTOREs that are not answered yet: the feeder keeps this below a bound. */
size_t claims_restore_open_count(const struct claims *claims);
void claims_recovered(struct claims *claims);
/* The recovery could not be done now: it is asked for again after a second. */
void claims_recovery_failed(struct claims *claims, const char *reason);

#endif
