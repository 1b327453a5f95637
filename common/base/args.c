#include "base/args.h"

#include <string.h>

#include "base/fold.h"
#include "base/nearest.h"
#include "base/number.h"

enum { MOST_OPTIONS = 64 };

const char *args_nearest(const char *name, const char *const names[])
{
    return nearest_find(name, names);
}

static const struct arg *find(const struct arg *table, struct slice name)
{
    for (const struct arg *arg = table; arg->name; arg++) {
        if (slice_is(name, arg->name)) {
            return arg;
        }
    }
    return NULL;
}

static enum args_result refuse_unknown(const struct arg *table, struct slice name, struct err *err)
{
    const char *names[MOST_OPTIONS + 2];
    char typed[NEAREST_MOST_LEN + 1] = "";
    const char *nearest;
    size_t count = 0;

    for (const struct arg *arg = table; arg->name && count < MOST_OPTIONS; arg++) {
        names[count++] = arg->name;
    }
    names[count++] = "help";
    names[count] = NULL;
    if (name.len < sizeof(typed)) {
        memcpy(typed, name.data, name.len);
    }
    nearest = nearest_find(typed, names);
    if (nearest) {
        err_set(err, "unknown option --%s (did you mean --%s?)", typed, nearest);
    } else {
        err_set(err, "unknown option --%.*s (--help lists them)", (int)(name.len < 80 ? name.len : 80), name.data);
    }
    return ARGS_WRONG;
}

static bool store(const struct arg *arg, const char *value, struct err *err)
{
    if (arg->type == ARG_TEXT) {
        *(const char **)arg->to = value;
        return true;
    }
    if (!number_parse(slice_of(value), arg->to)) {
        return err_set(err, "--%s needs a whole number, not \"%.80s\"", arg->name, value);
    }
    return true;
}

/* Takes the option at argv[*at], and its value from behind '=' or from the next argument (*at moves on to it). */
static enum args_result take_option(const struct arg *table, int argc, char **argv, int *at, struct err *err)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    struct slice name = slice_make(text, equals ? (size_t)(equals - text) : strlen(text));
    const struct arg *arg = find(table, name);
    const char *value = equals ? equals + 1 : NULL;

    if (!arg) {
        return slice_is(name, "help") && !equals ? ARGS_HELP : refuse_unknown(table, name, err);
    }
    if (arg->type == ARG_FLAG) {
        if (value) {
            err_set(err, "--%s takes no value", arg->name);
            return ARGS_WRONG;
        }
        *(bool *)arg->to = true;
        return ARGS_OK;
    }
    if (!value && *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0) {
        value = argv[++*at];
    }
    if (!value) {
        err_set(err, "--%s needs a value: --%s %s", arg->name, arg->name, arg->value_name);
        return ARGS_WRONG;
    }
    return store(arg, value, err) ? ARGS_OK : ARGS_WRONG;
}

/* Everything before argv[from] was read, so the swap loses nothing that is still to be read. */
static enum args_result keep_positional(const struct args_usage *usage, char **argv, int from, int *positional,
                                        struct err *err)
{
    char *text = argv[from];

    if (*positional == usage->most_positional) {
        err_set(err, "unexpected argument \"%.80s\" (--help tells what is taken)", text);
        return ARGS_WRONG;
    }
    *positional += 1;
    argv[from] = argv[*positional];
    argv[*positional] = text;
    return ARGS_OK;
}

enum args_result args_parse(const struct arg *table, const struct args_usage *usage, int argc, char **argv,
                            int *positional, struct err *err)
{
    enum args_result result = ARGS_OK;
    bool only_positional = false;

    *positional = 0;
    for (int at = 1; at < argc && result == ARGS_OK; at++) {
        const char *text = argv[at];

        if (only_positional || text[0] != '-' || text[1] == '\0') {
            result = keep_positional(usage, argv, at, positional, err);
        } else if (strcmp(text, "--") == 0) {
            only_positional = true;
        } else if (text[1] == '-') {
            result = take_option(table, argc, argv, &at, err);
        } else if (strcmp(text, "-h") == 0) {
            result = ARGS_HELP;
        } else {
            err_set(err, "unknown option %.80s (options have two dashes; --help lists them)", text);
            result = ARGS_WRONG;
        }
    }
    return result;
}

static size_t width_of(const struct arg *arg)
{
    return strlen(arg->name) + (arg->value_name ? strlen(arg->value_name) + 1 : 0);
}

void args_print_help(const struct arg *table, const struct args_usage *usage, FILE *to)
{
    size_t width = strlen("help");

    for (const struct arg *arg = table; arg->name; arg++) {
        width = width_of(arg) > width ? width_of(arg) : width;
    }
    fprintf(to, "usage: %s [OPTIONS]%s%s\n\n%s\n\n", usage->command, usage->positional[0] ? " " : "",
            usage->positional, usage->summary);
    for (const struct arg *arg = table; arg->name; arg++) {
        fprintf(to, "  --%s%s%s%*s  ", arg->name, arg->value_name ? " " : "", arg->value_name ? arg->value_name : "",
                (int)(width - width_of(arg)), "");
        fold_print(to, width + strlen("  --  "), arg->help);
    }
    fprintf(to, "  --help%*s  Show this text.\n", (int)(width - strlen("help")), "");
}

int args_read(const struct arg *table, const struct args_usage *usage, const struct setting *settings, int argc,
              char **argv, int *positional)
{
    struct err err = {0};

    switch (args_parse(table, usage, argc, argv, positional, &err)) {
    case ARGS_HELP:
        args_print_help(table, usage, stdout);
        if (settings) {
            puts("\nsettings (environment):");
            settings_print_help(settings, stdout);
        }
        return 0;
    case ARGS_WRONG:
        fprintf(stderr, "%s: %s\n", usage->command, err.text);
        return 2;
    case ARGS_OK:
        break;
    }
    return ARGS_GO_ON;
}
