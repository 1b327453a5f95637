#include "workers/capture/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "core/event.h"
#include "core/event_json.h"

enum { MOST_EXAMPLES = 20, SHOWN_EXAMPLES = 3, MOST_EXAMPLE_BYTES = 200, SHOWN_LETTERS = 24 };

/* One path. */
struct field_count {
    char *path;
    char *shown; /* for people: without control characters */
    enum personal_class class;
    enum pseudonym_kind kind;
    size_t count;
    char *examples[MOST_EXAMPLES]; /* different ones; of fields that are not personal */
    size_t example_count;
    bool has_more;
    UT_hash_handle hh;
};

/* Why a record cannot be captured. */
struct unfit_count {
    const char *reason; /* of event.h */
    size_t count;
    UT_hash_handle hh;
};

struct survey {
    const struct personal_rules *rules;
    struct pseudonym_set *set;
    struct field_count *fields; /* hash by path */
    struct unfit_count *unfit;  /* hash by reason */
    size_t count, unfit_total;
};

/* Heap text. */
static char *copy_shown(struct slice text)
{
    char *copy = xmemdup(text.data, text.len);

    utf8_blank_controls(copy, text.len, false);
    return copy;
}

struct survey *survey_create(const struct personal_rules *rules, struct pseudonym_set *set)
{
    struct survey *survey = xcalloc(1, sizeof(*survey));

    survey->rules = rules;
    survey->set = set;
    return survey;
}

