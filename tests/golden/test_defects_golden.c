/*
 * Planted defects: tests/golden/defects/defects.txt changes the good folder beside it in one small way after the other,
 * and says exactly what the gate has to answer. Each is offered to lint, to a worker that starts and to one that runs:
 * what has errors is refused by all three, and the old version stays in use.
 *
 *     === name of the defect
 *     edit FILE      then "- old" and "+ new" lines: the old text, which must be there, is replaced
 *     write FILE     then "| line" lines: the whole file
 *     delete FILE
 *     = diagnostic   as diag_format() prints it, in order
 *
 * GOLDEN_UPDATE=1 rewrites the last kind of lines; review the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file_tree.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "core/lint.h"
#include "run/templates.h"
#include "tests/support/temp_dir.h"
#include "workers/commands.h"

static const char good_dir[] = "tests/golden/defects/good";
static const char defects_path[] = "tests/golden/defects/defects.txt";

enum { MOST_FILES = 8, LEAST_REFUSED = 100 };

struct defect {
    char *name;
    char *source;   /* its lines without the expected ones */
    char *expected; /* joined with line breaks */
    struct file_tree *tree;
    char *paths[MOST_FILES]; /* that differ from the good folder */
    size_t path_count;
    struct defect *next;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static struct file_tree *read_good(void)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(good_dir, &err);

    if (!tree) {
        fail_msg("%s", err.text);
    }
    return tree;
}

static struct file_tree *copy_tree(const struct file_tree *tree, const char *without)
{
    struct file_tree *copy = file_tree_create();

    for (size_t i = 0; i < tree->count; i++) {
        if (!without || strcmp(tree->entries[i].path, without) != 0) {
            file_tree_add(copy, tree->entries[i].path, slice_make(tree->entries[i].data, tree->entries[i].len));
        }
    }
    return copy;
}

/* One change under construction. */
struct change {
    char *path;
    char kind; /* 'e', 'w', 'd' */
    struct buf old, new;
};

static void append_line(struct buf *text, const char *line)
{
    if (text->len) {
        buf_append_char(text, '\n');
    }
    buf_append_text(text, line);
}

static void replace(struct defect *defect, struct change *change)
{
    const struct file_entry *entry = file_tree_find(defect->tree, change->path);
    const char *at = entry ? strstr(entry->data, buf_text(&change->old)) : NULL;
    struct buf text;

    if (!at || !change->old.len) {
        fail_msg("%s: %s has no\n%s", defect->name, change->path, buf_text(&change->old));
        return;
    }
    buf_init(&text, 0);
    buf_append(&text, entry->data, (size_t)(at - entry->data));
    buf_append_slice(&text, buf_slice(&change->new));
    buf_append_text(&text, at + change->old.len);
    file_tree_add(defect->tree, change->path, buf_slice(&text));
    buf_finish(&text);
}

static void apply(struct defect *defect, struct change *change)
{
    if (!change->path) {
        return;
    }
    if (change->kind == 'e') {
        replace(defect, change);
    } else if (change->kind == 'w') {
        buf_append_char(&change->new, '\n');
        file_tree_add(defect->tree, change->path, buf_slice(&change->new));
    } else {
        struct file_tree *without = copy_tree(defect->tree, change->path);

        assert_int_equal(without->count + 1, defect->tree->count);
        file_tree_destroy(defect->tree);
        defect->tree = without;
    }
    assert_true(defect->path_count < MOST_FILES);
    defect->paths[defect->path_count++] = change->path;
    change->path = NULL;
    buf_clear(&change->old);
    buf_clear(&change->new);
}

static void begin_change(struct defect *defect, struct change *change, char kind, const char *path)
{
    apply(defect, change);
    change->kind = kind;
    change->path = xstrdup(path);
}

static void read_line(struct defect *defect, struct change *change, struct buf *source, struct buf *expected,
                      char *line)
{
    if (strncmp(line, "= ", 2) == 0) {
        append_line(expected, line + 2);
        return;
    }
    buf_appendf(source, "%s\n", line);
    if (strncmp(line, "edit ", 5) == 0) {
        begin_change(defect, change, 'e', line + 5);
    } else if (strncmp(line, "write ", 6) == 0) {
        begin_change(defect, change, 'w', line + 6);
    } else if (strncmp(line, "delete ", 7) == 0) {
        begin_change(defect, change, 'd', line + 7);
    } else if (strncmp(line, "- ", 2) == 0) {
        append_line(&change->old, line + 2);
    } else if (strncmp(line, "+ ", 2) == 0 || strncmp(line, "| ", 2) == 0) {
        append_line(&change->new, line + 2);
    } else if (*line) {
        fail_msg("%s: not understood: %s", defect->name, line);
    }
}

/* The lines of one defect up to the next; *at is moved behind them. */
static struct defect *read_defect(const struct file_tree *good, char **at)
{
    struct defect *defect = xcalloc(1, sizeof(*defect));
    struct change change = {0};
    struct buf source, expected;
    char *line = strsep(at, "\n");

