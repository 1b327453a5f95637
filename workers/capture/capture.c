/*
 * perkline capture: a range of a topic as a file of events, with made-up values in the place of personal ones. Two
 * passes: the first learns what is personal and tells what is not known to be, the second writes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/settings.h"
#include "workers/capture/check.h"
#include "workers/capture/mask.h"
#include "workers/capture/survey.h"
#include "workers/commands.h"
#include "workers/event_range.h"

enum { WAIT_MS = 200, KEY_BYTES = 32, LEAST_KEY_BYTES = 16, MOST_KEY_BYTES = 4096, MOST_LINE = 16 << 20 };

static const struct args_usage usage = {
    .command = "perkline capture",
    .positional = "",
    .summary = "Writes events of a topic (or a file) to a file that `perkline replay --input` reads, with stable "
               "made-up values in\n"
               "the place of personal ones: names, addresses, phones, ids, wherever they stand. What is not known to "
               "be personal\n"
               "is listed before anything is written; on a terminal you are asked, elsewhere say --yes. Values shorter "
               "than a\n"
               "name of three letters or an id of five are only found where they are the whole of a text. --check "
               "looks for any\n"
               "original value of the range in a file or folder: exit status 1 and the lines, when there is one.",
};

struct capture {
    struct event_range range;
    struct personal_rules rules;
    const char *out, *key_file, *check;
    bool is_list, is_yes;

    struct worker_settings settings;
    struct pseudonym_set *set;
    struct survey *survey;
    struct place *places;
    size_t place_count;
    size_t seen; /* records of the first pass */
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signum)
{
    (void)signum;
    is_interrupted = 1;
}

/* --- both passes see the same records ----------------------------------------------------------------------------- */

/* How far the first pass came in a partition. */
struct place {
    char *topic;
    int32_t partition;
    int64_t last;
};

static struct place *find_place(const struct capture *capture, const struct record *record)
{
    for (size_t i = 0; i < capture->place_count; i++) {
        if (capture->places[i].partition == record->partition && strcmp(capture->places[i].topic, record->topic) == 0) {
            return &capture->places[i];
        }
    }
    return NULL;
}

static void note_place(struct capture *capture, const struct record *record)
{
    struct place *place = find_place(capture, record);

    if (!place) {
        capture->places = xreallocarray(capture->places, capture->place_count + 1, sizeof(*capture->places));
        place = &capture->places[capture->place_count++];
        *place = (struct place){xstrdup(record->topic), record->partition, record->offset};
    }
    place->last = record->offset > place->last ? record->offset : place->last;
}

/* Of a topic; in a file the places need not rise, and the number of records says where the first pass ended. */
static bool was_seen(const struct capture *capture, const struct record *record)
{
    const struct place *place = find_place(capture, record);

    return capture->range.input || (place && record->offset <= place->last);
}

typedef bool (*record_fn)(struct capture *capture, const struct record *record, void *arg, struct err *err);

static bool is_wanted(const struct capture *capture, const struct record *record)
{
    struct event event = {0};
    struct err ignored = {0};
    const char *reason;
    bool is_event, is_wanted;

    if (!event_range_has_filter(&capture->range)) {
        return true;
    }
    is_event = event_decode(record, &event, &reason, &ignored);
    is_wanted = is_event && event_range_wants(&capture->range, &event);
    event_finish(&event);
    return is_wanted;
}

/* Every record that is wanted, at most `most` (0: all). */
static bool read_all(struct capture *capture, const char *what, size_t most, record_fn fn, void *arg, struct err *err)
{
    const char *name;
    struct record_source *source =
        event_range_open(&capture->range, &capture->settings, "perkline-capture", NULL, &name, err);
    struct progress progress;
    const struct record *record;
    size_t count = 0;
    bool is_end = false, is_fine = source != NULL;

    progress_init(&progress, stderr);
    while (is_fine && !is_end && (!most || count < most)) {
        if (is_interrupted) {
            is_fine = err_set(err, "interrupted");
            break;
        }
        is_fine = record_source_next(source, WAIT_MS, &record, &is_end, err);
        if (!is_fine || !record || !is_wanted(capture, record)) {
            continue;
        }
        is_fine = fn(capture, record, arg, err);
        count++;
        if (progress_is_due(&progress, false)) {
            progress_print(&progress, false, "%s %zu records", what, count);
        }
    }
    progress_end_line(&progress);
    record_source_close(source);
    return is_fine;
}

