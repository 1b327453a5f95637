#include "base/settings.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/fold.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/utf8.h"

extern char **environ;

enum { MOST_VALUE_BYTES = 64 << 10, NAME_SIZE = 128, HELP_SIZE = 512 };

/* --- files -------------------------------------------------------------------------------------------------------- */

static void wipe_and_free(char *text, size_t len)
{
    if (text) {
        explicit_bzero(text, len);
        free(text);
    }
}

/* Twice the room; not with realloc, which would leave a copy of a secret behind. */
static char *grow(char *data, size_t len, size_t *cap)
{
    size_t more = *cap * 2;
    char *bigger = xmalloc(more + 1);

    memcpy(bigger, data, len);
    wipe_and_free(data, len);
    *cap = more;
    return bigger;
}

static char *read_all(int fd, const char *path, size_t max, size_t *len, struct err *err)
{
    size_t cap = max < 4096 ? max + 1 : 4096;
    char *data = xmalloc(cap + 1);
    ssize_t n;

    *len = 0;
    while ((n = read(fd, data + *len, cap - *len)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            err_set(err, "cannot read %s: %s", path, strerror(errno));
            break;
        }
        *len += (size_t)n;
        if (*len > max) {
            err_set(err, "%s is larger than %zu bytes", path, max);
            break;
        }
        if (*len == cap) {
            data = grow(data, *len, &cap);
        }
    }
    if (n != 0) {
        wipe_and_free(data, *len);
        return NULL;
    }
    data[*len] = '\0';
    return data;
}

static char *read_file(const char *path, size_t max, bool is_secret, size_t *len, struct err *err)
{
    struct stat st;
    size_t ignored;
    char *data = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        err_set(err, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) != 0) {
        err_set(err, "cannot read %s: %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        err_set(err, "cannot read %s: it is a folder", path);
    } else if (is_secret && S_ISREG(st.st_mode) && (st.st_mode & (S_IROTH | S_IWOTH))) {
        err_set(err,
                "%s may be %s by everyone (mode %04o): chmod 0440 it (Docker: mode: 0440 and uid; Kubernetes: "
                "defaultMode: 0440 and fsGroup)",
                path, st.st_mode & S_IROTH ? "read" : "written", (unsigned)st.st_mode & 07777);
    } else {
        data = read_all(fd, path, max, len ? len : &ignored, err);
    }
    close(fd);
    return data;
}

char *settings_read_file(const char *path, size_t max, size_t *len, struct err *err)
{
    return read_file(path, max, false, len, err);
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

static void *field_of(const struct setting *row, void *base)
{
    return (char *)base + row->offset;
}

static bool is_text(const struct setting *row)
{
    return row->type == SETTING_TEXT || row->type == SETTING_SECRET;
}

static void clear_field(const struct setting *row, void *base)
{
    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        *(const char **)field_of(row, base) = NULL;
        break;
    case SETTING_INT:
    case SETTING_DURATION:
        *(int64_t *)field_of(row, base) = 0;
        break;
    case SETTING_BOOL:
        *(bool *)field_of(row, base) = false;
        break;
    }
}

static bool parse_bool(const char *value, bool *to)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *to = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool check_range(const struct setting *row, int64_t number, struct err *err)
{
    const char *unit = row->type == SETTING_DURATION ? " ms" : "";

    if (number < row->least) {
        return err_set(err, "%lld%s is less than the least, %lld%s", (long long)number, unit, (long long)row->least,
                       unit);
    }
    if (row->most && number > row->most) {
        return err_set(err, "%lld%s is more than the most, %lld%s", (long long)number, unit, (long long)row->most,
                       unit);
    }
    return true;
}

static bool check_text(const char *value, struct err *err)
{
    if (!utf8_is_valid(slice_of(value))) {
        return err_set(err, "the value is not UTF-8");
    }
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return err_set(err, "the value holds a control character or a line break");
        }
    }
    return true;
}

/* The value never shows in an error about a TEXT or SECRET. */
static bool store(const struct setting *row, void *base, const char *value, struct err *err)
{
    int64_t *number = field_of(row, base);

    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        if (!check_text(value, err)) {
            return false;
        }
        *(const char **)field_of(row, base) = xstrdup(value);
        return true;
    case SETTING_INT:
        return (number_parse(slice_of(value), number) || err_set(err, "\"%.80s\" is not a whole number", value)) &&
               check_range(row, *number, err);
    case SETTING_DURATION:
        return duration_parse_ms(slice_of(value), number, err) && check_range(row, *number, err);
    case SETTING_BOOL:
        return parse_bool(value, field_of(row, base)) ||
               err_set(err, "\"%.80s\" is neither true nor false", value);
    }
    return false;
}

