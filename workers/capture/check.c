#include "workers/capture/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/number.h"
#include "core/event.h"
#include "core/event_json.h"
#include "core/record_json.h"

enum { MOST_PRINTED = 100 };

/* A line that is looked at. */
struct line {
    struct check *check;
    const char *path;
    size_t number;
};

/* --- one line ----------------------------------------------------------------------------------------------------- */

static void look_at_text(struct line *line, const char *field, struct slice text)
{
    struct slice found;
    enum pseudonym_kind kind;

    if (!text.len || !pseudonym_set_find(line->check->set, text, &found, &kind)) {
        return;
    }
    if (line->check->found++ < MOST_PRINTED) {
        fprintf(line->check->to, "%s:%zu: holds an original of the source (%s)%s%s\n", line->path, line->number,
                pseudonym_kind_name(kind), field ? " in " : "", field ? field : "");
    }
}

static json_t *look_at_leaf(void *arg, const struct personal_leaf *leaf)
{
    char number[NUMBER_TEXT_SIZE];

    if (leaf->class == PERSONAL_YES && json_is_integer(leaf->value)) {
        look_at_text(arg, leaf->path, number_format(json_integer_value(leaf->value), number));
    } else if (leaf->class != PERSONAL_NO && json_is_string(leaf->value)) {
        look_at_text(arg, leaf->path, slice_make(json_string_value(leaf->value), json_string_length(leaf->value)));
    }
    return NULL;
}

static char *look_at_name(void *arg, const char *path, const char *name)
{
    (void)path;
    look_at_text(arg, "the name of a field", slice_of(name));
    return NULL;
}

static void look_at_record(struct line *line, const struct record *record)
{
    const struct personal_visitor visitor = {look_at_leaf, look_at_name, line};
    const char *reason;
    struct err ignored = {0};
    json_t *root = record->value.len ? event_json_parse(record->value, &reason, &ignored) : NULL;

    if (root) {
        json_decref(personal_walk(line->check->rules, root, event_is_binary(record) ? "data" : "", &visitor));
        json_decref(root);
    } else {
        look_at_text(line, "value", record->value);
    }
    look_at_text(line, "key", record->key);
    for (size_t i = 0; i < record->header_count; i++) {
        char *field = xasprintf("header.%s", record->headers[i].name);

        look_at_text(line, field, record->headers[i].value);
        free(field);
    }
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool check_file(struct check *check, const char *path, struct err *err)
{
    FILE *file = fopen(path, "r");
    struct line line = {check, path, 0};
    struct record_json record;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    bool is_fine;

    if (!file) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    check->files++;
    record_json_init(&record);
    while ((len = getline(&text, &size, file)) >= 0) {
        struct slice all = {text, (size_t)len};
        struct err ignored = {0};

        line.number++;
        if (text[0] == '{' && record_json_parse(&record, all, &ignored)) {
            look_at_record(&line, &record.record);
        } else {
            look_at_text(&line, NULL, all);
        }
    }
    check->lines += line.number;
    is_fine = !ferror(file) || err_set(err, "%s: %s", path, strerror(errno));
    record_json_finish(&record);
    free(text);
    fclose(file);
    return is_fine;
}

static bool check_dir(struct check *check, const char *path, struct err *err)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bool is_fine = count >= 0 || err_set(err, "%s: %s", path, strerror(errno));

    for (int i = 0; i < count; i++) {
        if (is_fine && strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
            char *inner = xasprintf("%s/%s", path, entries[i]->d_name);

            is_fine = check_path(check, inner, err);
            free(inner);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return is_fine;
}

bool check_path(struct check *check, const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return check_dir(check, path, err);
    }
    return S_ISREG(st.st_mode) ? check_file(check, path, err) : true;
}
