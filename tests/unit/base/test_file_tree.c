#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_tree.h"
#include "base/mem.h"

/* Each test has a folder of its own, with the tree in "t" and room for other things beside it. */
static char folder[32];
static char root[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/file-tree-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(root, sizeof(root), "%s/t", folder);
    return mkdir(root, 0755);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(name);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_path(char *to, size_t size, const char *name)
{
    assert_true((size_t)snprintf(to, size, "%s/%s", folder, name) < size);
}

static void make_dir(const char *name)
{
    char path[512];

    make_path(path, sizeof(path), name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_file(const char *name, const char *data, size_t len)
{
    char path[512];
    FILE *file;

    make_path(path, sizeof(path), name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void make_link(const char *target, const char *name)
{
    char path[512];

    make_path(path, sizeof(path), name);
    assert_int_equal(symlink(target, path), 0);
}

static void assert_refused(const char *part)
{
    struct err err = {0};

    assert_null(file_tree_read(root, &err));
    if (!strstr(err.text, part)) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
    assert_memory_equal(err.text, root, strlen(root));
}

static struct file_tree *read_well(void)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(root, &err);

    if (!tree) {
        fail_msg("%s", err.text);
    }
    return tree;
}

static void files_are_sorted_by_path_with_their_content(void **state)
{
    static const char *const expected[] = {"a-b/x", "a/b/c", "a/z", "empty", "zero"};
    struct file_tree *tree;

    (void)state;
    make_dir("t/a");
    make_dir("t/a/b");
    make_dir("t/a-b");
    make_dir("t/no-files");
    make_file("t/zero", "a\0b", 3);
    make_file("t/empty", "", 0);
    make_file("t/a/z", "z", 1);
    make_file("t/a/b/c", "content", 7);
    make_file("t/a-b/x", "x", 1);
    tree = read_well();
    assert_int_equal(tree->count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(tree->entries[i].path, expected[i]);
        assert_ptr_equal(file_tree_find(tree, expected[i]), &tree->entries[i]);
    }
    assert_string_equal(file_tree_find(tree, "a/b/c")->data, "content");
    assert_int_equal(file_tree_find(tree, "zero")->len, 3);
    assert_memory_equal(file_tree_find(tree, "zero")->data, "a\0b", 4);
    assert_int_equal(file_tree_find(tree, "empty")->len, 0);
    assert_string_equal(file_tree_find(tree, "empty")->data, "");
    assert_null(file_tree_find(tree, "a"));
    assert_null(file_tree_find(tree, "/a/z"));
    file_tree_destroy(tree);
}

static void hidden_files_and_left_overs_of_editors_are_skipped(void **state)
{
    struct file_tree *tree;

    (void)state;
    make_dir("t/.git");
    make_file("t/.git/config", "x", 1);
    make_file("t/.hidden", "x", 1);
    make_file("t/x~", "x", 1);
    make_file("t/.x.swp", "x", 1);
    make_file("t/x.swp", "x", 1);
    make_file("t/#x#", "x", 1);
    make_file("t/#", "x", 1);
    make_file("t/#kept", "x", 1);
    make_link("/nowhere", "t/.#lock");
    tree = read_well();
    assert_int_equal(tree->count, 2);
    assert_string_equal(tree->entries[0].path, "#");
    assert_string_equal(tree->entries[1].path, "#kept");
    file_tree_destroy(tree);
}

static void links_inside_are_followed_as_kubernetes_makes_them(void **state)
{
    struct file_tree *tree;

    (void)state;
    make_dir("t/..2026_11_21");
    make_dir("t/..2026_11_21/flow");
    make_file("t/..2026_11_21/flow.yaml", "on: x", 5);
    make_file("t/..2026_11_21/flow/sms", "hi", 2);
    make_link("..2026_11_21", "t/..data");
    make_link("..data/flow.yaml", "t/flow.yaml");
    make_link("..data/flow", "t/flow");
    tree = read_well();
    assert_int_equal(tree->count, 2);
    assert_string_equal(tree->entries[0].path, "flow.yaml");
    assert_string_equal(tree->entries[0].data, "on: x");
    assert_string_equal(tree->entries[1].path, "flow/sms");
    assert_string_equal(tree->entries[1].data, "hi");
    file_tree_destroy(tree);
}

static void the_folder_itself_may_be_a_link(void **state)
{
    struct file_tree *tree;
    struct err err = {0};
    char path[64];

    (void)state;
    make_file("t/a", "x", 1);
    make_link("t", "link");
    make_path(path, sizeof(path), "link");
    tree = file_tree_read(path, &err);
    assert_non_null(tree);
    assert_int_equal(tree->count, 1);
    file_tree_destroy(tree);
}

static void links_that_lead_out_are_refused(void **state)
{
    (void)state;
    make_file("secret", "x", 1);
    make_link("../secret", "t/a.liquid");
    assert_refused("a.liquid: the link leads out of the folder");
}

static void a_sibling_whose_name_begins_alike_is_outside(void **state)
{
    (void)state;
    make_dir("t2");
    make_file("t2/x", "x", 1);
    make_link("../t2/x", "t/x");
    assert_refused("x: the link leads out of the folder");
}

static void a_link_out_by_way_of_a_link_inside_is_refused(void **state)
{
    (void)state;
    make_dir("other");
    make_file("other/x", "x", 1);
    make_link("../other", "t/.hop");
    make_link(".hop/x", "t/x");
    assert_refused("x: the link leads out of the folder");
}

static void a_link_to_nowhere_is_named(void **state)
{
    (void)state;
    make_link("missing", "t/x.liquid");
    assert_refused("x.liquid: cannot follow the link: No such file");
}

static void links_in_a_circle_are_refused(void **state)
{
    (void)state;
    make_dir("t/a");
    make_link("..", "t/a/up");
    assert_refused("a/up: the link leads back to a folder above it");
}

static void a_file_that_links_to_itself_is_refused(void **state)
{
    (void)state;
    make_link("loop", "t/loop");
    assert_refused("loop: cannot follow the link");
}

static void folders_nested_too_deep_are_refused(void **state)
{
    char name[256] = "t";

    (void)state;
    for (int i = 0; i < 16; i++) {
        strncat(name, "/d", sizeof(name) - strlen(name) - 1);
        make_dir(name);
    }
    assert_refused("folders are nested deeper than 16");
}

static void the_largest_file_is_read_and_one_byte_more_is_refused(void **state)
{
    char *data = xcalloc(FILE_TREE_MOST_FILE_BYTES + 1, 1);
    struct file_tree *tree;

    (void)state;
    make_file("t/big.html", data, FILE_TREE_MOST_FILE_BYTES);
    tree = read_well();
    assert_int_equal(tree->entries[0].len, FILE_TREE_MOST_FILE_BYTES);
    file_tree_destroy(tree);
    make_file("t/big.html", data, FILE_TREE_MOST_FILE_BYTES + 1);
    free(data);
    assert_refused("big.html: larger than 1048576 bytes");
}

static void all_files_together_are_limited(void **state)
{
    char *data = xcalloc(FILE_TREE_MOST_FILE_BYTES, 1);
    struct file_tree *tree;
    char name[32];

    (void)state;
    for (int i = 0; i < FILE_TREE_MOST_BYTES / FILE_TREE_MOST_FILE_BYTES; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        make_file(name, data, FILE_TREE_MOST_FILE_BYTES);
    }
    free(data);
    tree = read_well();
    assert_int_equal(tree->count, 64);
    file_tree_destroy(tree);
    make_file("t/more", "x", 1);
    assert_refused("all files together are larger than 67108864 bytes");
}

static void the_number_of_files_is_limited(void **state)
{
    struct file_tree *tree;
    char name[32];

    (void)state;
    for (int i = 0; i < FILE_TREE_MOST_FILES; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        make_file(name, "", 0);
    }
    tree = read_well();
    assert_int_equal(tree->count, FILE_TREE_MOST_FILES);
    file_tree_destroy(tree);
    make_file("t/more", "", 0);
    assert_refused("there are more than 10000 files");
}

static void pipes_are_passed_over_without_waiting(void **state)
{
    struct file_tree *tree;
    char path[64];

    (void)state;
    make_path(path, sizeof(path), "t/pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    make_file("t/x", "x", 1);
    tree = read_well();
    assert_int_equal(tree->count, 1);
    file_tree_destroy(tree);
}

static void a_file_that_may_not_be_read_is_named(void **state)
{
    struct err err = {0};
    struct file_tree *tree;
    uid_t user = geteuid();
    char path[64];

    (void)state;
    make_file("t/x", "x", 1);
    make_path(path, sizeof(path), "t/x");
    assert_int_equal(chmod(path, 0), 0);
    /* root may read everything, so that this is done as nobody then. */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(user == 0 ? 65534 : user), 0);
    tree = file_tree_read(root, &err);
    assert_int_equal(seteuid(user), 0);
    assert_null(tree);
    assert_non_null(strstr(err.text, "x: cannot open: Permission denied"));
}

static void a_name_with_a_control_character_is_refused(void **state)
{
    (void)state;
    make_file("t/a\nb", "x", 1);
    assert_refused("a file's name holds a control character");
}

static void a_folder_that_is_none_is_named(void **state)
{
    struct err err = {0};
    char path[64];

    (void)state;
    make_path(path, sizeof(path), "missing");
    assert_null(file_tree_read(path, &err));
    assert_non_null(strstr(err.text, "missing: cannot open the folder: No such file or directory"));
    make_file("file", "x", 1);
    make_path(path, sizeof(path), "file");
    err_clear(&err);
    assert_null(file_tree_read(path, &err));
    assert_non_null(strstr(err.text, "file: cannot open the folder: Not a directory"));
}

static void added_files_are_sorted_and_replaced(void **state)
{
    struct file_tree *tree = file_tree_create();
    char name[16];

    (void)state;
    assert_null(file_tree_find(tree, "x"));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%02d", i * 37 % 100);
        file_tree_add(tree, name, slice_of(name));
    }
    file_tree_add(tree, "50", SLICE("new"));
    file_tree_add(tree, "none", slice_make(NULL, 0));
    assert_int_equal(tree->count, 101);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%02d", i);
        assert_string_equal(tree->entries[i].path, name);
        assert_string_equal(tree->entries[i].data, i == 50 ? "new" : name);
    }
    assert_int_equal(file_tree_find(tree, "50")->len, 3);
    assert_string_equal(file_tree_find(tree, "none")->data, "");
    file_tree_destroy(tree);
    file_tree_destroy(NULL);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_are_sorted_by_path_with_their_content),
        IN_FOLDER(hidden_files_and_left_overs_of_editors_are_skipped),
        IN_FOLDER(links_inside_are_followed_as_kubernetes_makes_them),
        IN_FOLDER(the_folder_itself_may_be_a_link),
        IN_FOLDER(links_that_lead_out_are_refused),
        IN_FOLDER(a_sibling_whose_name_begins_alike_is_outside),
        IN_FOLDER(a_link_out_by_way_of_a_link_inside_is_refused),
        IN_FOLDER(a_link_to_nowhere_is_named),
        IN_FOLDER(links_in_a_circle_are_refused),
        IN_FOLDER(a_file_that_links_to_itself_is_refused),
        IN_FOLDER(folders_nested_too_deep_are_refused),
        IN_FOLDER(the_largest_file_is_read_and_one_byte_more_is_refused),
        IN_FOLDER(all_files_together_are_limited),
        IN_FOLDER(the_number_of_files_is_limited),
        IN_FOLDER(pipes_are_passed_over_without_waiting),
        IN_FOLDER(a_file_that_may_not_be_read_is_named),
        IN_FOLDER(a_name_with_a_control_character_is_refused),
        IN_FOLDER(a_folder_that_is_none_is_named),
        cmocka_unit_test(added_files_are_sorted_and_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
