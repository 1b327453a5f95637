/*
 * perkline pause, perkline resume: stop sending on purpose, and go on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/settings.h"
#include "run/pool.h"
#include "run/setting_rows.h"
#include "workers/commands.h"
#include "workers/pause/target.h"
#include "workers/pool_view.h"

enum { FOLLOW_MS = 2000, LOOK_MS = 50, MOST_TRIES = 5 };

static const struct args_usage pause_usage = {
    .command = "perkline pause",
    .positional = "[all | channel NAME | flow NAME | provider NAME]",
    .summary =
        "Stops sending on all workers within a second, until `perkline resume`; also workers that start later keep\n"
        "to it. What is on the wire is finished. Nothing is lost: a paused channel or provider stays in Kafka, the\n"
        "messages of a paused flow wait on the retry topics and hold nobody up. Their age counts on: what is older\n"
        "than the flow's max_age by then ends as expired. Without a target it lists what is paused.",
    .most_positional = 2,
};

static const struct args_usage resume_usage = {
    .command = "perkline resume",
    .positional = "all | channel NAME | flow NAME | provider NAME",
    .summary = "Takes back one `perkline pause`, on all workers within a second. \"all\" takes back \"pause all\", and\n"
               "nothing else that was paused.",
    .most_positional = 2,
};

struct options {
    const char *redis_url, *environment;
    const char *by, *reason;
    bool is_json;
};

static const struct setting settings_table[] = {
    SETTING_ROW_REDIS_URL(struct options, redis_url),
    SETTING_ROW_ENVIRONMENT(struct options, environment),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

/* One run of either command. */
struct act {
    const char *name; /* "pause", "resume" */
    const struct options *options;
    struct redis_ask *redis;
    struct pool_keys keys;
    struct pause target;
    bool is_pause;
};

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

static void print_list(const struct pause_list *list, const char *head)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pause *pause = &list->items[i];
        char text[TARGET_TEXT_SIZE], since[CLOCK_ISO_SIZE];

        clock_format_iso(pause->since_ms, since);
        printf("%s%s since %s%s%s%s%s\n", head, target_format(pause, text), since, pause->by[0] ? " by " : "", pause->by,
               pause->reason[0] ? ": " : "", pause->reason);
    }
}

static bool show(struct act *act, struct err *err)
{
    struct pool_view view;

    if (!pool_view_look(act->redis, &act->keys, &view, err)) {
        return false;
    }
    if (act->options->is_json) {
        print_json(json_pack("{s:o}", "paused", pool_view_pauses(&view)));
    } else if (view.pauses.count == 0) {
        puts("nothing is paused");
    } else {
        print_list(&view.pauses, "");
    }
    pool_view_finish(&view);
    return true;
}

/* --- who has heard ------------------------------------------------------------------------------------------------ */

static size_t count_heard(const struct pool_view *view, int64_t serial)
{
    size_t count = 0;

    for (size_t i = 0; i < view->worker_count; i++) {
        count += view->workers[i].heard >= serial;
    }
    return count;
}

static void report(const struct act *act, const struct pool_view *view, int64_t serial, int64_t ms)
{
    size_t heard = count_heard(view, serial);
    const char *verb = act->is_pause ? "paused" : "resumed";
    char text[TARGET_TEXT_SIZE];

    if (act->options->is_json) {
        print_json(json_pack("{s:s, s:s, s:s, s:b, s:i, s:i, s:I, s:o}", "action", act->name, "scope",
                             pause_scope_name(act->target.scope), "name", act->target.name, "is_done",
                             heard == view->worker_count, "workers", (int)view->worker_count, "workers_heard",
                             (int)heard, "ms", (json_int_t)ms, "paused", pool_view_pauses(view)));
        return;
    }
    if (view->worker_count == 0) {
        printf("%s is %s; no worker runs now, those that start will keep to it\n", target_format(&act->target, text),
               verb);
    } else {
        printf("%s is %s: %zu of %zu workers have heard it after %.1f s\n", target_format(&act->target, text), verb,
               heard, view->worker_count, (double)ms / 1000);
    }
    for (size_t i = 0; i < view->worker_count; i++) {
        if (view->workers[i].heard < serial) {
            printf("    %s has not; its last beat was %.1f s ago\n", view->workers[i].name,
                   (double)view->workers[i].silent_ms / 1000);
        }
    }
    if (!act->is_pause) {
        print_list(&view->pauses, "still paused: ");
    }
}

/* Waits until all have heard. */
static bool follow(struct act *act, int64_t serial, struct err *err)
{
    int64_t started = clock_mono_ms();

    for (;;) {
        struct pool_view view;
        int64_t ms;
        bool is_done;

        if (!pool_view_look(act->redis, &act->keys, &view, err)) {
            return false;
        }
        ms = clock_mono_ms() - started;
        is_done = count_heard(&view, serial) == view.worker_count;
        if (is_done || ms > FOLLOW_MS) {
            report(act, &view, serial, ms);
            pool_view_finish(&view);
            return is_done || err_set(err, "not all workers have heard it; it stands in Redis, and they keep to it as "
                                           "soon as they do");
        }
        pool_view_finish(&view);
        redis_ask_sleep_ms(act->redis, LOOK_MS);
    }
}

/* --- changing the list -------------------------------------------------------------------------------------------- */

/* Later than any list that a worker may bring back to an emptied Redis. */
static int64_t next_serial(const struct pool_view *view)
{
    return view->pauses.serial >= view->now_ms ? view->pauses.serial + 1 : view->now_ms;
}