void survey_destroy(struct survey *survey)
{
    struct field_count *field, *next_field;
    struct unfit_count *unfit, *next_unfit;

    if (!survey) {
        return;
    }
    HASH_ITER(hh, survey->fields, field, next_field)
    {
        HASH_DEL(survey->fields, field);
        for (size_t i = 0; i < field->example_count; i++) {
            free(field->examples[i]);
        }
        free(field->path);
        free(field->shown);
        free(field);
    }
    HASH_ITER(hh, survey->unfit, unfit, next_unfit)
    {
        HASH_DEL(survey->unfit, unfit);
        free(unfit);
    }
    free(survey);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static struct field_count *get_field(struct survey *survey, const struct personal_leaf *leaf)
{
    struct field_count *field = NULL;

    HASH_FIND_STR(survey->fields, leaf->path, field);
    if (!field) {
        field = xcalloc(1, sizeof(*field));
        field->path = xstrdup(leaf->path);
        field->shown = copy_shown(slice_of(leaf->path));
        field->class = leaf->class;
        field->kind = leaf->kind;
        HASH_ADD_KEYPTR(hh, survey->fields, field->path, strlen(field->path), field);
    }
    return field;
}

static void add_example(struct field_count *field, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    for (size_t i = 0; text && i < field->example_count; i++) {
        if (strcmp(field->examples[i], text) == 0) {
            free(text);
            return;
        }
    }
    if (text && field->example_count < MOST_EXAMPLES && strlen(text) <= MOST_EXAMPLE_BYTES) {
        field->examples[field->example_count++] = text;
        return;
    }
    field->has_more = true;
    free(text);
}

static void learn(struct survey *survey, const struct personal_leaf *leaf)
{
    struct slice text = slice_make(json_string_value(leaf->value), json_string_length(leaf->value));
    char number[NUMBER_TEXT_SIZE];
    struct slice id;

    if (json_is_integer(leaf->value) && leaf->class == PERSONAL_YES) {
        pseudonym_set_learn(survey->set, leaf->kind, number_format(json_integer_value(leaf->value), number), NULL);
    }
    if (!json_is_string(leaf->value)) {
        return;
    }
    if (leaf->class == PERSONAL_YES) {
        pseudonym_set_learn(survey->set, personal_kind_of(leaf->kind, text), text, leaf->language);
        return;
    }
    if (personal_find_subject_id(leaf->path, text, &id)) {
        pseudonym_set_learn(survey->set, PSEUDONYM_ID, id, NULL);
    }
    pseudonym_set_learn_addresses(survey->set, text);
}

static json_t *look_at(void *arg, const struct personal_leaf *leaf)
{
    struct survey *survey = arg;
    struct field_count *field = get_field(survey, leaf);

    field->count++;
    if (leaf->class == PERSONAL_UNKNOWN) {
        add_example(field, leaf->value);
    }
    if (leaf->class != PERSONAL_NO) {
        learn(survey, leaf);
    }
    return NULL;
}

/* The names of members may be addresses. */
static char *look_at_name(void *arg, const char *path, const char *name)
{
    struct survey *survey = arg;

    (void)path;
    pseudonym_set_learn_addresses(survey->set, slice_of(name));
    return NULL;
}

static void look_at_text(struct survey *survey, const char *path, struct slice text)
{
    const struct personal_visitor visitor = {look_at, look_at_name, survey};
    json_t *value = text.data ? json_stringn(text.data, text.len) : NULL;

    if (value) {
        json_decref(personal_walk(survey->rules, value, path, &visitor));
    }
    json_decref(value);
}

static void count_unfit(struct survey *survey, const char *reason)
{
    struct unfit_count *unfit = NULL;

    HASH_FIND_STR(survey->unfit, reason, unfit);
    if (!unfit) {
        unfit = xcalloc(1, sizeof(*unfit));
        unfit->reason = reason;
        HASH_ADD_KEYPTR(hh, survey->unfit, unfit->reason, strlen(unfit->reason), unfit);
    }
    unfit->count++;
    survey->unfit_total++;
}

bool survey_add(struct survey *survey, const struct record *record)
{
    const struct personal_visitor visitor = {look_at, look_at_name, survey};
    const char *reason = "empty";
    struct err ignored = {0};
    json_t *root = record->value.len ? event_json_parse(record->value, &reason, &ignored) : NULL;

    survey->count++;
    if (!root) {
        count_unfit(survey, reason);
        return false;
    }
    json_decref(personal_walk(survey->rules, root, event_is_binary(record) ? "data" : "", &visitor));
    json_decref(root);
    look_at_text(survey, "key", record->key);
    for (size_t i = 0; i < record->header_count; i++) {
        char *path = xasprintf("header.%s", record->headers[i].name);

        look_at_text(survey, path, record->headers[i].value);
        free(path);
    }
    return true;
}

size_t survey_count(const struct survey *survey)
{
    return survey->count;
}

size_t survey_unfit_count(const struct survey *survey)
{
    return survey->unfit_total;
}

/* --- saying ------------------------------------------------------------------------------------------------------- */

static int compare_fields(const void *left, const void *right)
{
    const struct field_count *const *a = left, *const *b = right;

    return strcmp((*a)->path, (*b)->path);
}

/* Heap array, sorted by path. */
static struct field_count **sort_fields(const struct survey *survey, size_t *count)
{
    struct field_count **sorted = xcalloc(HASH_COUNT(survey->fields) + 1, sizeof(*sorted));

    *count = 0;
    for (struct field_count *field = survey->fields; field; field = field->hh.next) {
        sorted[(*count)++] = field;
    }
    qsort(sorted, *count, sizeof(struct field_count *), compare_fields);
    return sorted;
}

static size_t count_hits(const struct survey *survey, const struct field_count *field)
{
    size_t hits = 0;

    for (size_t i = 0; i < field->example_count; i++) {
        size_t len = strlen(field->examples[i]);
        bool is_text = len >= 2 && field->examples[i][0] == '"';
        struct slice found, text = {field->examples[i] + is_text, len - 2 * (size_t)is_text};
        enum pseudonym_kind kind;

        hits += is_text && pseudonym_set_find(survey->set, text, &found, &kind);
    }
    return hits;
}

static size_t cut(struct slice text)
{
    size_t at = 0;

    for (int letters = 0; at < text.len && letters < SHOWN_LETTERS; letters++) {
        utf8_next(text, &at, NULL);
    }
    return at;
}

static void print_examples(const struct survey *survey, const struct field_count *field, FILE *to)
{
    size_t hits = count_hits(survey, field), shown = 0;
    struct slice found;
    enum pseudonym_kind kind;

    for (size_t i = 0; i < field->example_count && shown < SHOWN_EXAMPLES; i++) {
        struct slice text = slice_of(field->examples[i]);
        size_t len = cut(text);
        char *copy;

        if (pseudonym_set_find(survey->set, text, &found, &kind)) {
            continue;
        }
        copy = copy_shown(slice_make(text.data, len));
        fprintf(to, "%s%s%s", shown ? ", " : "", copy, len < text.len ? "…" : "");
        free(copy);
        shown++;
    }
    if (hits) {
        fprintf(to, "%s%zu with a personal value in it, which is replaced", shown ? "; " : "", hits);
    }
    fputc('\n', to);
}

void survey_print(const struct survey *survey, FILE *to)
{
    size_t count;
    struct field_count **fields = sort_fields(survey, &count);

    fprintf(to, "personal, and replaced:\n");
    for (size_t i = 0; i < count; i++) {
        if (fields[i]->class == PERSONAL_YES) {
            fprintf(to, "  %-36s %9zu times   %s\n", fields[i]->shown, fields[i]->count,
                    pseudonym_kind_name(fields[i]->kind));
        }
    }
    fprintf(
        to,
        "\nnot recognised as personal, and written as it is, but for addresses, phones and what is replaced above:\n");
    for (size_t i = 0; i < count; i++) {
        if (fields[i]->class == PERSONAL_UNKNOWN) {
            fprintf(to, "  %-36s %9zu times   %3zu%s different: ", fields[i]->shown, fields[i]->count,
                    fields[i]->example_count, fields[i]->has_more ? " or more" : "");
            print_examples(survey, fields[i], to);
        }
    }
    fprintf(to, "\nnever changed:");
    for (size_t i = 0; i < count; i++) {
        if (fields[i]->class == PERSONAL_NO) {
            fprintf(to, " %s", fields[i]->shown);
        }
    }
    fputc('\n', to);
    for (const struct unfit_count *unfit = survey->unfit; unfit; unfit = unfit->hh.next) {
        fprintf(to, "left out: %zu records whose value is no JSON that can be looked into (%s)\n", unfit->count,
                unfit->reason);
    }
    free(fields);
}
