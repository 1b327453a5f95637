#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include <jansson.h>

#include "core/json_memory.h"

enum { OWN = 50, FOREIGN = 20000 };

static void *make_list(void *arg)
{
    const int *count = arg;
    json_t *list = json_array();

    for (int i = 0; i < *count; i++) {
        json_array_append_new(list, json_pack("{s:i}", "number", i));
    }
    return list;
}

static json_t *make_on_another_thread(int count)
{
    pthread_t thread;
    void *list;

    assert_int_equal(pthread_create(&thread, NULL, make_list, &count), 0);
    assert_int_equal(pthread_join(thread, &list), 0);
    return list;
}

static void what_is_freed_is_used_again(void **state)
{
    int count = OWN;
    size_t kept;

    (void)state;
    json_decref(make_list(&count));
    kept = json_memory_kept_count();
    assert_true(kept >= OWN);
    for (int i = 0; i < 3; i++) {
        json_decref(make_list(&count));
        assert_int_equal(json_memory_kept_count(), kept);
    }
}

/* As each change of the templates does. */
static void what_another_thread_made_is_not_kept_beyond_the_own_need(void **state)
{
    int count = OWN;
    size_t kept;

    (void)state;
    json_decref(make_list(&count));
    kept = json_memory_kept_count();
    json_decref(make_on_another_thread(FOREIGN));
    assert_int_equal(json_memory_kept_count(), kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_is_used_again),
        cmocka_unit_test(what_another_thread_made_is_not_kept_beyond_the_own_need),
    };

    json_memory_keep_always();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
