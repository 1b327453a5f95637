#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"

enum { MOST_ARGS = 12 };

static struct {
    bool is_json;
    const char *from;
    int64_t limit;
} options;

static const struct arg table[] = {
    {"json", ARG_FLAG, &options.is_json, NULL, "print JSON"},
    {"from", ARG_TEXT, &options.from, "TIME", "begin here"},
    {"limit", ARG_INT, &options.limit, "N", "stop after N"},
    {NULL, ARG_FLAG, NULL, NULL, NULL},
};

static const struct args_usage usage = {"perkline try", "[DIR...]", "Tries things.", 3};

/* Parses the words of one line; an underscore stands for an empty argument. */
static enum args_result parse(const char *line, char *argv[MOST_ARGS], int *positional, struct err *err)
{
    static char store[512];
    char *rest = NULL;
    int argc = 0;

    memset(&options, 0, sizeof(options));
    *err = (struct err){0};
    snprintf(store, sizeof(store), "try %s", line);
    for (char *word = strtok_r(store, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
    }
    argv[argc] = NULL;
    return args_parse(table, &usage, argc, argv, positional, err);
}

static void options_are_taken_in_every_spelling(void **state)
{
    static const struct {
        const char *line;
        bool is_json;
        const char *from;
        int64_t limit;
    } rows[] = {
        {"", false, NULL, 0},
        {"--json", true, NULL, 0},
        {"--from now", false, "now", 0},
        {"--from=now", false, "now", 0},
        {"--from=a=b", false, "a=b", 0},
        {"--from=", false, "", 0},
        {"--from _", false, "", 0},
        {"--from -", false, "-", 0},
        {"--from=--json", false, "--json", 0},
        {"--limit 5", false, NULL, 5},
        {"--limit -5", false, NULL, -5},
        {"--limit=5 --json --from x", true, "x", 5},
        {"--limit 5 --limit 6", false, NULL, 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[MOST_ARGS];
        struct err err;
        int positional;

        if (parse(rows[i].line, argv, &positional, &err) != ARGS_OK) {
            fail_msg("%s: %s", rows[i].line, err.text);
        }
        assert_int_equal(positional, 0);
        assert_int_equal(options.is_json, rows[i].is_json);
        assert_int_equal(options.limit, rows[i].limit);
        assert_int_equal(options.from != NULL, rows[i].from != NULL);
        if (rows[i].from) {
            assert_string_equal(options.from, rows[i].from);
        }
    }
}

static void wrong_options_are_named(void **state)
{
    static const struct {
        const char *line, *text;
    } rows[] = {
        {"--limt 5", "unknown option --limt (did you mean --limit?)"},
        {"--limt=5", "unknown option --limt (did you mean --limit?)"},
        {"--hepl", "unknown option --hepl (did you mean --help?)"},
        {"--help=x", "unknown option --help (did you mean --help?)"},
        {"--colour", "unknown option --colour (--help lists them)"},
        {"--=5", "unknown option -- (--help lists them)"},
        {"-x", "unknown option -x (options have two dashes; --help lists them)"},
        {"--json=1", "--json takes no value"},
        {"--limit", "--limit needs a value: --limit N"},
        {"--from --json", "--from needs a value: --from TIME"},
        {"--limit five", "--limit needs a whole number, not \"five\""},
        {"--limit=", "--limit needs a whole number, not \"\""},
        {"--limit 99999999999999999999", "--limit needs a whole number, not \"99999999999999999999\""},
        {"a b c d", "unexpected argument \"d\" (--help tells what is taken)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[MOST_ARGS];
        struct err err;
        int positional;

        assert_int_equal(parse(rows[i].line, argv, &positional, &err), ARGS_WRONG);
        assert_string_equal(err.text, rows[i].text);
    }
}

static void positional_arguments_move_to_the_front_in_their_order(void **state)
{
    static const char *const rows[] = {
        "a b c --json --from x", "--json a --from x b c", "--from x a b --json c", "a --from x --json -- b c",
        "--json --from x -- a b c",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[MOST_ARGS];
        struct err err;
        int positional;

        assert_int_equal(parse(rows[i], argv, &positional, &err), ARGS_OK);
        assert_int_equal(positional, 3);
        assert_string_equal(argv[0], "try");
        assert_string_equal(argv[1], "a");
        assert_string_equal(argv[2], "b");
        assert_string_equal(argv[3], "c");
        assert_true(options.is_json);
        assert_string_equal(options.from, "x");
    }
}

static void behind_two_dashes_and_for_one_dash_everything_is_positional(void **state)
{
    char *argv[MOST_ARGS];
    struct err err;
    int positional;

    (void)state;
    assert_int_equal(parse("- -- --json --", argv, &positional, &err), ARGS_OK);
    assert_int_equal(positional, 3);
    assert_string_equal(argv[1], "-");
    assert_string_equal(argv[2], "--json");
    assert_string_equal(argv[3], "--");
    assert_false(options.is_json);
}

static void help_is_asked_for_in_two_ways(void **state)
{
    char *argv[MOST_ARGS];
    struct err err;
    int positional;

    (void)state;
    assert_int_equal(parse("--help", argv, &positional, &err), ARGS_HELP);
    assert_int_equal(parse("--json a -h", argv, &positional, &err), ARGS_HELP);
    assert_int_equal(parse("-- --help", argv, &positional, &err), ARGS_OK);
    assert_int_equal(parse("--wrong --help", argv, &positional, &err), ARGS_WRONG);
}

static void the_help_is_made_of_the_table(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    (void)state;
    args_print_help(table, &usage, to);
    fclose(to);
    assert_string_equal(text, "usage: perkline try [OPTIONS] [DIR...]\n\nTries things.\n\n"
                              "  --json       print JSON\n"
                              "  --from TIME  begin here\n"
                              "  --limit N    stop after N\n"
                              "  --help       Show this text.\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_in_every_spelling),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(positional_arguments_move_to_the_front_in_their_order),
        cmocka_unit_test(behind_two_dashes_and_for_one_dash_everything_is_positional),
        cmocka_unit_test(help_is_asked_for_in_two_ways),
        cmocka_unit_test(the_help_is_made_of_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
