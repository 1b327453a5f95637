/* Which version is in use, and which are kept. The catalog is the fake one: its version is what the test says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "tests/support/fakes.h"
#include "run/template_pack.h"
#include "run/templates.h"

#define A "00000000000000aa"
#define B "00000000000000bb"
#define C "00000000000000cc"

struct fixture {
    struct metrics *metrics;
    struct templates *templates;
    int told;
};

static void count(void *arg)
{
    ++*(int *)arg;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct diag_list diags;
    struct err err = {0};

    fakes_begin();
    log_set_level(LOG_ERROR);
    log_set_fd(-1);
    diag_list_init(&diags);
    fake_catalog_set_version(A);
    f->metrics = metrics_create();
    f->templates = templates_open(fake_templates_dir(), "en", f->metrics, &diags, &err);
    templates_set_listener(f->templates, count, &f->told);
    *state = f;
    return f->templates ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    templates_close(f->templates);
    metrics_destroy(f->metrics);
    free(f);
    fakes_end();
    return 0;
}

static const char *in_use(const struct fixture *f)
{
    return catalog_version(templates_current(f->templates));
}

static void save(struct fixture *f, const char *version)
{
    fake_catalog_set_version(version);
    assert_true(templates_reload(f->templates));
    assert_string_equal(templates_folder_version(f->templates), version);
}

static struct template_pin pin_of(const char *version, const char *instead_of)
{
    static int64_t serial;
    struct template_pin pin = {.serial = ++serial};

    template_pin_add(&pin, instead_of);
    template_pin_choose(&pin, version);
    return pin;
}

static void pin(struct fixture *f, const char *version, const char *instead_of)
{
    struct template_pin chosen = pin_of(version, instead_of);

    templates_pin(f->templates, &chosen);
}

static void a_saved_change_is_in_use_and_the_version_before_is_kept(void **state)
{
    struct fixture *f = *state;

    save(f, B);
    assert_string_equal(in_use(f), B);
    assert_non_null(templates_find_version(f->templates, A));
    assert_int_equal(f->told, 1);
}

static void a_broken_change_is_refused_with_its_first_error(void **state)
{
    struct fixture *f = *state;

    fake_catalog_set_version("broken");
    assert_false(templates_reload(f->templates));
    assert_string_equal(in_use(f), A);
    assert_true(templates_is_last_refused(f->templates));
    assert_string_equal(templates_refusal(f->templates), "order/flow.yaml:1:1: error: broken");
    save(f, A);
    assert_false(templates_is_last_refused(f->templates));
    assert_string_equal(templates_refusal(f->templates), "");
}

static void a_version_that_was_taken_back_stays_back_until_something_new_is_saved(void **state)
{
    struct fixture *f = *state;

    save(f, B);
    pin(f, A, B);
    assert_string_equal(in_use(f), A);
    assert_int_equal(f->told, 2);
    save(f, B); /* the same text once more */
    assert_string_equal(in_use(f), A);
    save(f, C);
    assert_string_equal(in_use(f), C);
    save(f, B);
    assert_string_equal(in_use(f), A);
}

struct added {
    int told;
    bool is_fine;
};

static void note_added(void *arg, const char *problem)
{
    struct added *added = arg;

    added->told++;
    added->is_fine = !problem[0];
}

/* Adds the files of an empty folder as that version, which the fake catalog makes of them when it is told to. */
static struct added add(struct fixture *f, struct loop *loop, const char *version)
{
    struct file_tree *tree = file_tree_create();
    struct slice pack = template_pack_take(tree);
    struct added added = {0};

    templates_begin_add(f->templates, loop, version, pack, note_added, &added);
    free((char *)(uintptr_t)pack.data);
    file_tree_destroy(tree);
    fakes_run_ms(loop, 1);
    assert_int_equal(added.told, 1);
    return added;
}

static void a_version_that_is_not_here_is_reported_and_used_once_it_comes(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();
    struct added added = {0};

    pin(f, C, A);
    assert_string_equal(in_use(f), A);
    assert_string_equal(templates_missing(f->templates), C);
    fake_catalog_set_version(B);
    assert_false(add(f, loop, C).is_fine); /* they are the files of another one */
    assert_string_equal(in_use(f), A);
    templates_begin_add(f->templates, loop, C, SLICE("nonsense"), note_added, &added);
    fakes_run_ms(loop, 1);
    assert_false(added.is_fine);
    fake_catalog_set_version(C);
    assert_true(add(f, loop, C).is_fine);
    assert_string_equal(in_use(f), C);
    assert_int_equal(f->told, 1);
    assert_string_equal(templates_missing(f->templates), "");
    assert_string_equal(templates_folder_version(f->templates), A);
    loop_destroy(loop);
}

static void note_turn(void *arg)
{
    fake_catalog_set_version(C);
    ++*(int *)arg;
}