    assert_true(strncmp(line, "=== ", 4) == 0);
    defect->name = xstrdup(line + 4);
    defect->tree = copy_tree(good, NULL);
    buf_init(&source, 0);
    buf_init(&expected, 0);
    buf_init(&change.old, 0);
    buf_init(&change.new, 0);
    while (*at && **at && strncmp(*at, "=== ", 4) != 0) {
        read_line(defect, &change, &source, &expected, strsep(at, "\n"));
    }
    apply(defect, &change);
    defect->source = buf_take(&source);
    defect->expected = buf_take(&expected);
    buf_finish(&change.old);
    buf_finish(&change.new);
    return defect;
}

static struct defect *read_defects(const struct file_tree *good)
{
    struct err err = {0};
    char *text = settings_read_file(defects_path, 1 << 20, NULL, &err);
    struct defect *first = NULL, **last = &first;
    char *at = text;

    assert_non_null(text);
    while (at && *at) {
        *last = read_defect(good, &at);
        last = &(*last)->next;
    }
    free(text);
    return first;
}

static void destroy_defects(struct defect *defect)
{
    while (defect) {
        struct defect *next = defect->next;

        for (size_t i = 0; i < defect->path_count; i++) {
            free(defect->paths[i]);
        }
        file_tree_destroy(defect->tree);
        free(defect->name);
        free(defect->source);
        free(defect->expected);
        free(defect);
        defect = next;
    }
}

/* --- lint --------------------------------------------------------------------------------------------------------- */

static char *format_all(const struct diag_list *diags)
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (text.len) {
            buf_append_char(&text, '\n');
        }
        diag_format(&diags->items[i], &text);
    }
    return buf_take(&text);
}

static bool is_refused(const struct defect *defect)
{
    return strstr(defect->expected, ": error: ") != NULL;
}

static void update(const struct defect *defects)
{
    FILE *file = fopen(defects_path, "w");

    assert_non_null(file);
    for (const struct defect *defect = defects; defect; defect = defect->next) {
        const char *source = defect->source;
        struct diag_list diags;
        char *all;

        diag_list_init(&diags);
        catalog_unref(lint_build(defect->tree, &(struct catalog_options){"en"}, &diags));
        all = format_all(&diags);
        fprintf(file, "=== %s\n%s", defect->name, source);
        for (char *at = all, *line; at && (line = strsep(&at, "\n")) != NULL;) {
            fprintf(file, "= %s\n", line);
        }
        free(all);
        diag_list_finish(&diags);
    }
    assert_int_equal(fclose(file), 0);
}

static void check_lint(const struct defect *defect)
{
    struct diag_list diags;
    struct catalog *catalog;
    char *all;

    diag_list_init(&diags);
    catalog = lint_build(defect->tree, &(struct catalog_options){"en"}, &diags);
    all = format_all(&diags);
    if (strcmp(all, defect->expected) != 0) {
        fail_msg("%s: expected\n%s\nbut got\n%s", defect->name, defect->expected, all);
    }
    if (!diags.count || (catalog == NULL) != is_refused(defect)) {
        fail_msg("%s: %s", defect->name, catalog ? "taken" : "refused");
    }
    for (size_t i = 0; i < diags.count; i++) {
        if (diags.items[i].line < 1 || diags.items[i].column < 1 || !*diags.items[i].file || !diags.items[i].hint) {
            fail_msg("%s: no place or hint: %s", defect->name, diags.items[i].message);
        }
    }
    catalog_unref(catalog);
    free(all);
    diag_list_finish(&diags);
}

static void lint_finds_every_planted_defect(void **state)
{
    struct file_tree *good = read_good();
    struct defect *defects = read_defects(good);
    size_t refused = 0;

    (void)state;
    if (getenv("GOLDEN_UPDATE")) {
        update(defects);
    } else {
        for (const struct defect *defect = defects; defect; defect = defect->next) {
            check_lint(defect);
            refused += is_refused(defect);
        }
        assert_true(refused >= LEAST_REFUSED);
    }
    destroy_defects(defects);
    file_tree_destroy(good);
}

