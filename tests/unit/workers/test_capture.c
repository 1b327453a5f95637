#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/digest.h"
#include "base/mem.h"
#include "workers/capture/check.h"
#include "workers/capture/mask.h"
#include "workers/capture/survey.h"

/* --- which fields ------------------------------------------------------------------------------------------------- */

struct seen {
    enum personal_class class;
    enum pseudonym_kind kind;
    char path[64];
};

static json_t *see(void *arg, const struct personal_leaf *leaf)
{
    struct seen *seen = arg;

    seen->class = leaf->class;
    seen->kind = leaf->kind;
    snprintf(seen->path, sizeof(seen->path), "%s", leaf->path);
    return NULL;
}

static struct seen look(const struct personal_rules *rules, const char *json, const char *top)
{
    struct seen seen = {0};
    const struct personal_visitor visitor = {see, NULL, &seen};
    json_t *root = json_loads(json, JSON_DECODE_ANY, NULL);

    assert_non_null(root);
    assert_null(personal_walk(rules, root, top, &visitor));
    json_decref(root);
    return seen;
}

static void fields_are_known_by_their_names(void **state)
{
    static const struct {
        const char *json, *path;
        enum personal_class class;
        enum pseudonym_kind kind;
    } cases[] = {
        {"{\"data\":{\"member\":{\"first_name\":1}}}", "data.member.first_name", PERSONAL_YES, PSEUDONYM_GIVEN_NAME},
        {"{\"data\":{\"member\":{\"lastName\":1}}}", "data.member.lastName", PERSONAL_YES, PSEUDONYM_FAMILY_NAME},
        {"{\"data\":{\"member\":{\"id\":1}}}", "data.member.id", PERSONAL_YES, PSEUDONYM_ID},
        {"{\"data\":{\"member\":{\"name\":1}}}", "data.member.name", PERSONAL_YES, PSEUDONYM_FULL_NAME},
        {"{\"data\":{\"member\":{\"name\":{\"first\":1}}}}", "data.member.name.first", PERSONAL_YES,
         PSEUDONYM_GIVEN_NAME},
        {"{\"data\":{\"member\":{\"address\":{\"anything\":1}}}}", "data.member.address.anything", PERSONAL_YES,
         PSEUDONYM_OTHER},
        {"{\"data\":{\"member\":{\"birthday\":1}}}", "data.member.birthday", PERSONAL_YES, PSEUDONYM_DATE},
        {"{\"data\":{\"friends\":[{\"name\":1}]}}", "data.friends[].name", PERSONAL_YES, PSEUDONYM_FULL_NAME},
        {"{\"data\":{\"delivery\":{\"E-Mail\":1}}}", "data.delivery.E-Mail", PERSONAL_YES, PSEUDONYM_EMAIL},
        {"{\"data\":{\"program\":{\"name\":1}}}", "data.program.name", PERSONAL_UNKNOWN, PSEUDONYM_OTHER},
        {"{\"data\":{\"redemption\":{\"id\":1}}}", "data.redemption.id", PERSONAL_UNKNOWN, PSEUDONYM_OTHER},
        {"{\"data\":{\"birthday\":{\"year\":1}}}", "data.birthday.year", PERSONAL_UNKNOWN, PSEUDONYM_OTHER},
        {"{\"data\":{\"member\":{\"consent\":{\"email\":true}}}}", "data.member.consent.email", PERSONAL_NO,
         PSEUDONYM_OTHER},
        {"{\"data\":{\"member\":{\"timezone\":1}}}", "data.member.timezone", PERSONAL_NO, PSEUDONYM_OTHER},
        {"{\"type\":1}", "type", PERSONAL_NO, PSEUDONYM_OTHER},
        {"{\"data\":{\"type\":1}}", "data.type", PERSONAL_UNKNOWN, PSEUDONYM_OTHER},
        {"{\"a@b.hu\":1}", "(address)", PERSONAL_UNKNOWN, PSEUDONYM_OTHER},
    };
    const struct personal_rules rules = {NULL, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen seen = look(&rules, cases[i].json, "");

        assert_string_equal(seen.path, cases[i].path);
        if (seen.class != cases[i].class || seen.kind != cases[i].kind) {
            fail_msg("%s: class %d, kind %s", seen.path, (int)seen.class, pseudonym_kind_name(seen.kind));
        }
    }
    assert_int_equal(look(&rules, "1", "key").kind, PSEUDONYM_ID);
    assert_int_equal(look(&rules, "1", "header.ce_type").class, PERSONAL_NO);
    assert_int_equal(look(&rules, "1", "header.ce_time").class, PERSONAL_NO);
    assert_int_equal(look(&rules, "1", "header.traceparent").class, PERSONAL_UNKNOWN);
}

