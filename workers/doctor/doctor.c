/*
 * perkline doctor: is everything there that a worker needs, and as it should be?
 */
#include "workers/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/log.h"
#include "workers/commands.h"

static const struct args_usage usage = {
    .command = "perkline doctor",
    .positional = "",
    .summary = "Checks everything that a worker with these settings needs, and says in one line each what is wrong and how\n"
               "to mend it. It asks and changes nothing: nothing is sent, written or committed. Status 1 when anything\n"
               "fails.",
};

/* What a check cannot do without. */
enum need { NEED_NOTHING, NEED_KAFKA, NEED_REDIS, NEED_SETTINGS };

/* In this order: what stands first is asked by those below. */
static const struct check {
    const char *name;
    enum need need;
    void (*run)(struct doctor *doctor);
} checks[] = {
    {"settings", NEED_NOTHING, doctor_check_settings},
    {"misspelt settings", NEED_NOTHING, doctor_check_names},
    {"secrets", NEED_NOTHING, doctor_check_secrets},
    {"open files", NEED_NOTHING, doctor_check_files},
    {"languages and zones", NEED_NOTHING, doctor_check_locale},
    {"templates", NEED_NOTHING, doctor_check_templates},
    {"Kafka brokers", NEED_NOTHING, doctor_check_brokers},
    {"Kafka topics", NEED_KAFKA, doctor_check_topics},
    {"Kafka rights", NEED_KAFKA, doctor_check_rights},
    {"Kafka groups", NEED_KAFKA, doctor_check_groups},
    {"dedupe_for", NEED_KAFKA, doctor_check_retention},
    {"Redis", NEED_NOTHING, doctor_check_redis},
    {"Redis eviction", NEED_REDIS, doctor_check_policy},
    {"Redis persistence", NEED_REDIS, doctor_check_persistence},
    {"Redis replicas", NEED_REDIS, doctor_check_replicas},
    {"clock", NEED_REDIS, doctor_check_clock},
    {"Redis user", NEED_REDIS, doctor_check_user},
    {"provider", NEED_SETTINGS, doctor_check_provider},
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

static const char *const level_names[] = {"ok", "warn", "FAIL", "skip"};

/* One line, whatever was put into it. */
static void flatten(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ') {
            *text = ' ';
        }
    }
}

void doctor_tell(struct doctor *doctor, enum doctor_level level, const char *mend, const char *format, ...)
{
    char text[768];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    flatten(text);
    doctor->counts[level]++;
    if (doctor->is_json) {
        json_array_append_new(doctor->findings,
                              json_pack("{s:s, s:s, s:s, s:s*}", "check", doctor->check, "level", level_names[level],
                                        "text", text, "mend", mend));
    } else {
        printf("%-4s  %-19s  %s%s%s\n", level_names[level], doctor->check, text, mend ? "; " : "", mend ? mend : "");
        fflush(stdout);
    }
}

/* --- the checks --------------------------------------------------------------------------------------------------- */

static const char *find_lack(const struct doctor *doctor, enum need need)
{
    switch (need) {
    case NEED_KAFKA:
        return doctor->has_kafka ? NULL : "Kafka cannot be asked";
    case NEED_REDIS:
        return doctor->redis ? NULL : "Redis cannot be asked";
    case NEED_SETTINGS:
        return doctor->is_settings_whole ? NULL : "the settings are wrong";
    case NEED_NOTHING:
        break;
    }
    return NULL;
}

static void run_all(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *lack = find_lack(doctor, checks[i].need);

        doctor->check = checks[i].name;
        if (lack) {
            doctor_tell(doctor, DOCTOR_SKIP, NULL, "not checked: %s", lack);
        } else {
            checks[i].run(doctor);
        }
    }
}

static void print_summary(const struct doctor *doctor)
{
    size_t failed = doctor->counts[DOCTOR_FAIL], doubtful = doctor->counts[DOCTOR_WARN];

    if (doctor->is_json) {
        json_t *all = json_pack("{s:b, s:i, s:i, s:O}", "is_fine", failed == 0, "failed", (int)failed, "warnings",
                                (int)doubtful, "findings", doctor->findings);

        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        printf("\n%zu fine, %zu to think about, %zu to mend\n", doctor->counts[DOCTOR_OK], doubtful, failed);
    }
}

int doctor_command(int argc, char **argv)
{
    struct doctor doctor = {.has_kafka = false};
    const struct arg table[] = {
        {"json", ARG_FLAG, &doctor.is_json, NULL, "Print one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    int positional = 0;
    int status = args_read(table, &usage, worker_settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    log_set_level(LOG_ERROR); /* the clients' own warnings are in the findings */
    doctor.findings = json_array();
    run_all(&doctor);
    print_summary(&doctor);
    survey_close(&doctor.survey);
    redis_ask_close(doctor.redis);
    json_decref(doctor.findings);
    worker_settings_finish(&doctor.settings);
    return doctor.counts[DOCTOR_FAIL] ? 1 : 0;
}