static bool change(const struct act *act, const struct pool_view *view, struct pause_list *list, struct err *err)
{
    struct pause pause = act->target;
    bool is_checked;

    *list = view->pauses;
    list->serial = next_serial(view);
    if (!act->is_pause) {
        return target_check_paused(&pause, list, err) && pause_list_remove(list, pause.scope, pause.name);
    }
    if (!target_check(&pause, act->redis, &act->keys, view, &is_checked, err)) {
        return false;
    }
    if (!is_checked) {
        fprintf(stderr, "perkline pause: note: Redis knows of no templates, so nobody knows whether there is a flow %s\n",
                pause.name);
    }
    pause.since_ms = view->now_ms;
    return pause_list_add(list, &pause, err);
}

/* False without err: somebody else was faster. */
static bool write_list(struct act *act, const struct pause_list *seen, const struct pause_list *list, struct err *err)
{
    struct buf old_text, new_text;
    json_t *answer;
    bool is_taken;

    buf_init(&old_text, 0);
    buf_init(&new_text, 0);
    pause_list_format(seen, &old_text);
    pause_list_format(list, &new_text);
    answer = redis_ask_eval(
        act->redis, &pool_choose_script,
        (const struct slice[]){slice_of(act->keys.pauses), buf_slice(&old_text), buf_slice(&new_text)}, 3, err);
    is_taken = json_integer_value(answer) == 1;
    json_decref(answer);
    buf_finish(&old_text);
    buf_finish(&new_text);
    return is_taken;
}

static bool carry_out(struct act *act, struct err *err)
{
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        struct pool_view view;
        struct pause_list list;
        bool is_fine, is_taken;

        if (!pool_view_look(act->redis, &act->keys, &view, err)) {
            return false;
        }
        is_fine = change(act, &view, &list, err);
        is_taken = is_fine && write_list(act, &view.pauses, &list, err);
        pool_view_finish(&view);
        if (!is_fine || err_is_set(err)) {
            return false;
        }
        if (is_taken) {
            return follow(act, list.serial, err);
        }
    }
    return err_set(err, "others pause and resume all the time; try again");
}

/* --- the commands ------------------------------------------------------------------------------------------------- */

static bool take_texts(struct act *act, struct err *err)
{
    const struct options *options = act->options;
    const char *by = options->by;

    if (!by && !(by = getenv("SUDO_USER")) && !(by = getenv("USER"))) {
        by = "";
    }
    if (!pause_text_is_fit(slice_of(by), PAUSE_BY_SIZE)) {
        return err_set(err, "--by: one line of at most %d bytes", PAUSE_BY_SIZE - 1);
    }
    if (!pause_text_is_fit(slice_of(options->reason), PAUSE_REASON_SIZE)) {
        return err_set(err, "--reason: one line of at most %d bytes", PAUSE_REASON_SIZE - 1);
    }
    snprintf(act->target.by, sizeof(act->target.by), "%s", by);
    snprintf(act->target.reason, sizeof(act->target.reason), "%s", options->reason ? options->reason : "");
    return true;
}

static bool run(struct act *act, bool is_list, struct err *err)
{
    bool is_done;

    act->redis = redis_ask_open(act->options->redis_url, err);
    if (!act->redis) {
        return false;
    }
    pool_keys_init(&act->keys, act->options->environment);
    is_done = is_list ? show(act, err) : carry_out(act, err);
    redis_ask_close(act->redis);
    return is_done;
}

static int command(struct act *act, const struct arg *table, const struct args_usage *usage, struct options *options,
                   int argc, char **argv)
{
    struct options read = {.is_json = false};
    struct err err = {0};
    int positional = 0;
    bool is_done;
    int status = args_read(table, usage, settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    act->options = options;
    if ((positional == 0 && !act->is_pause && !err_set(&err, "what? (all, channel NAME, flow NAME, provider NAME)")) ||
        (positional > 0 && !target_parse(positional, argv + 1, &act->target, &err)) || !take_texts(act, &err)) {
        fprintf(stderr, "%s: %s\n", usage->command, err.text);
        return 2;
    }
    is_done = settings_load(settings_table, &read, &err);
    if (is_done) {
        options->redis_url = read.redis_url;
        options->environment = read.environment;
        is_done = setting_rows_check_environment(read.environment, &err) && run(act, positional == 0, &err);
        settings_finish(settings_table, &read);
    }
    if (!is_done) {
        fprintf(stderr, "%s: %s\n", usage->command, err.text);
    }
    return is_done ? 0 : 1;
}

int pause_command(int argc, char **argv)
{
    struct options options = {.is_json = false};
    struct act act = {.name = "pause", .is_pause = true};
    const struct arg table[] = {
        {"reason", ARG_TEXT, &options.reason, "TEXT", "Why, for others to read."},
        {"by", ARG_TEXT, &options.by, "NAME", "Who; else who you are to this machine."},
        {"json", ARG_FLAG, &options.is_json, NULL, "Print one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };

    return command(&act, table, &pause_usage, &options, argc, argv);
}

int resume_command(int argc, char **argv)
{
    struct options options = {.is_json = false};
    struct act act = {.name = "resume"};
    const struct arg table[] = {
        {"json", ARG_FLAG, &options.is_json, NULL, "Print one JSON object."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };

    return command(&act, table, &resume_usage, &options, argc, argv);
}