static void what_a_person_says_wins_over_names(void **state)
{
    const struct personal_rules rules = {"data.gift.note,notes", "data.member.first_name,gifts[].name"};
    const struct personal_rules wrong = {"a,,b", NULL};
    struct err err = {0};

    (void)state;
    assert_int_equal(look(&rules, "{\"data\":{\"gift\":{\"note\":1}}}", "").class, PERSONAL_YES);
    assert_int_equal(look(&rules, "{\"data\":{\"notes\":{\"a\":[1]}}}", "").class, PERSONAL_YES);
    assert_int_equal(look(&rules, "{\"data\":{\"notesize\":1}}", "").class, PERSONAL_UNKNOWN);
    assert_int_equal(look(&rules, "{\"data\":{\"member\":{\"first_name\":1}}}", "").class, PERSONAL_NO);
    assert_int_equal(look(&rules, "{\"data\":{\"gifts\":[{\"name\":1}]}}", "").class, PERSONAL_NO);
    assert_true(personal_rules_check(&rules, &err));
    assert_false(personal_rules_check(&wrong, &err));
    assert_string_equal(err.text, "an empty path in the list of --personal");
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static const char member_event[] =
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"member/42\",\"data\":{"
    "\"member\":{\"id\":42,\"first_name\":\"Ilona\",\"last_name\":\"Kov\xc3\xa1"
    "cs\",\"email\":\"ilona@gmail.com\","
    "\"phone\":\"+36301234567\",\"locale\":\"hu-HU\",\"timezone\":\"Europe/Budapest\"},"
    "\"note\":\"Szia Ilona! Write to ilona@gmail.com\",\"url\":\"https://x.example/?m=42\",\"points\":42,"
    "\"amount\":0.1,\"big\":9007199254740993,\"whole\":5.0,\"nothing\":null,\"yes\":true,\"list\":[\"+36301234567\"],"
    "\"map\":{\"ilona@gmail.com\":1}}}";

struct fixture {
    struct personal_rules rules;
    struct pseudonym_set *set;
    struct survey *survey;
};

static void set_up(struct fixture *fixture, const struct record *record)
{
    fixture->rules = (struct personal_rules){NULL, NULL};
    fixture->set = pseudonym_set_create(SLICE("key"));
    fixture->survey = survey_create(&fixture->rules, fixture->set);
    assert_true(survey_add(fixture->survey, record));
}

static void tear_down(struct fixture *fixture)
{
    survey_destroy(fixture->survey);
    pseudonym_set_destroy(fixture->set);
}

/* New reference: the line of the capture. */
static json_t *mask(struct fixture *fixture, const struct record *record)
{
    struct buf out;
    json_t *line;

    buf_init(&out, 0);
    assert_true(mask_append(&fixture->rules, fixture->set, record, &out) > 0);
    line = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(line);
    buf_finish(&out);
    return line;
}

static const char *made(struct fixture *fixture, enum pseudonym_kind kind, const char *value)
{
    return pseudonym_set_get(fixture->set, kind, slice_of(value), "hu").data;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void a_member_is_replaced_in_the_same_way_everywhere(void **state)
{
    const struct record record = {.topic = "t",
                                  .partition = 2,
                                  .offset = 7,
                                  .timestamp_ms = 1000,
                                  .key = SLICE("42"),
                                  .value = SLICE(member_event)};
    struct fixture fixture;
    json_t *line, *value, *data, *member;
    char *expected;

    (void)state;
    set_up(&fixture, &record);
    line = mask(&fixture, &record);
    value = json_object_get(line, "value");
    data = json_object_get(value, "data");
    member = json_object_get(data, "member");
    assert_string_equal(text_at(line, "key"), made(&fixture, PSEUDONYM_ID, "42"));
    assert_int_equal(json_integer_value(json_object_get(member, "id")),
                     strtoll(made(&fixture, PSEUDONYM_ID, "42"), NULL, 10));
    assert_string_equal(text_at(member, "first_name"), made(&fixture, PSEUDONYM_GIVEN_NAME, "Ilona"));
    assert_string_equal(text_at(member, "phone"), made(&fixture, PSEUDONYM_PHONE, "+36301234567"));
    assert_string_equal(text_at(member, "timezone"), "Europe/Budapest");
    expected = xasprintf("member/%s", made(&fixture, PSEUDONYM_ID, "42"));
    assert_string_equal(text_at(value, "subject"), expected);
    free(expected);
    expected = xasprintf("Szia %s! Write to %s", text_at(member, "first_name"), text_at(member, "email"));
    assert_string_equal(text_at(data, "note"), expected);
    free(expected);
    expected = xasprintf("https://x.example/?m=%s", made(&fixture, PSEUDONYM_ID, "42"));
    assert_string_equal(text_at(data, "url"), expected);
    free(expected);
    assert_int_equal(json_integer_value(json_object_get(data, "points")), 42);
    assert_string_equal(json_string_value(json_array_get(json_object_get(data, "list"), 0)), text_at(member, "phone"));
    assert_non_null(json_object_get(json_object_get(data, "map"), text_at(member, "email")));
    json_decref(line);
    tear_down(&fixture);
}

static void what_is_not_personal_stays_byte_by_byte(void **state)
{
    const struct record record = {.topic = "t", .timestamp_ms = -1, .value = SLICE(member_event)};
    struct fixture fixture;
    struct buf out;
    const char *tail =
        "\"points\":42,\"amount\":0.1,\"big\":9007199254740993,\"whole\":5.0,\"nothing\":null,\"yes\":true,";

    (void)state;
    buf_init(&out, 0);
    set_up(&fixture, &record);
    assert_true(mask_append(&fixture.rules, fixture.set, &record, &out) > 0);
    assert_non_null(strstr(buf_text(&out), tail));
    assert_non_null(strstr(buf_text(&out), "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"t\","));
    buf_finish(&out);
    tear_down(&fixture);
}

static void binary_mode_has_its_attributes_in_headers(void **state)
{
    static const char data[] = "{\"member\":{\"id\":\"loyal-1\",\"email\":\"a@b.hu\"}}";
    const struct record_header headers[] = {{"ce_specversion", SLICE("1.0")},
                                            {"ce_type", SLICE("loyalty.signup")},
                                            {"ce_subject", SLICE("member/loyal-1")},
                                            {"reply-to", SLICE("a@b.hu")},
                                            {"raw", SLICE("\xff\xfe")}};
    const struct record record = {
        .topic = "t", .timestamp_ms = -1, .value = SLICE(data), .headers = headers, .header_count = 5};
    struct fixture fixture;
    json_t *line, *got;
    char *expected;

    (void)state;
    set_up(&fixture, &record);
    line = mask(&fixture, &record);
    got = json_object_get(line, "headers");
    expected = xasprintf("member/%s", made(&fixture, PSEUDONYM_ID, "loyal-1"));
    assert_string_equal(json_string_value(json_array_get(json_array_get(got, 1), 1)), "loyalty.signup");
    assert_string_equal(json_string_value(json_array_get(json_array_get(got, 2), 1)), expected);
    assert_string_equal(json_string_value(json_array_get(json_array_get(got, 3), 1)),
                        made(&fixture, PSEUDONYM_EMAIL, "a@b.hu"));
    assert_true(json_is_null(json_array_get(json_array_get(got, 4), 1)));
    free(expected);
    json_decref(line);
    tear_down(&fixture);
}

static void a_personal_number_gets_other_digits(void **state)
{
    static const char value[] = "{\"data\":{\"member\":{\"id\":7},\"latitude\":47.497912,\"longitude\":-19.04}}";
    const struct record record = {.topic = "t", .timestamp_ms = -1, .value = SLICE(value)};
    struct fixture fixture;
    json_t *line, *data;
    double latitude, longitude;

    (void)state;
    set_up(&fixture, &record);
    line = mask(&fixture, &record);
    data = json_object_get(json_object_get(line, "value"), "data");
    latitude = json_real_value(json_object_get(data, "latitude"));
    longitude = json_real_value(json_object_get(data, "longitude"));
    assert_true(latitude >= 10 && latitude < 100 && latitude != 47.497912);
    assert_true(longitude <= -10 && longitude > -100 && longitude != -19.04);
    json_decref(line);
    tear_down(&fixture);
}

static void what_cannot_be_looked_into_is_left_out(void **state)
{
    static const struct slice values[] = {SLICE("not json"), SLICE("{\"a\":1,\"a\":2}"), SLICE(""),
                                          SLICE("{\"a\":\"\xff\"}")};
    struct fixture fixture;
    const struct record good = {.topic = "t", .timestamp_ms = -1, .value = SLICE(member_event)};
    struct buf out;

    (void)state;
    set_up(&fixture, &good);
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct record record = {.topic = "t", .timestamp_ms = -1, .value = values[i]};

        assert_false(survey_add(fixture.survey, &record));
        assert_int_equal(mask_append(&fixture.rules, fixture.set, &record, &out), -1);
    }
    assert_int_equal(survey_unfit_count(fixture.survey), 4);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
    tear_down(&fixture);
}

static void the_list_shows_unknown_fields_and_no_personal_value(void **state)
{
    const struct record record = {.topic = "t", .timestamp_ms = -1, .key = SLICE("42"), .value = SLICE(member_event)};
    static const char *const originals[] = {"Ilona", "cs\"", "ilona@gmail.com", "+36301234567", NULL};
    struct fixture fixture;
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    (void)state;
    set_up(&fixture, &record);
    survey_print(fixture.survey, to);
    fclose(to);
    assert_non_null(strstr(text, "data.points "));
    assert_non_null(strstr(text, "data.member.first_name "));
    for (int i = 0; originals[i]; i++) {
        assert_null(strstr(text, originals[i]));
    }
    free(text);
    tear_down(&fixture);
}

static void the_list_moves_no_cursor(void **state)
{
    const struct record record = {.topic = "t", .timestamp_ms = -1,
                                  .value = SLICE("{\"data\":{\"a\\u001b[2Jb\":1,\"c\":\"d\x7f\\u009b\",\"e\\nf\":{\"first_name\":\"Zora\"}}}")};
    struct fixture fixture;
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    (void)state;
    set_up(&fixture, &record);
    survey_print(fixture.survey, to);
    fclose(to);
    assert_non_null(strstr(text, "data.a [2Jb "));
    assert_non_null(strstr(text, "data.e f.first_name "));
    assert_null(strpbrk(text, "\x1b\x7f"));
    assert_null(strstr(text, "\xc2\x9b"));
    free(text);
    tear_down(&fixture);
}

/* --- leaks -------------------------------------------------------------------------------------------------------- */

static size_t check_text(struct fixture *fixture, const char *content, char **printed)
{
    char path[] = "/tmp/perkline-check-XXXXXX";
    int fd = mkstemp(path);
    size_t len;
    FILE *to = open_memstream(printed, &len);
    struct check check = {.rules = &fixture->rules, .set = fixture->set, .to = to};
    struct err err = {0};

    assert_true(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
    assert_true(check_path(&check, path, &err));
    unlink(path);
    fclose(to);
    return check.found;
}

static void a_leak_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *content;
        size_t found;
        const char *place; /* behind the path */
    } cases[] = {
        {"", 0, ""},
        {"{\"key\":\"1\",\"value\":{\"data\":{\"points\":42}}}\n", 0, ""},
        {"plain text\nwith Ilona in it\n", 1, ":2: holds an original of the source (given name)\n"},
        {"{\"value\":{\"note\":\"dear Ilona\"}}\n", 1, ":1: holds an original of the source (given name) in note\n"},
        {"{\"value\":{\"data\":{\"member\":{\"id\":42}}}}\n", 1, "(id) in data.member.id\n"},
        {"{\"key\":\"42\",\"value\":{}}\n", 1, "(id) in key\n"},
        {"{\"headers\":[[\"x\",\"member/42\"]],\"value\":{}}\n", 1, "(id) in header.x\n"},
        {"{\"value\":{\"Ilona\":1}}\n", 1, "in the name of a field\n"},
        {"{\"value\":{\"a\":\"\\u0049lona\"}}\n", 1, "in a\n"},
        {"{\"value\":{\"a\":\"x?m=ilona%40gmail.com\"}}\n", 1, "(e-mail address) in a\n"},
        {"{\"value_base64\":\"SWxvbmEgMQ==\"}\n", 1, "(given name) in value\n"},
        {"{\"value\":{\"data\":{\"member\":{\"timezone\":\"Europe/Ilona\"}}}}\n", 0, ""},
        {"{\"half\": \"Ilona\"\nKov\xc3\xa1"
         "cs\n",
         2, ":2: holds an original of the source (family name)\n"},
    };
    const struct record record = {.topic = "t", .timestamp_ms = -1, .key = SLICE("42"), .value = SLICE(member_event)};
    struct fixture fixture;

    (void)state;
    set_up(&fixture, &record);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *printed = NULL;
        size_t found = check_text(&fixture, cases[i].content, &printed);

        if (found != cases[i].found || !strstr(printed, cases[i].place)) {
            fail_msg("%s: %zu found: %s", cases[i].content, found, printed);
        }
        free(printed);
    }
    tear_down(&fixture);
}

