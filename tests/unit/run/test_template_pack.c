#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/template_pack.h"
#include "tests/support/temp_dir.h"

static struct file_tree *make_tree(void)
{
    struct file_tree *tree = file_tree_create();

    file_tree_add(tree, "signup/flow.yaml", SLICE("on: x\n"));
    file_tree_add(tree, "signup/email.fa.liquid", SLICE("سلام 12 3\n4 5\n"));
    file_tree_add(tree, "signup/empty", SLICE(""));
    file_tree_add(tree, "signup/nul", SLICE("a\0b"));
    file_tree_add(tree, "README.md", SLICE("notes"));
    return tree;
}

static void a_folder_comes_back_without_its_notes(void **state)
{
    struct file_tree *tree = make_tree();
    struct file_tree *back;
    struct err err = {0};
    struct buf pack;

    (void)state;
    buf_init(&pack, 0);
    template_pack_format(tree, &pack);
    back = template_pack_parse(buf_slice(&pack), &err);
    assert_non_null(back);
    assert_int_equal(back->count, tree->count - 1);
    assert_null(file_tree_find(back, "README.md"));
    for (size_t i = 0; i < back->count; i++) {
        const struct file_entry *was = file_tree_find(tree, back->entries[i].path);

        assert_non_null(was);
        assert_int_equal(back->entries[i].len, was->len);
        assert_memory_equal(back->entries[i].data, was->data, was->len);
    }
    file_tree_destroy(back);
    file_tree_destroy(tree);
    buf_finish(&pack);
}

/* Cut anywhere but between two files it is refused; bytes are copied so that a read beyond the end is seen. */
static void a_pack_that_was_cut_is_refused_or_shorter(void **state)
{
    struct file_tree *tree = make_tree();
    size_t refused = 0;
    struct buf pack;

    (void)state;
    buf_init(&pack, 0);
    template_pack_format(tree, &pack);
    for (size_t len = 0; len < pack.len; len++) {
        char *copy = xmalloc(len ? len : 1);
        struct file_tree *back;

        memcpy(copy, pack.data, len);
        back = template_pack_parse(slice_make(copy, len), NULL);
        refused += !back;
        assert_true(!back || back->count < 4);
        file_tree_destroy(back);
        free(copy);
    }
    assert_int_equal(refused, pack.len - 4); /* behind the head, and behind each file but the last */
    file_tree_destroy(tree);
    buf_finish(&pack);
}

static void what_is_no_pack_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "perkline templates 2\n",
        "perkline templates 1\n1 1\nab1",
        "perkline templates 1\n1 99\nab",
        "perkline templates 1\n0 1\na",
        "perkline templates 1\n1 99999999999999999999\na",
        "perkline templates 1\n1  1\nab",
        "perkline templates 1\n-1 1\nab",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err err = {0};

        assert_null(template_pack_parse(slice_of(texts[i]), &err));
        assert_true(err_is_set(&err));
    }
    assert_null(template_pack_parse(SLICE("perkline templates 1\n2 1\na\0b"), NULL));
}

static void a_folder_may_keep_its_templates_in_one_file(void **state)
{
    char *dir = temp_dir_create();
    struct err err = {0};
    struct file_tree *tree;

    (void)state;
    temp_dir_write(dir, TEMPLATE_PACK_FILE, "perkline templates 1\n5 3\na/b.c1");
    temp_dir_write(dir, "x/y.yaml", "on: x\n");
    assert_null(template_pack_read(dir, &err));
    assert_non_null(strstr(err.text, TEMPLATE_PACK_FILE ": the packed templates are broken behind 0 files"));
    temp_dir_write(dir, TEMPLATE_PACK_FILE, "perkline templates 1\n5 2\na/b.c12");
    tree = template_pack_read(dir, &err);
    assert_non_null(tree);
    assert_int_equal(tree->count, 2);
    assert_string_equal(file_tree_find(tree, "a/b.c")->data, "12");
    assert_string_equal(file_tree_find(tree, "x/y.yaml")->data, "on: x\n");
    file_tree_destroy(tree);
    temp_dir_write(dir, "a/b.c", "other");
    err_clear(&err);
    assert_null(template_pack_read(dir, &err));
    assert_non_null(strstr(err.text, "a/b.c is a file and also in " TEMPLATE_PACK_FILE));
    temp_dir_destroy(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_comes_back_without_its_notes),
        cmocka_unit_test(a_pack_that_was_cut_is_refused_or_shorter),
        cmocka_unit_test(what_is_no_pack_is_refused),
        cmocka_unit_test(a_folder_may_keep_its_templates_in_one_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
