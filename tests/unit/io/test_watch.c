#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/watch.h"
#include "tests/support/temp_dir.c"
#include "tests/support/wait.c"

enum { SETTLE_MS = 20 };

struct place {
    struct loop *loop;
    char *dir;
    struct watch *watch;
    int count;
    bool is_closing; /* at the next call */
};

static void on_change(void *arg)
{
    struct place *place = arg;

    place->count++;
    if (place->is_closing) {
        watch_close(place->watch);
        place->watch = NULL;
    }
}

static void begin(struct place *place)
{
    struct err err = {0};

    *place = (struct place){.loop = loop_create(), .dir = temp_dir_create()};
    temp_dir_write(place->dir, "tier/flow.yaml", "a");
    temp_dir_write(place->dir, "tier/samples/gold.json", "{}");
    place->watch = watch_open(place->loop, place->dir, SETTLE_MS, on_change, place, &err);
    if (!place->watch) {
        fail_msg("%s", err.text);
    }
}

static void end(struct place *place)
{
    watch_close(place->watch);
    loop_destroy(place->loop);
    temp_dir_destroy(place->dir);
}

/* The change just made is told, and nothing more. */
static void expect_told(struct place *place, const char *what)
{
    place->count = 0;
    if (!wait_for_count(place->loop, &place->count, 1)) {
        fail_msg("%s: not told", what);
    }
    wait_turns_ms(place->loop, 3 * SETTLE_MS);
    if (place->count != 1) {
        fail_msg("%s: told %d times", what, place->count);
    }
}

static void rename_in(struct place *place, const char *from, const char *to)
{
    char *a = temp_dir_path(place->dir, from);
    char *b = temp_dir_path(place->dir, to);

    assert_int_equal(rename(a, b), 0);
    free(a);
    free(b);
}

static void remove_in(struct place *place, const char *name)
{
    char *path = temp_dir_path(place->dir, name);

    assert_int_equal(remove(path), 0);
    free(path);
}