static const char *const folder_files[][2] = {
    {"a.txt", "nobody\n"}, {"inner/b.html", "<p>\nDear Ilona</p>\n"}, {"inner/.hidden", "ilona@gmail.com"}};

static void write_folder(const char *dir)
{
    char *inner = xasprintf("%s/inner", dir);

    assert_int_equal(mkdir(inner, 0700), 0);
    free(inner);
    for (size_t i = 0; i < 3; i++) {
        char *path = xasprintf("%s/%s", dir, folder_files[i][0]);
        FILE *file = fopen(path, "w");

        assert_true(file && fputs(folder_files[i][1], file) >= 0 && fclose(file) == 0);
        free(path);
    }
}

static void remove_folder(const char *dir)
{
    for (size_t i = 0; i < 4; i++) {
        char *path = xasprintf("%s/%s", dir, i < 3 ? folder_files[i][0] : "inner");

        remove(path);
        free(path);
    }
    rmdir(dir);
}

static void all_files_of_a_folder_are_looked_into(void **state)
{
    const struct record record = {.topic = "t", .timestamp_ms = -1, .key = SLICE("42"), .value = SLICE(member_event)};
    struct check check = {.to = fopen("/dev/null", "w")};
    char dir[] = "/tmp/perkline-check-XXXXXX";
    struct fixture fixture;
    struct err err = {0};

    (void)state;
    set_up(&fixture, &record);
    check.rules = &fixture.rules;
    check.set = fixture.set;
    assert_non_null(mkdtemp(dir));
    write_folder(dir);
    assert_true(check_path(&check, dir, &err));
    assert_int_equal(check.files, 3);
    assert_int_equal(check.lines, 4);
    assert_int_equal(check.found, 2);
    assert_false(check_path(&check, "/nowhere/at-all", &err));
    fclose(check.to);
    remove_folder(dir);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_known_by_their_names),
        cmocka_unit_test(what_a_person_says_wins_over_names),
        cmocka_unit_test(a_member_is_replaced_in_the_same_way_everywhere),
        cmocka_unit_test(what_is_not_personal_stays_byte_by_byte),
        cmocka_unit_test(binary_mode_has_its_attributes_in_headers),
        cmocka_unit_test(a_personal_number_gets_other_digits),
        cmocka_unit_test(what_cannot_be_looked_into_is_left_out),
        cmocka_unit_test(the_list_shows_unknown_fields_and_no_personal_value),
        cmocka_unit_test(the_list_moves_no_cursor),
        cmocka_unit_test(a_leak_is_found_wherever_it_stands),
        cmocka_unit_test(all_files_of_a_folder_are_looked_into),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
