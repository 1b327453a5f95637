/* Secrets come from files, stay out of everything that can be looked at, and are read again at SIGHUP. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

#define FIRST_KEY "first-secret-key-of-a-test"
#define SECOND_KEY "second-secret-key-of-a-test"
#define FIRST_PASSWORD "password-of-tests"
#define SECOND_PASSWORD "another-password-of-tests"

enum { MOST_PROC = 1 << 16 };

static int set_up(void **state)
{
    const struct system_options options = {.sandbox_args = (const char *const[]){"--api-key", SECOND_KEY, NULL}};

    *state = system_create(&options);
    return 0;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* By a new file under the old name, as mounted secrets change. */
static void write_secret(const struct system *system, const char *name, const char *text)
{
    char *path = temp_dir_path(system->dir, name);
    char *fresh = xasprintf("%s.new", path);
    char *fresh_name = xasprintf("%s.new", name);

    temp_dir_write(system->dir, fresh_name, text);
    chmod(fresh, 0400);
    assert_int_equal(rename(fresh, path), 0);
    free(path);
    free(fresh);
    free(fresh_name);
}

static void write_redis_url(const struct system *system, const char *password)
{
    char *url = xasprintf("unix://perkline:%s@%s\n", password, redis_server_socket(system->redis));

    write_secret(system, "secrets/redis-url", url);
    free(url);
}

static void start_with_files(struct system *system)
{
    char *key = xasprintf("BREVO_API_KEY_FILE=%s/secrets/key", system->dir);
    char *url = xasprintf("REDIS_URL_FILE=%s/secrets/redis-url", system->dir);
    const char *const env[] = {"BREVO_API_KEY", "REDIS_URL", key, url, NULL};

    write_secret(system, "secrets/key", FIRST_KEY "\n");
    write_redis_url(system, FIRST_PASSWORD);
    system_start_ready_worker(system, 0, env);
    free(key);
    free(url);
}

/* The caller frees it; zero bytes are told as line breaks. */
static char *read_proc(const struct process *process, const char *name)
{
    char path[64];
    FILE *file;
    char *text = xcalloc(1, MOST_PROC);
    size_t len;

    snprintf(path, sizeof(path), "/proc/%d/%s", process_id(process), name);
    file = fopen(path, "r");
    assert_non_null(file);
    len = fread(text, 1, MOST_PROC - 1, file);
    fclose(file);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] ? text[i] : '\n';
    }
    return text;
}

static void assert_without_secrets(const char *where, char *text)
{
    if (strstr(text, FIRST_KEY) || strstr(text, SECOND_KEY) || strstr(text, FIRST_PASSWORD)) {
        fail_msg("a secret shows in %s: %s", where, text);
    }
    free(text);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void secrets_show_nowhere(void **state)
{
    struct system *system = *state;
    char *answer;
    char *text;

    start_with_files(system);
    events_publish_notes(system, 5, 1, 1);
    assert_without_secrets("cmdline", read_proc(system->workers[0], "cmdline"));
    assert_without_secrets("environ", read_proc(system->workers[0], "environ"));
    assert_int_equal(system_ask_worker(system, 0, "/metrics", &answer), 200);
    assert_without_secrets("/metrics", answer);
    system_ask_worker(system, 0, "/readyz", &answer);
    assert_without_secrets("/readyz", answer);
    assert_without_secrets("the log", process_output(system->workers[0]));
    text = read_proc(system->workers[0], "limits");
    assert_non_null(strstr(text, "Max core file size        0                    0"));
    free(text);
    text = read_proc(system->workers[0], "status");
    assert_non_null(strstr(text, "NoNewPrivs:\t1"));
    free(text);
}

static bool has_open_breaker(void *arg)
{
    return system_metric(arg, 0, "perkline_breaker_state", "") > 0;
}

/* The key is refused; a new one is put in place of it. */
static void a_new_key_counts_from_the_signal_on(void **state)
{
    struct system *system = *state;

    start_with_files(system);
    events_publish_notes(system, 20, 1, 1);
    assert_true(poll_until(has_open_breaker, system));
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "accepted"), 0);
    write_secret(system, "secrets/key", SECOND_KEY "\n");
    process_signal(system->workers[0], SIGHUP);
    assert_true(process_wait_for_output(system->workers[0], "\"secrets_read\""));
    judge_all_sent(system, 20, 20, 0);
}

static void an_unfit_key_leaves_the_old_one_in_use(void **state)
{
    struct system *system = *state;

    start_with_files(system);
    write_secret(system, "secrets/key", SECOND_KEY "\n");
    process_signal(system->workers[0], SIGHUP);
    assert_true(process_wait_for_output(system->workers[0], "\"secrets_read\""));
    write_secret(system, "secrets/key", "no key has blanks\n");
    process_signal(system->workers[0], SIGHUP);
    assert_true(process_wait_for_output(system->workers[0], "\"secrets_refused\""));
    events_publish_notes(system, 10, 1, 1);
    judge_all_sent(system, 10, 10, 0);
}

static void a_new_password_of_redis_counts_at_the_next_connection(void **state)
{
    struct system *system = *state;

    start_with_files(system);
    write_secret(system, "secrets/key", SECOND_KEY "\n");
    assert_string_equal(redis_server_command(system->redis, "ACL SETUSER perkline resetpass >" SECOND_PASSWORD), "+OK");
    write_redis_url(system, SECOND_PASSWORD);
    process_signal(system->workers[0], SIGHUP);
    assert_true(process_wait_for_output(system->workers[0], "\"secrets_read\""));
    redis_server_command(system->redis, "CLIENT KILL TYPE normal");
    events_publish_notes(system, 10, 1, 1);
    judge_all_sent(system, 10, 10, 0);
}

/* What everyone may read or change is no secret. */
static void a_secret_that_everyone_may_read_or_write_is_refused_with_the_way_to_mend_it(void **state)
{
    static const mode_t modes[] = {0444, 0644, 0402};
    struct system *system = *state;
    char *key = xasprintf("BREVO_API_KEY_FILE=%s/secrets/key", system->dir);
    char *path = temp_dir_path(system->dir, "secrets/key");
    const char *const env[] = {"BREVO_API_KEY", key, NULL};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char *output;

        write_secret(system, "secrets/key", SECOND_KEY "\n");
        chmod(path, modes[i]);
        assert_int_equal(process_wait(system_start_worker(system, 0, env)), 1);
        output = process_output(system->workers[0]);
        assert_non_null(strstr(output, "BREVO_API_KEY_FILE"));
        assert_non_null(strstr(output, "chmod 0440"));
        assert_non_null(strstr(output, "defaultMode: 0440"));
        assert_without_secrets("the error", output);
    }
    free(key);
    free(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(secrets_show_nowhere),
        TEST(a_new_key_counts_from_the_signal_on),
        TEST(an_unfit_key_leaves_the_old_one_in_use),
        TEST(a_new_password_of_redis_counts_at_the_next_connection),
        TEST(a_secret_that_everyone_may_read_or_write_is_refused_with_the_way_to_mend_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