/* --- first pass --------------------------------------------------------------------------------------------------- */

static bool look_at_record(struct capture *capture, const struct record *record, void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    note_place(capture, record);
    survey_add(capture->survey, record);
    capture->seen++;
    return true;
}

static bool look(struct capture *capture, struct err *err)
{
    return read_all(capture, "looked at", (size_t)capture->range.limit, look_at_record, NULL, err);
}

static bool make_set(struct capture *capture, struct err *err)
{
    char key[KEY_BYTES];
    char *text;
    size_t len;

    if (!capture->key_file) {
        random_bytes_from_system(key, sizeof(key));
        capture->set = pseudonym_set_create(slice_make(key, sizeof(key)));
        explicit_bzero(key, sizeof(key));
        return true;
    }
    text = settings_read_file(capture->key_file, MOST_KEY_BYTES, &len, err);
    if (!text) {
        return err_prefix(err, "--key");
    }
    if (len < LEAST_KEY_BYTES) {
        err_set(err, "--key: %s has %zu bytes, at least %d are needed", capture->key_file, len, LEAST_KEY_BYTES);
    } else {
        capture->set = pseudonym_set_create(slice_make(text, len));
    }
    explicit_bzero(text, len);
    free(text);
    return capture->set != NULL;
}

/* --- second pass -------------------------------------------------------------------------------------------------- */

struct output {
    FILE *file;
    struct buf line;
    size_t records, read;
    long values;
};

/* A line of a file that has no place of its own has the file's path for a topic, which is nobody's business. */
static struct record without_path(const struct capture *capture, const struct record *record)
{
    struct record copy = *record;
    const char *slash = strrchr(record->topic, '/');

    if (capture->range.input && strcmp(record->topic, capture->range.input) == 0 && slash) {
        copy.topic = slash + 1;
    }
    return copy;
}

static bool write_record(struct capture *capture, const struct record *record, void *arg, struct err *err)
{
    struct record named = without_path(capture, record);
    struct output *output = arg;
    long values;

    if (!was_seen(capture, record)) {
        return true;
    }
    buf_clear(&output->line);
    values = mask_append(&capture->rules, capture->set, &named, &output->line);
    if (values < 0) {
        return true;
    }
    output->records++;
    output->values += values;
    buf_append_char(&output->line, '\n');
    return fwrite(buf_text(&output->line), 1, output->line.len, output->file) == output->line.len ||
           err_set(err, "%s: %s", capture->out, strerror(errno));
}

static bool is_standard_output(const struct capture *capture)
{
    return strcmp(capture->out, "-") == 0;
}

/* Under another name until it is whole. */
static bool write_file(struct capture *capture, struct output *output, struct err *err)
{
    char *part = xasprintf("%s.part", capture->out);
    bool is_fine;

    output->file = is_standard_output(capture) ? stdout : fopen(part, "w");
    is_fine = output->file || err_set(err, "%s: %s", part, strerror(errno));
    is_fine =
        is_fine && read_all(capture, "written", capture->range.input ? capture->seen : 0, write_record, output, err);
    if (is_standard_output(capture)) {
        is_fine = (fflush(stdout) == 0 || err_set(err, "%s", strerror(errno))) && is_fine;
    } else if (output->file) {
        is_fine = (fclose(output->file) == 0 || err_set(err, "%s: %s", part, strerror(errno))) && is_fine;
        if (is_fine && rename(part, capture->out) != 0) {
            is_fine = err_set(err, "%s: %s", capture->out, strerror(errno));
        }
        if (!is_fine) {
            unlink(part);
        }
    }
    free(part);
    return is_fine;
}

static bool is_confirmed(const struct capture *capture, struct err *err)
{
    size_t count = survey_count(capture->survey) - survey_unfit_count(capture->survey);
    char answer[16];

    if (capture->is_yes) {
        return true;
    }
    if (count == 0) {
        return err_set(err, "nothing was written: no event lies in this range");
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        return err_set(err, "nothing was written: look at the list, and say --yes");
    }
    fprintf(stderr, "\nWrite %zu events to %s? [y/N] ", count, capture->out);
    return (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) ||
           err_set(err, "nothing was written");
}

