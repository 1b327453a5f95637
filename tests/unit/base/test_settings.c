#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/settings.h"

struct values {
    const char *text;
    const char *key;
    int64_t count;
    int64_t wait_ms;
    bool is_on;
};

static const struct setting table[] = {
    {"TEST_TEXT", SETTING_TEXT, offsetof(struct values, text), "fallback", "Some text.", false, 0, 0},
    {"TEST_API_KEY", SETTING_SECRET, offsetof(struct values, key), NULL, "The key of the account.", true, 0, 0},
    {"TEST_COUNT", SETTING_INT, offsetof(struct values, count), "5", "How many.", false, -1, 10},
    {"TEST_WAIT", SETTING_DURATION, offsetof(struct values, wait_ms), "2s", "How long.", false, 1, 0},
    {"TEST_IS_ON", SETTING_BOOL, offsetof(struct values, is_on), NULL, "Whether.", false, 0, 0},
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

static char folder[] = "/tmp/settings-XXXXXX";
static char path[64];

static void clear(void)
{
    static const char *const names[] = {"TEST_TEXT", "TEST_API_KEY", "TEST_COUNT", "TEST_WAIT", "TEST_IS_ON"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char file_name[64];

        snprintf(file_name, sizeof(file_name), "%s_FILE", names[i]);
        unsetenv(names[i]);
        unsetenv(file_name);
    }
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/value", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* An environment with nothing but the required key. */
static int set_key(void **state)
{
    (void)state;
    clear();
    unlink(path);
    setenv("TEST_API_KEY", "k-1", 1);
    return 0;
}

static void write_file(const char *data, size_t len, mode_t mode)
{
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_refused(const char *text)
{
    struct values values;
    struct err err = {0};

    memset(&values, 0xaa, sizeof(values));
    assert_false(settings_load(table, &values, &err));
    if (strcmp(err.text, text) != 0) {
        fail_msg("\"%s\" instead of \"%s\"", err.text, text);
    }
    assert_null(values.text);
    assert_null(values.key);
}

static void defaults_fill_what_is_not_set_or_empty(void **state)
{
    struct values values;
    struct err err = {0};

    (void)state;
    memset(&values, 0xaa, sizeof(values));
    setenv("TEST_TEXT", "", 1);
    setenv("TEST_COUNT", "", 1);
    setenv("TEST_WAIT_FILE", "", 1);
    assert_true(settings_load(table, &values, &err));
    assert_string_equal(values.text, "fallback");
    assert_string_equal(values.key, "k-1");
    assert_int_equal(values.count, 5);
    assert_int_equal(values.wait_ms, 2000);
    assert_false(values.is_on);
    settings_finish(table, &values);
    assert_null(values.text);
    assert_null(values.key);
    settings_finish(table, &values);
}

static void the_environment_wins_over_defaults(void **state)
{
    struct values values;
    struct err err = {0};

    (void)state;
    setenv("TEST_TEXT", "K\xc3\xa9rd\xc3\xa9s = \"x\"", 1);
    setenv("TEST_COUNT", "-1", 1);
    setenv("TEST_WAIT", "48h", 1);
    setenv("TEST_IS_ON", "Yes", 1);
    assert_true(settings_load(table, &values, &err));
    assert_string_equal(values.text, "K\xc3\xa9rd\xc3\xa9s = \"x\"");
    assert_int_equal(values.count, -1);
    assert_int_equal(values.wait_ms, 172800000);
    assert_true(values.is_on);
    settings_finish(table, &values);
}

static void wrong_values_are_refused_with_the_name_of_the_setting(void **state)
{
    static const struct {
        const char *name, *value, *error;
    } rows[] = {
        {"TEST_COUNT", "five", "TEST_COUNT: \"five\" is not a whole number"},
        {"TEST_COUNT", "5x", "TEST_COUNT: \"5x\" is not a whole number"},
        {"TEST_COUNT", "99999999999999999999", "TEST_COUNT: \"99999999999999999999\" is not a whole number"},
        {"TEST_COUNT", "-2", "TEST_COUNT: -2 is less than the least, -1"},
        {"TEST_COUNT", "11", "TEST_COUNT: 11 is more than the most, 10"},
        {"TEST_WAIT", "0s", "TEST_WAIT: 0 ms is less than the least, 1 ms"},
        {"TEST_WAIT", "2", "TEST_WAIT: \"2\" is not a duration (a number and one of ms, s, m, h, d, w: 48h)"},
        {"TEST_IS_ON", "maybe", "TEST_IS_ON: \"maybe\" is neither true nor false"},
        {"TEST_TEXT", "a\nb", "TEST_TEXT: the value holds a control character or a line break"},
        {"TEST_TEXT", "a\x7f", "TEST_TEXT: the value holds a control character or a line break"},
        {"TEST_TEXT", "a\xff", "TEST_TEXT: the value is not UTF-8"},
        {"TEST_API_KEY", "se\rcret", "TEST_API_KEY: the value holds a control character or a line break"},
        {"TEST_API_KEY", "", "TEST_API_KEY is not set: The key of the account."},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_key(state);
        setenv(rows[i].name, rows[i].value, 1);
        assert_refused(rows[i].error);
    }
}

static void every_word_for_yes_and_no_is_known(void **state)
{
    static const struct {
        const char *word;
        bool value;
    } rows[] = {{"true", true}, {"YES", true}, {"on", true}, {"1", true}, {"false", false}, {"no", false},
                {"Off", false}, {"0", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct values values;
        struct err err = {0};

        setenv("TEST_IS_ON", rows[i].word, 1);
        assert_true(settings_load(table, &values, &err));
        assert_int_equal(values.is_on, rows[i].value);
        settings_finish(table, &values);
    }
}

static void a_value_may_come_from_a_file_less_one_line_end(void **state)
{
    static const struct {
        const char *content, *value;
    } rows[] = {{"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"}, {" s \n", " s "}};

    (void)state;
    unsetenv("TEST_API_KEY");
    setenv("TEST_API_KEY_FILE", path, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct values values;
        struct err err = {0};

        write_file(rows[i].content, strlen(rows[i].content), 0640);
        assert_true(settings_load(table, &values, &err));
        assert_string_equal(values.key, rows[i].value);
        settings_finish(table, &values);
    }
    setenv("TEST_COUNT_FILE", path, 1);
    write_file("7\n", 2, 0600);
    {
        struct values values;
        struct err err = {0};

        assert_true(settings_load(table, &values, &err));
        assert_int_equal(values.count, 7);
        settings_finish(table, &values);
    }
}

static void a_file_that_cannot_be_a_value_is_refused(void **state)
{
    char expected[256], big[70000];

    (void)state;
    unsetenv("TEST_API_KEY");
    setenv("TEST_API_KEY_FILE", path, 1);

    snprintf(expected, sizeof(expected), "TEST_API_KEY_FILE: cannot open %s: No such file or directory", path);
    assert_refused(expected);
    write_file("", 0, 0600);
    snprintf(expected, sizeof(expected), "TEST_API_KEY_FILE: %s is empty", path);
    assert_refused(expected);
    write_file("\n", 1, 0600);
    assert_refused(expected);
    write_file("a\0b", 3, 0600);
    snprintf(expected, sizeof(expected), "TEST_API_KEY_FILE: %s holds a zero byte", path);
    assert_refused(expected);
    write_file("a\n\n", 3, 0600);
    assert_refused("TEST_API_KEY_FILE: the value holds a control character or a line break");
    memset(big, 'x', sizeof(big));
    write_file(big, sizeof(big), 0600);
    snprintf(expected, sizeof(expected), "TEST_API_KEY_FILE: %s is larger than 65536 bytes", path);
    assert_refused(expected);
    setenv("TEST_API_KEY_FILE", folder, 1);
    snprintf(expected, sizeof(expected), "TEST_API_KEY_FILE: cannot read %s: it is a folder", folder);
    assert_refused(expected);
}

static void a_secret_that_everyone_may_read_is_refused_and_other_files_are_not(void **state)
{
    struct values values;
    struct err err = {0};
    char expected[256];

    (void)state;
    write_file("text", 4, 0644);
    setenv("TEST_TEXT_FILE", path, 1);
    assert_true(settings_load(table, &values, &err));
    assert_string_equal(values.text, "text");
    settings_finish(table, &values);

    unsetenv("TEST_API_KEY");
    setenv("TEST_API_KEY_FILE", path, 1);
    snprintf(expected, sizeof(expected),
             "TEST_API_KEY_FILE: %s may be read by everyone (mode 0644): chmod 0440 it (Docker: mode: 0440 and "
             "uid; Kubernetes: defaultMode: 0440 and fsGroup)",
             path);
    assert_refused(expected);
}

static void a_value_and_a_file_at_once_are_refused(void **state)
{
    (void)state;
    setenv("TEST_API_KEY_FILE", path, 1);
    assert_refused("TEST_API_KEY and TEST_API_KEY_FILE are both set: which one counts?");
}

static void the_help_shows_defaults_and_what_is_required(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    (void)state;
    settings_print_help(table, to);
    fclose(to);
    assert_string_equal(text, "  TEST_TEXT     text      Some text. [fallback]\n"
                              "  TEST_API_KEY  secret    The key of the account. (required)\n"
                              "  TEST_COUNT    number    How many. [5]\n"
                              "  TEST_WAIT     duration  How long. [2s]\n"
                              "  TEST_IS_ON    yes/no    Whether.\n");
    free(text);
}

static void misspelt_names_are_found_without_their_values(void **state)
{
    static const struct {
        const char *name, *suggestion;
    } rows[] = {
        {"TEST_TXET", "TEST_TEXT"},       {"TEST_APIKEY", "TEST_API_KEY"}, {"TST_API_KYE", "TEST_API_KEY"},
        {"TEST_COUNT_FIEL", "TEST_COUNT_FILE"}, {"TEST_API_KEY", NULL},    {"TEST_API_KEY_FILE", NULL},
        {"TEST_SOMETHING", NULL},
    };
    const struct setting *const tables[] = {table, NULL};

    (void)state;
    clear();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char suggestion[64];
        const char *found;

        setenv(rows[i].name, "hidden", 1);
        found = settings_find_misspelt(tables, suggestion);
        assert_int_equal(found != NULL, rows[i].suggestion != NULL);
        if (found) {
            assert_string_equal(found, rows[i].name);
            assert_string_equal(suggestion, rows[i].suggestion);
        }
        unsetenv(rows[i].name);
    }
}

static void a_command_chooses_the_rows_that_it_shows(void **state)
{
    static const char *const names[] = {"TEST_WAIT", "TEST_TEXT", NULL};
    struct setting rows[3];

    (void)state;
    settings_choose(table, names, rows);
    assert_string_equal(rows[0].help, "How long.");
    assert_string_equal(rows[1].help, "Some text.");
    assert_null(rows[2].name);
}

static void a_whole_file_is_read_up_to_the_given_size(void **state)
{
    struct err err = {0};
    char big[20000];
    char *data;
    size_t len;

    (void)state;
    memset(big, 'y', sizeof(big));
    write_file(big, sizeof(big), 0644);
    data = settings_read_file(path, sizeof(big), &len, &err);
    assert_non_null(data);
    assert_int_equal(len, sizeof(big));
    assert_memory_equal(data, big, len);
    assert_int_equal(data[len], 0);
    free(data);
    assert_null(settings_read_file(path, sizeof(big) - 1, NULL, &err));
    assert_non_null(strstr(err.text, "is larger than 19999 bytes"));
    write_file("", 0, 0644);
    data = settings_read_file(path, 0, NULL, &err);
    assert_string_equal(data, "");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_fill_what_is_not_set_or_empty, set_key),
        cmocka_unit_test_setup(the_environment_wins_over_defaults, set_key),
        cmocka_unit_test_setup(wrong_values_are_refused_with_the_name_of_the_setting, set_key),
        cmocka_unit_test_setup(every_word_for_yes_and_no_is_known, set_key),
        cmocka_unit_test_setup(a_value_may_come_from_a_file_less_one_line_end, set_key),
        cmocka_unit_test_setup(a_file_that_cannot_be_a_value_is_refused, set_key),
        cmocka_unit_test_setup(a_secret_that_everyone_may_read_is_refused_and_other_files_are_not, set_key),
        cmocka_unit_test_setup(a_value_and_a_file_at_once_are_refused, set_key),
        cmocka_unit_test_setup(the_help_shows_defaults_and_what_is_required, set_key),
        cmocka_unit_test_setup(misspelt_names_are_found_without_their_values, set_key),
        cmocka_unit_test_setup(a_command_chooses_the_rows_that_it_shows, set_key),
        cmocka_unit_test_setup(a_whole_file_is_read_up_to_the_given_size, set_key),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