static void lint_finds_nothing_in_the_good_folder(void **state)
{
    struct file_tree *good = read_good();
    struct diag_list diags;
    struct catalog *catalog;

    (void)state;
    diag_list_init(&diags);
    catalog = lint_build(good, &(struct catalog_options){"en"}, &diags);
    if (diags.count) {
        fail_msg("%s", format_all(&diags));
    }
    assert_non_null(catalog);
    catalog_unref(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(good);
}

/* What is shipped must give nobody the habit of passing over warnings. */
static void the_templates_of_this_repository_are_clean(void **state)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read("templates", &err);
    struct diag_list diags;
    struct catalog *catalog;

    (void)state;
    assert_non_null(tree);
    diag_list_init(&diags);
    catalog = lint_build(tree, &(struct catalog_options){"en"}, &diags);
    for (size_t i = 0; i < diags.count; i++) {
        if (diags.items[i].severity != DIAG_NOTE) {
            fail_msg("%s", format_all(&diags));
        }
    }
    assert_non_null(catalog);
    catalog_unref(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

static void write_tree(const char *dir, const struct file_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        temp_dir_write(dir, tree->entries[i].path, tree->entries[i].data);
    }
}

/* Makes the files of the defect in `dir` those of `tree`. */
static void lay_over(const char *dir, const struct defect *defect, const struct file_tree *tree)
{
    for (size_t i = 0; i < defect->path_count; i++) {
        const struct file_entry *entry = file_tree_find(tree, defect->paths[i]);
        char *path = temp_dir_path(dir, defect->paths[i]);

        if (entry) {
            temp_dir_write(dir, entry->path, entry->data);
        } else {
            unlink(path);
        }
        free(path);
    }
}

static void check_start(const char *dir, const struct defect *defect, struct metrics *metrics)
{
    struct diag_list diags;
    struct err err = {0};
    struct templates *templates;
    char *all;

    diag_list_init(&diags);
    templates = templates_open(dir, "en", metrics, &diags, &err);
    all = format_all(&diags);
    if ((templates == NULL) != is_refused(defect) || strcmp(all, defect->expected) != 0) {
        fail_msg("%s: a worker that starts says\n%s", defect->name, all);
    }
    free(all);
    templates_close(templates);
    diag_list_finish(&diags);
}

static void a_running_worker_keeps_the_old_version(void **state)
{
    struct file_tree *good = read_good();
    struct defect *defects = read_defects(good);
    struct metrics *metrics = metrics_create();
    char *dir = temp_dir_create();
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct templates *templates;
    struct catalog *in_use;
    struct diag_list diags;
    struct err err = {0};

    (void)state;
    diag_list_init(&diags);
    log_set_fd(nowhere);
    write_tree(dir, good);
    templates = templates_open(dir, "en", metrics, &diags, &err);
    assert_non_null(templates);
    in_use = templates_current(templates);
    for (const struct defect *defect = defects; defect; defect = defect->next) {
        if (!is_refused(defect)) {
            continue;
        }
        lay_over(dir, defect, defect->tree);
        check_start(dir, defect, metrics);
        if (templates_reload(templates) || templates_current(templates) != in_use ||
            !templates_is_last_refused(templates)) {
            fail_msg("%s: a running worker took it", defect->name);
        }
        lay_over(dir, defect, good);
    }
    assert_true(templates_reload(templates)); /* nothing of the defects has stayed */
    assert_ptr_equal(templates_current(templates), in_use);
    templates_close(templates);
    diag_list_finish(&diags);
    metrics_destroy(metrics);
    log_set_fd(STDERR_FILENO);
    close(nowhere);
    temp_dir_destroy(dir);
    destroy_defects(defects);
    file_tree_destroy(good);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* Status of `perkline lint DIR [option]`, with its output in `text`. */
static int run_command(const char *dir, const char *option, char *text, size_t size)
{
    char *argv[] = {(char[]){"lint"}, (char *)dir, (char *)option, NULL};
    int kept = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    size_t len;
    int status;

    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    status = lint_command(option ? 3 : 2, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
    return status;
}

static void the_command_tells_by_its_status(void **state)
{
    struct file_tree *good = read_good();
    char *dir = temp_dir_create();
    char text[4096];

    (void)state;
    write_tree(dir, good);
    assert_int_equal(run_command(dir, NULL, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "2 flows"));
    assert_int_equal(run_command(dir, "--json", text, sizeof(text)), 0);
    assert_string_equal(text, "[]\n");
    temp_dir_write(dir, "_brands/default.yml", "name: x\n");
    assert_int_equal(run_command(dir, NULL, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "_brands/default.yml:1:1: warning: "));
    assert_non_null(strstr(text, "0 errors, 1 warning\n"));
    assert_int_equal(run_command(dir, "--strict", text, sizeof(text)), 1);
    temp_dir_write(dir, "welcome/sms.en.liquid", "Hello\n{{ program.nmae }}\n");
    assert_int_equal(run_command(dir, NULL, text, sizeof(text)), 1);
    assert_non_null(strstr(text, "/welcome/sms.en.liquid:2:4: error: unknown variable \"program.nmae\"\n"
                                 "     2 | {{ program.nmae }}\n"
                                 "       |    ^\n"
                                 "       = did you mean \"program.name\"?\n"));
    assert_int_equal(run_command(dir, "--jsn", text, sizeof(text)), 2);
    assert_int_equal(run_command("/nowhere", NULL, text, sizeof(text)), 1);
    temp_dir_destroy(dir);
    file_tree_destroy(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_finds_nothing_in_the_good_folder),
        cmocka_unit_test(lint_finds_every_planted_defect),
        cmocka_unit_test(the_templates_of_this_repository_are_clean),
        cmocka_unit_test(a_running_worker_keeps_the_old_version),
        cmocka_unit_test(the_command_tells_by_its_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
