#include "workers/doctor/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "run/redis_info.h"

enum { MOST_SKEW_MS = 60000, DOUBTFUL_SKEW_MS = 5000, PROBE_WORDS = 6 };

/* What to do when it cannot be used, by a word of the reason. */
static const char *find_mend(const char *reason)
{
    static const struct {
        const char *word, *mend;
    } rows[] = {
        {"NOAUTH", "name user and password in REDIS_URL: redis://user:password@host:port"},
        {"WRONGPASS", "mend user and password in REDIS_URL"},
        {"NOPERM", "give this user the rights of deploy/redis.acl"},
        {"replica", "point REDIS_URL at the master"},
        {"LOADING", "wait until it has read its data"},
        {"REDIS_URL", "mend REDIS_URL"},
        {"command timed out", "it takes connections and does not answer: is it frozen, swapping, or busy with a script?"},
        {"", "does Redis run there, may we connect, and is REDIS_URL right?"},
    };
    size_t i = 0;

    while (!strstr(reason, rows[i].word)) {
        i++;
    }
    return rows[i].mend;
}

void doctor_check_redis(struct doctor *doctor)
{
    const char *url = doctor->settings.redis_url;
    struct err err = {0};
    json_t *info;
    struct slice version;

    if (!url) {
        doctor_tell(doctor, DOCTOR_SKIP, NULL, "not checked: the settings are wrong");
        return;
    }
    doctor->redis = redis_ask_open(url, &err);
    if (!doctor->redis) {
        doctor_tell(doctor, DOCTOR_FAIL, find_mend(err.text), "%s", err.text);
        return;
    }
    info = redis_ask_call(doctor->redis, (const struct slice[]){SLICE("INFO"), SLICE("server")}, 2, &err);
    version = redis_info_find(slice_of(json_string_value(info)), "redis_version");
    if (version.data && strtol(version.data, NULL, 10) < 7) {
        doctor_tell(doctor, DOCTOR_FAIL, "use Redis 7 or newer", "version %.*s: scripts with flags need 7.0",
                    (int)version.len, version.data);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "a master answers, version %.*s", (int)(version.data ? version.len : 1),
                    version.data ? version.data : "?");
    }
    json_decref(info);
}

/* "" when the server does not tell; good until the next call. */
static const char *find_config(struct doctor *doctor, const char *name)
{
    static char value[256];
    json_t *answer = redis_ask_call(
        doctor->redis, (const struct slice[]){SLICE("CONFIG"), SLICE("GET"), slice_of(name)}, 3, NULL);
    const char *text = json_string_value(json_array_get(answer, 1));

    snprintf(value, sizeof(value), "%s", text ? text : "");
    json_decref(answer);
    return value;
}

void doctor_check_policy(struct doctor *doctor)
{
    const char *policy = find_config(doctor, "maxmemory-policy");

    if (!policy[0]) {
        doctor_tell(doctor, DOCTOR_WARN, "make sure that maxmemory-policy is noeviction",
                    "CONFIG GET is not allowed, so nobody can tell whether records may be evicted");
    } else if (strcmp(policy, "noeviction") != 0) {
        doctor_tell(doctor, DOCTOR_FAIL, "set maxmemory-policy noeviction",
                    "maxmemory-policy is %s: what was sent may be forgotten, so workers refuse it", policy);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "maxmemory-policy is noeviction");
    }
}

void doctor_check_persistence(struct doctor *doctor)
{
    json_t *info = redis_ask_call(doctor->redis, (const struct slice[]){SLICE("INFO"), SLICE("persistence")}, 2, NULL);
    enum redis_persistence persistence = redis_persistence_of(slice_of(json_string_value(info)));
    const char *fsync = find_config(doctor, "appendfsync");

    if (persistence == REDIS_PERSISTENCE_AOF && strcmp(fsync, "no") == 0) {
        doctor_tell(doctor, DOCTOR_WARN, "set appendfsync everysec",
                    "appendfsync is no: a power cut loses half a minute of what was sent");
    } else {
        doctor_tell(doctor,
                    persistence == REDIS_PERSISTENCE_AOF       ? DOCTOR_OK
                    : persistence == REDIS_PERSISTENCE_FAILING ? DOCTOR_FAIL
                                                               : DOCTOR_WARN,
                    NULL, "%s", redis_persistence_text(persistence));
    }
    json_decref(info);
}

void doctor_check_replicas(struct doctor *doctor)
{
    json_t *info = redis_ask_call(doctor->redis, (const struct slice[]){SLICE("INFO"), SLICE("replication")}, 2, NULL);
    struct slice text = redis_info_find(slice_of(json_string_value(info)), "connected_slaves");
    int64_t replicas = 0, least = 0;

    number_parse(text, &replicas);
    number_parse(slice_of(find_config(doctor, "min-replicas-to-write")), &least);
    if (replicas == 0) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "there are none");
    } else if (least < 1) {
        doctor_tell(doctor, DOCTOR_WARN, "set min-replicas-to-write 1 and min-replicas-max-lag 10",
                    "%" PRId64 " replicas, but a primary that lost them goes on alone: two may take writes for a while",
                    replicas);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "%" PRId64 " replicas, %" PRId64 " must be there for writes", replicas,
                    least);
    }
    json_decref(info);
}

