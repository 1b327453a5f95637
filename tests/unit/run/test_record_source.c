#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/record_source.h"

/* --- places ------------------------------------------------------------------------------------------------------- */

enum { DAY_MS = 86400000 };
static const int64_t NOW_MS = 1795255200000; /* 2026-11-21T10:00:00Z */

static void places_are_read_in_all_their_forms(void **state)
{
    static const struct {
        const char *text;
        enum record_place_kind kind;
        int64_t value;
    } rows[] = {
        {"beginning", RECORD_PLACE_BEGINNING, 0},
        {"end", RECORD_PLACE_END, 0},
        {"0", RECORD_PLACE_OFFSET, 0},
        {"1017", RECORD_PLACE_OFFSET, 1017},
        {"9223372036854775807", RECORD_PLACE_OFFSET, INT64_MAX},
        {"-7d", RECORD_PLACE_TIME, 1795255200000 - 7LL * DAY_MS},
        {"-90m", RECORD_PLACE_TIME, 1795255200000 - 90 * 60000},
        {"-0s", RECORD_PLACE_TIME, 1795255200000},
        {"2026-11-01T00:00:00Z", RECORD_PLACE_TIME, 1793491200000},
        {"2026-11-01T00:00Z", RECORD_PLACE_TIME, 1793491200000},
        {"2026-11-01T01:00+01:00", RECORD_PLACE_TIME, 1793491200000},
        {"2026-11-01T00:00:00.250Z", RECORD_PLACE_TIME, 1793491200250},
        {"2026-11-01", RECORD_PLACE_TIME, 1793491200000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record_place place = {0};
        struct err err = {0};

        assert_true(record_place_parse(rows[i].text, NOW_MS, &place, &err));
        assert_int_equal(place.kind, rows[i].kind);
        assert_int_equal(place.value, rows[i].value);
    }
}

static void anything_else_is_no_place(void **state)
{
    static const char *const rows[] = {
        "", "begining", "END", "-", "-7", "-7x", "7d", "+7", "1.5", "2026-11", "2026-13-01", "2026-11-01T00", "2026-11-01T00:00",
        "2026-11-01T25:00Z", "9223372036854775808", "yesterday", "-999999999w", "2026-11-01 ", " 7",
        "2026-11-01T00:00:00.00000000000000000000000000000000000000000000000000000000000000000000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record_place place = {.value = 77};
        struct err err = {0};

        assert_false(record_place_parse(rows[i], NOW_MS, &place, &err));
        assert_non_null(strstr(err.text, "is no place in a topic"));
        assert_int_equal(place.value, 77);
    }
}

/* --- files -------------------------------------------------------------------------------------------------------- */

struct file {
    char path[64];
};

static int make_file(void **state)
{
    struct file *file = xcalloc(1, sizeof(*file));

    snprintf(file->path, sizeof(file->path), "/tmp/perkline-source-XXXXXX");
    close(mkstemp(file->path));
    *state = file;
    return 0;
}

static int remove_file(void **state)
{
    struct file *file = *state;

    unlink(file->path);
    free(file);
    return 0;
}

static void fill(const struct file *file, const char *text, size_t len)
{
    FILE *to = fopen(file->path, "w");

    assert_int_equal(fwrite(text, 1, len, to), len);
    assert_int_equal(fclose(to), 0);
}

static struct record_source *open_file(const struct file *file, const char *text)
{
    struct err err = {0};
    struct record_source *source;

    fill(file, text, strlen(text));
    source = record_source_open_file(file->path, &err);
    assert_non_null(source);
    return source;
}

static const struct record *next(struct record_source *source, bool *is_end)
{
    const struct record *record = NULL;
    struct err err = {0};

    assert_true(record_source_next(source, 1000, &record, is_end, &err));
    return record;
}

static void each_line_of_a_file_is_a_record_placed_by_its_number(void **state)
{
    const struct file *file = *state;
    struct record_source *source = open_file(file, "{\"specversion\":1}\n\n  \r\n{\"specversion\":2}\r\nno json\n{}");
    static const struct {
        const char *value;
        int64_t offset;
    } rows[] = {{"{\"specversion\":1}", 1}, {"{\"specversion\":2}", 4}, {"no json", 5}, {"{}", 6}};
    bool is_end;

    assert_true(record_source_share(source) == 0);
    assert_int_equal(record_source_total(source), -1);
    assert_string_equal(record_source_note(source), "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct record *record = next(source, &is_end);

        assert_non_null(record);
        assert_false(is_end);
        assert_true(slice_is(record->value, rows[i].value));
        assert_string_equal(record->topic, file->path);
        assert_int_equal(record->partition, 0);
        assert_int_equal(record->offset, rows[i].offset);
        assert_int_equal(record->timestamp_ms, -1);
    }
    assert_null(next(source, &is_end));
    assert_true(is_end);
    assert_true(record_source_share(source) == 1);
    record_source_close(source);
}

static void a_captured_line_keeps_its_place(void **state)
{
    struct record_source *source =
        open_file(*state, "{\"topic\":\"loyalty.events\",\"partition\":3,\"offset\":1017,\"timestamp_ms\":5,\"key\":\"42\","
                          "\"headers\":[],\"value\":{\"specversion\":\"1.0\"}}\n"
                          "{\"key\":\"43\",\"value\":{}}\n");
    bool is_end;
    const struct record *record = next(source, &is_end);

    assert_string_equal(record->topic, "loyalty.events");
    assert_int_equal(record->partition, 3);
    assert_int_equal(record->offset, 1017);
    assert_true(slice_is(record->key, "42"));
    assert_true(slice_is(record->value, "{\"specversion\":\"1.0\"}"));
    record = next(source, &is_end);
    assert_int_equal(record->offset, 2);
    assert_true(slice_is(record->key, "43"));
    record_source_close(source);
}

static void a_line_that_makes_no_sense_is_named_with_its_file(void **state)
{
    const struct file *file = *state;
    struct record_source *source = open_file(file, "{\"specversion\":1}\n{\"offset\":-1,\"value\":{}}\n");
    const struct record *record;
    struct err err = {0};
    bool is_end;
    char text[200];

    assert_non_null(next(source, &is_end));
    assert_false(record_source_next(source, 0, &record, &is_end, &err));
    snprintf(text, sizeof(text), "%s:2: \"offset\": expected a whole number of at least 0", file->path);
    assert_string_equal(err.text, text);
    record_source_close(source);
}

static void lines_longer_than_what_is_read_at_once_are_whole(void **state)
{
    enum { LEN = 600000 };
    const struct file *file = *state;
    char *text = xmalloc(2 * LEN + 2);
    struct err err = {0};
    struct record_source *source;
    bool is_end;

    memset(text, 'a', 2 * LEN + 2);
    text[LEN] = '\n';
    fill(file, text, 2 * LEN + 2);
    source = record_source_open_file(file->path, &err);
    assert_int_equal(next(source, &is_end)->value.len, LEN);
    assert_int_equal(next(source, &is_end)->value.len, LEN + 1);
    assert_null(next(source, &is_end));
    assert_true(is_end);
    record_source_close(source);
    free(text);
}

static void a_line_without_end_is_refused_before_it_fills_the_memory(void **state)
{
    struct err err = {0};
    struct record_source *source = record_source_open_file("/dev/zero", &err);
    const struct record *record;
    bool is_end;

    (void)state;
    assert_non_null(source);
    assert_true(record_source_share(source) == -1);
    assert_false(record_source_next(source, 1000, &record, &is_end, &err));
    assert_string_equal(err.text, "/dev/zero:1: the line is longer than 8 MiB");
    record_source_close(source);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct err err = {0};

    (void)state;
    assert_null(record_source_open_file("/nowhere/events.ndjson", &err));
    assert_string_equal(err.text, "/nowhere/events.ndjson: No such file or directory");
    err_clear(&err);
    assert_null(record_source_open_file("/tmp", &err));
    assert_string_equal(err.text, "/tmp: is a folder, not a file of events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_read_in_all_their_forms),
        cmocka_unit_test(anything_else_is_no_place),
        cmocka_unit_test_setup_teardown(each_line_of_a_file_is_a_record_placed_by_its_number, make_file, remove_file),
        cmocka_unit_test_setup_teardown(a_captured_line_keeps_its_place, make_file, remove_file),
        cmocka_unit_test_setup_teardown(a_line_that_makes_no_sense_is_named_with_its_file, make_file, remove_file),
        cmocka_unit_test_setup_teardown(lines_longer_than_what_is_read_at_once_are_whole, make_file, remove_file),
        cmocka_unit_test(a_line_without_end_is_refused_before_it_fills_the_memory),
        cmocka_unit_test(what_cannot_be_opened_says_why),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