static const char *find_in_environment(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

static bool load_from_file(const struct setting *row, void *base, const char *path, struct err *err)
{
    size_t len;
    char *text = read_file(path, MOST_VALUE_BYTES, row->type == SETTING_SECRET, &len, err);
    size_t whole = len;
    bool ok = false;

    if (!text) {
        return false;
    }
    if (len > 0 && text[len - 1] == '\n') {
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
        text[len] = '\0';
    }
    if (len == 0) {
        err_set(err, "%s is empty", path);
    } else if (memchr(text, '\0', len)) {
        err_set(err, "%s holds a zero byte", path);
    } else {
        ok = store(row, base, text, err);
    }
    wipe_and_free(text, whole);
    return ok;
}

static bool load_row(const struct setting *row, void *base, struct err *err)
{
    char file_name[NAME_SIZE];
    const char *value = find_in_environment(row->name);
    const char *path;

    snprintf(file_name, sizeof(file_name), "%s_FILE", row->name);
    path = find_in_environment(file_name);
    if (value && path) {
        return err_set(err, "%s and %s are both set: which one counts?", row->name, file_name);
    }
    if (path) {
        return load_from_file(row, base, path, err) || err_prefix(err, "%s", file_name);
    }
    if (!value && row->is_required && !row->default_value) {
        return err_set(err, "%s is not set: %s", row->name, row->help);
    }
    value = value ? value : row->default_value;
    return !value || store(row, base, value, err) || err_prefix(err, "%s", row->name);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

bool settings_load(const struct setting *table, void *base, struct err *err)
{
    for (const struct setting *row = table; row->name; row++) {
        clear_field(row, base);
    }
    for (const struct setting *row = table; row->name; row++) {
        if (!load_row(row, base, err)) {
            settings_finish(table, base);
            return false;
        }
    }
    return true;
}

void settings_finish(const struct setting *table, void *base)
{
    for (const struct setting *row = table; row->name; row++) {
        if (is_text(row)) {
            char *text = *(char **)field_of(row, base);

            if (text && row->type == SETTING_SECRET) {
                explicit_bzero(text, strlen(text));
            }
            free(text);
            clear_field(row, base);
        }
    }
}

static const char *describe(const struct setting *row)
{
    static const char *const words[] = {"text", "secret", "number", "duration", "yes/no"};

    return words[row->type];
}

void settings_choose(const struct setting *table, const char *const names[], struct setting rows[])
{
    size_t count = 0;

    for (; names[count]; count++) {
        const struct setting *row = table;

        while (row->name && strcmp(row->name, names[count]) != 0) {
            row++;
        }
        assert(row->name);
        rows[count] = *row;
    }
    rows[count] = (struct setting){.name = NULL};
}

void settings_print_help(const struct setting *table, FILE *to)
{
    char text[HELP_SIZE];
    size_t width = 0;

    for (const struct setting *row = table; row->name; row++) {
        width = strlen(row->name) > width ? strlen(row->name) : width;
    }
    for (const struct setting *row = table; row->name; row++) {
        fprintf(to, "  %-*s  %-8s  ", (int)width, row->name, describe(row));
        if (row->default_value) {
            snprintf(text, sizeof(text), "%s [%s]", row->help, row->default_value);
        } else {
            snprintf(text, sizeof(text), "%s%s", row->help, row->is_required ? " (required)" : "");
        }
        fold_print(to, width + strlen("    12345678  "), text);
    }
}

/* --- misspelt names ----------------------------------------------------------------------------------------------- */

/* Calls for both spellings of each row: NAME and NAME_FILE. 0: that is a setting's name. */
static size_t distance_to_tables(const struct setting *const tables[], const char *name, char nearest[64])
{
    size_t least = NEAREST_MOST_DISTANCE + 1;

    for (; *tables; tables++) {
        for (const struct setting *row = *tables; row->name; row++) {
            for (int is_file = 0; is_file < 2; is_file++) {
                char known[NAME_SIZE];
                size_t d;

                snprintf(known, sizeof(known), "%s%s", row->name, is_file ? "_FILE" : "");
                d = nearest_distance(name, known);
                if (d < least && (d < 2 || strlen(known) >= 8)) {
                    least = d;
                    snprintf(nearest, 64, "%.63s", known);
                }
            }
        }
    }
    return least;
}

const char *settings_find_misspelt(const struct setting *const tables[], char suggestion[64])
{
    static char name[NAME_SIZE];

    for (char **entry = environ; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        size_t len = equals ? (size_t)(equals - *entry) : 0;
        size_t distance;

        if (len < 4 || len >= sizeof(name)) {
            continue;
        }
        memcpy(name, *entry, len);
        name[len] = '\0';
        distance = distance_to_tables(tables, name, suggestion);
        if (distance > 0 && distance <= NEAREST_MOST_DISTANCE) {
            return name;
        }
    }
    suggestion[0] = '\0';
    return NULL;
}