void doctor_check_clock(struct doctor *doctor)
{
    struct err err = {0};
    int64_t before_ms = clock_wall_ms();
    json_t *answer = redis_ask_call(doctor->redis, (const struct slice[]){SLICE("TIME")}, 1, &err);
    const char *seconds = json_string_value(json_array_get(answer, 0));
    const char *us = json_string_value(json_array_get(answer, 1));
    int64_t middle_ms = before_ms + (clock_wall_ms() - before_ms) / 2;
    int64_t skew_ms;

    if (!seconds || !us || !redis_time_of(slice_of(seconds), slice_of(us), &skew_ms)) {
        doctor_tell(doctor, DOCTOR_FAIL, "let the user run TIME (deploy/redis.acl)", "%s",
                    err_is_set(&err) ? err.text : "unexpected answer to TIME");
    } else {
        skew_ms -= middle_ms;
        doctor_tell(doctor,
                    llabs(skew_ms) > MOST_SKEW_MS       ? DOCTOR_FAIL
                    : llabs(skew_ms) > DOUBTFUL_SKEW_MS ? DOCTOR_WARN
                                                        : DOCTOR_OK,
                    llabs(skew_ms) > DOUBTFUL_SKEW_MS ? "let NTP set the clocks of both machines" : NULL,
                    "Redis' clock is %lld ms %s ours", llabs(skew_ms), skew_ms < 0 ? "behind" : "ahead of");
    }
    json_decref(answer);
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

/* Each command that a worker or another command needs, so put that it has no effect: on a key that is not there, or with
 * an argument that the server refuses after it has looked at the rights. KEY stands for a key of ours. */
#define KEY "\1"

static const struct {
    const char *words[PROBE_WORDS];
    const char *needed_for;
    const char *name; /* NULL: the first word */
} probes[] = {
    {{"GET", KEY}, "workers", NULL},
    {{"SET", KEY, "x", "XX"}, "workers", NULL},
    {{"DEL", KEY}, "workers", NULL},
    {{"EXISTS", KEY}, "templates", NULL},
    {{"PEXPIRE", KEY, "1"}, "workers", NULL},
    {{"HGET", KEY, "f"}, "workers", NULL},
    {{"HSET", KEY, "f", "x", "left over"}, "workers", NULL},
    {{"HINCRBY", KEY, "f", "no number"}, "workers", NULL},
    {{"ZADD", KEY, "no number", "m"}, "workers", NULL},
    {{"ZRANGE", KEY, "0", "0"}, "workers", NULL},
    {{"ZREVRANGE", KEY, "0", "0"}, "templates", NULL},
    {{"ZREM", KEY, "m"}, "workers", NULL},
    {{"ZREMRANGEBYSCORE", KEY, "0", "0"}, "workers", NULL},
    {{"EVAL", "return 1", "1", KEY}, "workers", NULL},
    {{"EVALSHA", "0000000000000000000000000000000000000000", "1", KEY}, "workers", NULL},
    {{"SCRIPT", "LOAD", "return 1"}, "workers", "SCRIPT LOAD"},
};

/* True when the server would refuse it to this user. */
static bool is_denied(struct doctor *doctor, const char *const words[PROBE_WORDS], const char *key)
{
    struct slice args[PROBE_WORDS];
    struct err err = {0};
    size_t count = 0;

    for (; count < PROBE_WORDS && words[count]; count++) {
        args[count] = slice_of(strcmp(words[count], KEY) == 0 ? key : words[count]);
    }
    json_decref(redis_ask_call(doctor->redis, args, count, &err));
    return strstr(err.text, "NOPERM") != NULL;
}

/* Rights that nobody should have who only sends messages. Put so that they have no effect, too. */
static bool is_almighty(struct doctor *doctor)
{
    static const char *const words[PROBE_WORDS] = {"CONFIG", "SET", "no-such-setting-of-redis", "1"};

    return !is_denied(doctor, words, "");
}

void doctor_check_user(struct doctor *doctor)
{
    char key[80];
    size_t denied = 0;

    snprintf(key, sizeof(key), "n:{%.32s.doctor}:nothing",
             doctor->settings.environment ? doctor->settings.environment : "dev");
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (is_denied(doctor, probes[i].words, key)) {
            doctor_tell(doctor, DOCTOR_FAIL, "use the rules of deploy/redis.acl", "the user may not %s on n:* (%s)",
                        probes[i].name ? probes[i].name : probes[i].words[0], probes[i].needed_for);
            denied++;
        }
    }
    if (denied == 0 && is_almighty(doctor)) {
        doctor_tell(doctor, DOCTOR_WARN, "give perkline a user of its own with the rules of deploy/redis.acl",
                    "the user may do everything, FLUSHALL too");
    } else if (denied == 0) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "it may do what it must, and not everything");
    }
}
