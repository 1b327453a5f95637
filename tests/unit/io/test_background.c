#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>

#include "io/background.h"

struct fixture {
    struct loop *loop;
    sem_t turned; /* the loop went on while the work was under way */
    pthread_t worked_on, told_on;
    int worked, told;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.loop = loop_create()};
    assert_int_equal(sem_init(&f->turned, 0, 0), 0);
}

static void wait_for_the_loop(void *arg)
{
    struct fixture *f = arg;

    while (sem_wait(&f->turned) != 0) {
    }
    f->worked_on = pthread_self();
    f->worked++;
}

static void note_turn(void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(f->told, 0);
    sem_post(&f->turned);
}

static void note_end(void *arg)
{
    struct fixture *f = arg;

    f->told_on = pthread_self();
    f->told++;
    loop_stop(f->loop);
}

static void note_end_alone(void *arg)
{
    ((struct fixture *)arg)->told++;
}

/* Work on the loop's own thread would wait for ever. */
static void the_loop_turns_while_the_work_is_under_way(void **state)
{
    struct fixture f;
    struct loop_timer *timer;

    (void)state;
    set_up(&f);
    timer = loop_timer_create(f.loop, note_turn, &f);
    background_begin(f.loop, wait_for_the_loop, note_end, &f);
    loop_timer_start(timer, 1);
    loop_run(f.loop);
    assert_int_equal(f.worked, 1);
    assert_int_equal(f.told, 1);
    assert_false(pthread_equal(f.worked_on, pthread_self()));
    assert_true(pthread_equal(f.told_on, pthread_self()));
    loop_timer_destroy(timer);
    loop_destroy(f.loop);
    sem_destroy(&f.turned);
}

static void a_loop_that_ends_waits_for_the_work(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    sem_post(&f.turned);
    background_begin(f.loop, wait_for_the_loop, note_end_alone, &f);
    loop_destroy(f.loop);
    assert_int_equal(f.worked, 1);
    assert_int_equal(f.told, 1);
    sem_destroy(&f.turned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_turns_while_the_work_is_under_way),
        cmocka_unit_test(a_loop_that_ends_waits_for_the_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