static bool write_capture(struct capture *capture, struct err *err)
{
    struct output output = {.records = 0};
    bool is_fine;

    survey_print(capture->survey, stderr);
    if (!is_confirmed(capture, err)) {
        return false;
    }
    buf_init(&output.line, MOST_LINE);
    is_fine = write_file(capture, &output, err);
    buf_finish(&output.line);
    if (is_fine) {
        fprintf(stderr, "\n%s: %zu events, %ld values replaced%s\n", capture->out, output.records, output.values,
                capture->key_file ? "" : "; the key was made for this run (--key FILE makes it repeatable)");
    }
    return is_fine;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool check_result(struct capture *capture, bool *is_clean, struct err *err)
{
    struct check check = {.rules = &capture->rules, .set = capture->set, .to = stdout};

    if (!check_path(&check, capture->check, err)) {
        return false;
    }
    *is_clean = check.found == 0;
    printf("%zu originals of %zu events found in %zu lines of %zu files\n", check.found, capture->seen, check.lines,
           check.files);
    return true;
}

static int run(struct capture *capture)
{
    struct err err = {0};
    bool is_clean = true;
    bool is_fine = make_set(capture, &err);

    if (is_fine) {
        capture->survey = survey_create(&capture->rules, capture->set);
        is_fine = look(capture, &err);
    }
    if (is_fine && capture->check) {
        is_fine = check_result(capture, &is_clean, &err);
    } else if (is_fine && capture->is_list) {
        survey_print(capture->survey, stdout);
    } else if (is_fine) {
        is_fine = write_capture(capture, &err);
    }
    if (!is_fine) {
        fprintf(stderr, "perkline capture: %s\n", err.text);
    }
    survey_destroy(capture->survey);
    pseudonym_set_destroy(capture->set);
    for (size_t i = 0; i < capture->place_count; i++) {
        free(capture->places[i].topic);
    }
    free(capture->places);
    return is_fine && is_clean ? 0 : 1;
}

static bool check_options(struct capture *capture, struct err *err)
{
    int modes = (capture->out != NULL) + (capture->check != NULL) + capture->is_list;

    if (modes != 1) {
        return err_set(err, "say one of --out FILE, --list, --check PATH");
    }
    if (capture->range.input && strcmp(capture->range.input, "-") == 0) {
        return err_set(err, "the source is read twice: --input must be a file");
    }
    capture->range.is_by_time = true; /* the same order each time */
    return personal_rules_check(&capture->rules, err) && event_range_check(&capture->range, clock_wall_ms(), err);
}

int capture_command(int argc, char **argv)
{
    struct capture capture = {.range = EVENT_RANGE_DEFAULTS};
    const struct arg table[] = {
        EVENT_RANGE_ARGS(&capture.range),
        {"out", ARG_TEXT, &capture.out, "FILE", "Where the capture goes; - is standard output."},
        {"list", ARG_FLAG, &capture.is_list, NULL, "Only list what is personal and what is not known to be."},
        {"check", ARG_TEXT, &capture.check, "PATH", "Look for originals of the range in this file or folder; with the same --personal and --keep."},
        {"personal", ARG_TEXT, &capture.rules.personal, "PATHS", "Also personal: \"data.gift.note,data.notes\"."},
        {"keep", ARG_TEXT, &capture.rules.keep, "PATHS", "Never changed, whatever stands there."},
        {"key", ARG_TEXT, &capture.key_file, "FILE",
         "Secret of at least 16 bytes: the same key makes up the same values (a new one for every run)."},
        {"yes", ARG_FLAG, &capture.is_yes, NULL, "Write without asking."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct sigaction action = {.sa_handler = on_signal};
    static const char *const names[] = {EVENT_RANGE_SETTINGS, NULL};
    struct setting shown[sizeof(names) / sizeof(names[0])];
    struct err err = {0};
    int positional = 0, status;

    settings_choose(worker_settings_table, names, shown);
    status = args_read(table, &usage, shown, argc, argv, &positional);
    if (status != ARGS_GO_ON) {
        return status;
    }
    if (!check_options(&capture, &err)) {
        fprintf(stderr, "perkline capture: %s\n", err.text);
        return 2;
    }
    log_set_level(LOG_ERROR);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!worker_settings_load(&capture.settings, NULL, &err)) {
        fprintf(stderr, "perkline capture: %s\n", err.text);
        status = 1;
    } else {
        status = run(&capture);
    }
    worker_settings_finish(&capture.settings);
    return status;
}
