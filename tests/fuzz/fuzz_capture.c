/*
 * Fuzzing of what `capture` makes of records: the input is records as in fuzz_event, with lines of "===" between them. All
 * are learnt, then each is written with made-up values.
 *
 * Whatever they hold: a record is refused, or its line is one that replay reads, says the same when it is made again, and
 * stays as it is when nothing in it is personal any more: made-up values are made up once.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/event_json.h"
#include "core/record_json.h"
#include "tests/fuzz/record_input.h"
#include "workers/capture/mask.h"
#include "workers/capture/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_RECORDS = 4 };
static const struct personal_rules rules = {.personal = "data.nick,data.list[].who", .keep = "data.member.tier,data.note"};

static void check_found(const struct pseudonym_set *set, struct slice text)
{
    enum pseudonym_kind kind;
    struct slice found;

    if (pseudonym_set_find(set, text, &found, &kind)) {
        assert(found.len > 0 && (unsigned)kind < PSEUDONYM_KIND_COUNT && pseudonym_kind_name(kind)[0]);
    }
}

/* Everywhere in plain text. */
static void check_text(struct pseudonym_set *set, struct slice text)
{
    struct buf out, again;

    buf_init(&out, 0);
    buf_init(&again, 0);
    pseudonym_set_replace(set, text, &out);
    pseudonym_set_replace(set, text, &again);
    assert(slice_equal(buf_slice(&out), buf_slice(&again)));
    assert(!utf8_is_valid(text) || utf8_is_valid(buf_slice(&out)));
    check_found(set, buf_slice(&out));
    buf_finish(&out);
    buf_finish(&again);
}

static void check_record(struct pseudonym_set *set, const struct record *record, bool is_fit)
{
    struct record_json line;
    struct err err = {0};
    struct buf text, again;
    long replaced;

    buf_init(&text, 0);
    buf_init(&again, 0);
    record_json_init(&line);
    replaced = mask_append(&rules, set, record, &text);
    assert(mask_append(&rules, set, record, &again) == replaced && slice_equal(buf_slice(&text), buf_slice(&again)));
    assert((replaced >= 0) == is_fit && (replaced >= 0) == (text.len > 0));
    if (text.len) {
        const char *reason;
        json_t *root;

        assert(record_json_parse(&line, buf_slice(&text), &err) && line.record.header_count == record->header_count);
        root = event_json_parse(line.record.value, &reason, &err);
        assert(root);
        json_decref(root);
    }
    record_json_finish(&line);
    buf_finish(&text);
    buf_finish(&again);
}

/* The page for people. */
static void check_survey(const struct survey *survey)
{
    char *page = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&page, &len);

    survey_print(survey, to);
    fclose(to);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)page[i];

        assert((c >= 0x20 || c == '\n') && c != 0x7f);
    }
    free(page);
}

static struct slice take_record(struct slice *rest)
{
    const char *end = rest->len ? memmem(rest->data, rest->len, "\n===\n", 5) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    size_t used = end ? len + 5 : len;
    struct slice record = slice_make(rest->data, len);

    *rest = slice_make(rest->data + used, rest->len - used);
    return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pseudonym_set *set = pseudonym_set_create(SLICE("key"));
    struct survey *survey = survey_create(&rules, set);
    struct slice rest = slice_make((const char *)data, size);
    struct record_input inputs[MOST_RECORDS];
    bool is_fit[MOST_RECORDS];
    size_t count = 0;

    while (rest.len && count < MOST_RECORDS) {
        struct slice text = take_record(&rest);

        record_input_split(&inputs[count], (const uint8_t *)text.data, text.len);
        is_fit[count] = survey_add(survey, &inputs[count].record);
        count++;
    }
    check_survey(survey);
    assert(survey_count(survey) == count && survey_unfit_count(survey) <= count);
    for (size_t i = 0; i < count; i++) {
        check_record(set, &inputs[i].record, is_fit[i]);
        record_input_finish(&inputs[i]);
    }
    check_text(set, slice_make((const char *)data, size));
    survey_destroy(survey);
    pseudonym_set_destroy(set);
    return 0;
}