/* What is done after the call shows: the loop had its turn before anything was built. */
static void the_loop_turns_on_while_a_version_from_elsewhere_is_built(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();
    struct file_tree *tree = file_tree_create();
    struct slice pack = template_pack_take(tree);
    struct added added = {0};
    int turns = 0;

    pin(f, C, A);
    fake_catalog_set_version("broken");
    loop_defer(loop, note_turn, &turns);
    templates_begin_add(f->templates, loop, C, pack, note_added, &added);
    free((char *)(uintptr_t)pack.data); /* as Redis' answer is, when the call is over */
    file_tree_destroy(tree);
    assert_int_equal(added.told, 0);
    assert_string_equal(in_use(f), A);
    fakes_run_ms(loop, 1);
    assert_int_equal(turns, 1);
    assert_int_equal(added.told, 1);
    assert_true(added.is_fine);
    assert_string_equal(in_use(f), C);
    loop_destroy(loop);
}

static void a_version_that_the_folder_brings_meanwhile_is_kept_once(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();
    struct file_tree *tree = file_tree_create();
    struct slice pack = template_pack_take(tree);
    struct added added = {0};

    templates_begin_add(f->templates, loop, B, pack, note_added, &added);
    save(f, B);
    fakes_run_ms(loop, 1);
    assert_true(added.is_fine);
    assert_string_equal(templates_kept_version(f->templates, 0), B);
    assert_string_equal(templates_kept_version(f->templates, 1), A);
    assert_null(templates_kept_version(f->templates, 2));
    free((char *)(uintptr_t)pack.data);
    file_tree_destroy(tree);
    loop_destroy(loop);
}

static void who_adds_hears_the_end_also_when_the_templates_are_closed(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();
    struct added added = {0};

    templates_begin_add(f->templates, loop, B, SLICE("nonsense"), note_added, &added);
    templates_close(f->templates);
    f->templates = NULL;
    assert_int_equal(added.told, 0);
    loop_destroy(loop);
    assert_int_equal(added.told, 1);
}

static void the_oldest_versions_go_but_never_one_that_is_needed(void **state)
{
    struct fixture *f = *state;
    char version[VERSION_TEXT_SIZE];

    save(f, B);
    pin(f, A, B);
    for (int i = 1; i <= 3 * TEMPLATES_KEPT_VERSIONS; i++) {
        snprintf(version, sizeof(version), "%016x", i);
        save(f, version);
        pin(f, A, version);
        assert_string_equal(in_use(f), A);
    }
    assert_non_null(templates_kept_version(f->templates, TEMPLATES_KEPT_VERSIONS - 1));
    assert_null(templates_kept_version(f->templates, TEMPLATES_KEPT_VERSIONS));
    assert_null(templates_find_version(f->templates, B));
    assert_non_null(templates_find_version(f->templates, version));
}

static void each_kept_version_can_be_handed_on(void **state)
{
    struct fixture *f = *state;
    struct file_tree *tree = template_pack_parse(templates_packed(f->templates, A), NULL);

    assert_non_null(tree);
    assert_null(templates_packed(f->templates, B).data);
    file_tree_destroy(tree);
}

static void a_change_is_checked_in_the_background_and_taken_whole(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();

    templates_watch(f->templates, loop);
    fake_catalog_set_version(B);
    templates_begin_reload(f->templates);
    assert_string_equal(in_use(f), A);
    fakes_run_ms(loop, 1);
    assert_string_equal(in_use(f), B);
    assert_int_equal(f->told, 1);
    fake_catalog_set_version("broken");
    templates_begin_reload(f->templates);
    fakes_run_ms(loop, 1);
    assert_string_equal(in_use(f), B);
    assert_true(templates_is_last_refused(f->templates));
    templates_close(f->templates);
    f->templates = NULL;
    loop_destroy(loop);
}

static void changes_during_a_check_are_checked_once_more(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();

    templates_watch(f->templates, loop);
    for (int i = 0; i < 3; i++) {
        templates_begin_reload(f->templates);
    }
    fakes_run_ms(loop, 1);
    assert_int_equal(f->told, 2);
    templates_close(f->templates);
    f->templates = NULL;
    loop_destroy(loop);
}

static void what_is_closed_during_a_check_hears_no_more_of_it(void **state)
{
    struct fixture *f = *state;
    struct loop *loop = loop_create();

    templates_watch(f->templates, loop);
    fake_catalog_set_version(B);
    templates_begin_reload(f->templates);
    templates_close(f->templates);
    f->templates = NULL;
    loop_destroy(loop);
    assert_int_equal(f->told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_saved_change_is_in_use_and_the_version_before_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_change_is_refused_with_its_first_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_version_that_was_taken_back_stays_back_until_something_new_is_saved, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_version_that_is_not_here_is_reported_and_used_once_it_comes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_loop_turns_on_while_a_version_from_elsewhere_is_built, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_version_that_the_folder_brings_meanwhile_is_kept_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_adds_hears_the_end_also_when_the_templates_are_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_versions_go_but_never_one_that_is_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_kept_version_can_be_handed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_is_checked_in_the_background_and_taken_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_during_a_check_are_checked_once_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_closed_during_a_check_hears_no_more_of_it, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
