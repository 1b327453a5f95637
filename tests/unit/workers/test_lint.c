#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "workers/lint/lint_print.h"

/* --- printing ----------------------------------------------------------------------------------------------------- */

static const struct {
    int line, column;
    const char *expected;
} carets[] = {
    {1, 1, "d/f:1:1: error: wrong\n     1 | plain line\n       | ^\n       = mend it\n"},
    {1, 7, "d/f:1:7: error: wrong\n     1 | plain line\n       |       ^\n       = mend it\n"},
    {2, 3, "d/f:2:3: error: wrong\n     2 | \t\ttabs\n       | \t\t^\n       = mend it\n"},
    {3, 4, "d/f:3:4: error: wrong\n     3 | \xc5\x91r\xc3\xbclt x\n       |    ^\n       = mend it\n"},
    {4, 3, "d/f:4:3: error: wrong\n     4 | \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85\n       |   ^\n       = mend it\n"},
    {5, 2, "d/f:5:2: error: wrong\n     5 | \xe8\x8c\xb6\xe8\x8c\xb6\n       |  ^\n       = mend it\n"},
    {6, 1, "d/f:6:1: error: wrong\n     6 |  [31mred\n       | ^\n       = mend it\n"},
    {7, 9, "d/f:7:9: error: wrong\n     7 | short\n       |      ^\n       = mend it\n"}, /* behind the end */
    {9, 1, "d/f:9:1: error: wrong\n       = mend it\n"},                                  /* no such line */
};

static const char file_text[] = "plain line\n\t\ttabs\r\n\xc5\x91r\xc3\xbclt x\n\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85\n"
                                "\xe8\x8c\xb6\xe8\x8c\xb6\n\x1b[31mred\nshort\n";

static char *print(const struct lint_print *how, const struct diag_list *diags,
                   void (*fn)(const struct lint_print *, const struct diag_list *, FILE *))
{
    char **text = xcalloc(1, sizeof(*text)); /* on the heap: gcc takes what open_memstream() fills for a dangling local */
    char *taken;
    size_t size;
    FILE *to = open_memstream(text, &size);

    fn(how, diags, to);
    fclose(to);
    taken = *text;
    free(text);
    return taken;
}

static void the_caret_stands_below_the_character(void **state)
{
    struct file_tree *tree = file_tree_create();
    struct lint_print how = {.dir = "d", .tree = tree};

    (void)state;
    file_tree_add(tree, "f", slice_of(file_text));
    for (size_t i = 0; i < sizeof(carets) / sizeof(carets[0]); i++) {
        struct diag_list diags;
        char *text;

        diag_list_init(&diags);
        diag_add(&diags, DIAG_ERROR, "f", carets[i].line, carets[i].column, "mend it", "wrong");
        text = print(&how, &diags, lint_print_text);
        assert_string_equal(text, carets[i].expected);
        free(text);
        diag_list_finish(&diags);
    }
    file_tree_destroy(tree);
}

static void a_long_line_is_cut_around_the_place(void **state)
{
    struct file_tree *tree = file_tree_create();
    struct lint_print how = {.dir = "d/", .tree = tree};
    struct diag_list diags;
    char line[1001], *text, *source, *caret;

    (void)state;
    memset(line, 'a', 1000);
    line[1000] = '\0';
    line[499] = 'X';
    file_tree_add(tree, "f", slice_of(line));
    diag_list_init(&diags);
    diag_add(&diags, DIAG_WARNING, "f", 1, 500, NULL, "wrong");
    text = print(&how, &diags, lint_print_text);
    assert_true(strncmp(text, "d/f:1:500: warning: wrong\n", 26) == 0);
    source = text + 26;
    caret = strchr(source, '\n') + 1;
    assert_true(strlen(source) < 400);
    assert_int_equal(strchr(source, 'X') - source, strchr(caret, '^') - caret);
    free(text);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
}

static void programs_get_one_array(void **state)
{
    struct file_tree *tree = file_tree_create();
    struct lint_print how = {.dir = "d", .tree = tree};
    struct diag_list diags;
    json_t *list;
    char *text;

    (void)state;
    diag_list_init(&diags);
    diag_add(&diags, DIAG_NOTE, "a", 1, 2, NULL, "seen");
    diag_add(&diags, DIAG_ERROR, "b", 3, 4, "say \"x\"", "wrong");
    text = print(&how, &diags, lint_print_json);
    list = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "file")), "d/b");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "line")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "column")), 4);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "severity")), "error");
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "message")), "wrong");
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "hint")), "say \"x\"");
    json_decref(list);
    free(text);
    how.has_notes = true;
    text = print(&how, &diags, lint_print_json);
    list = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "hint")));
    json_decref(list);
    free(text);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caret_stands_below_the_character),
        cmocka_unit_test(a_long_line_is_cut_around_the_place),
        cmocka_unit_test(programs_get_one_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