static void link_in(struct place *place, const char *target, const char *name)
{
    char *path = temp_dir_path(place->dir, name);

    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void changes_at_every_depth_are_told_once(void **state)
{
    struct place place;

    (void)state;
    begin(&place);
    wait_turns_ms(place.loop, 2 * SETTLE_MS);
    assert_int_equal(place.count, 0);
    temp_dir_write(place.dir, "top.yaml", "x");
    expect_told(&place, "a new file");
    temp_dir_write(place.dir, "tier/flow.yaml", "b");
    expect_told(&place, "a rewritten file");
    temp_dir_write(place.dir, "tier/samples/gold.json", "{1}");
    expect_told(&place, "a file two folders down");
    rename_in(&place, "tier/flow.yaml", "tier/flow2.yaml");
    expect_told(&place, "a rename");
    remove_in(&place, "tier/flow2.yaml");
    expect_told(&place, "a removal");
    end(&place);
}

static void a_burst_is_one_change(void **state)
{
    struct place place;

    (void)state;
    begin(&place);
    for (int i = 0; i < 50; i++) {
        char name[32];

        snprintf(name, sizeof(name), "tier/file%d", i);
        temp_dir_write(place.dir, name, "x"); /* no turn of the loop in between: it would make the burst as long as it likes */
    }
    expect_told(&place, "a burst");
    end(&place);
}

static void changes_that_never_cease_are_told_all_the_same(void **state)
{
    struct place place;
    int64_t until_ms = clock_mono_ms() + WAIT_DEADLINE_MS;

    (void)state;
    begin(&place);
    while (place.count == 0 && clock_mono_ms() < until_ms) {
        temp_dir_write(place.dir, "tier/flow.yaml", "again");
        loop_turn(place.loop, false);
    }
    assert_int_equal(place.count, 1);
    end(&place);
}

static void folders_made_later_are_watched_also_in_the_place_of_an_old_one(void **state)
{
    struct place place;

    (void)state;
    begin(&place);
    temp_dir_write(place.dir, "new/deep/flow.yaml", "x");
    expect_told(&place, "new folders");
    temp_dir_write(place.dir, "new/deep/flow.yaml", "y");
    expect_told(&place, "a file in the new folder");
    for (int i = 0; i < 3; i++) { /* the new one may well get the inode of the old one */
        remove_in(&place, "new/deep/flow.yaml");
        remove_in(&place, "new/deep");
        temp_dir_write(place.dir, "new/deep/flow.yaml", "z");
        expect_told(&place, "a folder made anew");
        temp_dir_write(place.dir, "new/deep/flow.yaml", "zz");
        expect_told(&place, "a file in the folder made anew");
    }
    end(&place);
}

/* As Kubernetes does it: the data lies in a folder with a time stamp, "..data" leads there, everything else leads
 * through "..data", and a change swaps that one link. */
static void the_swapped_link_of_a_config_map_is_told_and_followed(void **state)
{
    struct place place;

    (void)state;
    begin(&place);
    temp_dir_write(place.dir, "..1/flow.yaml", "one");
    link_in(&place, "..1", "..data");
    link_in(&place, "..data", "mapped");
    expect_told(&place, "the first version");
    temp_dir_write(place.dir, "..2/flow.yaml", "two");
    link_in(&place, "..2", "..data_tmp");
    rename_in(&place, "..data_tmp", "..data");
    remove_in(&place, "..1/flow.yaml");
    remove_in(&place, "..1");
    expect_told(&place, "the second version");
    temp_dir_write(place.dir, "..2/flow.yaml", "changed");
    expect_told(&place, "a file behind the new link");
    end(&place);
}

static void links_to_folders_outside_are_followed_and_circles_end(void **state)
{
    struct place place;
    char *outside = temp_dir_create();

    (void)state;
    begin(&place);
    link_in(&place, outside, "outside");
    link_in(&place, ".", "tier/circle");
    link_in(&place, "..", "tier/up");
    expect_told(&place, "links");
    temp_dir_write(outside, "flow.yaml", "x");
    expect_told(&place, "a file outside");
    temp_dir_destroy(outside);
    expect_told(&place, "the folder outside is removed");
    end(&place);
}

static void a_folder_that_vanishes_is_found_again(void **state)
{
    struct place place;
    char *aside;

    (void)state;
    begin(&place);
    aside = xasprintf("%s.aside", place.dir);
    assert_int_equal(rename(place.dir, aside), 0);
    expect_told(&place, "the folder is gone");
    assert_int_equal(rename(aside, place.dir), 0);
    expect_told(&place, "the folder is back");
    temp_dir_write(place.dir, "tier/flow.yaml", "x");
    expect_told(&place, "a file in it");
    free(aside);
    end(&place);
}

static void the_callback_may_close_the_watch(void **state)
{
    struct place place;

    (void)state;
    begin(&place);
    place.is_closing = true;
    temp_dir_write(place.dir, "x", "x");
    expect_told(&place, "a file");
    assert_null(place.watch);
    temp_dir_write(place.dir, "y", "y");
    wait_turns_ms(place.loop, 2 * SETTLE_MS);
    assert_int_equal(place.count, 1);
    end(&place);
}

static void what_is_no_folder_cannot_be_watched(void **state)
{
    struct place place;
    char *file;
    struct err err = {0};

    (void)state;
    begin(&place);
    file = temp_dir_path(place.dir, "tier/flow.yaml");
    assert_null(watch_open(place.loop, file, 1, on_change, &place, &err));
    assert_non_null(strstr(err.text, "Not a directory"));
    err_clear(&err);
    assert_null(watch_open(place.loop, "/no/such/folder", 1, on_change, &place, &err));
    assert_non_null(strstr(err.text, "No such file"));
    free(file);
    end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_at_every_depth_are_told_once),
        cmocka_unit_test(a_burst_is_one_change),
        cmocka_unit_test(changes_that_never_cease_are_told_all_the_same),
        cmocka_unit_test(folders_made_later_are_watched_also_in_the_place_of_an_old_one),
        cmocka_unit_test(the_swapped_link_of_a_config_map_is_told_and_followed),
        cmocka_unit_test(links_to_folders_outside_are_followed_and_circles_end),
        cmocka_unit_test(a_folder_that_vanishes_is_found_again),
        cmocka_unit_test(the_callback_may_close_the_watch),
        cmocka_unit_test(what_is_no_folder_cannot_be_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
