#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "run/worker_settings.h"
#include "tests/support/fakes.h"

/* The least that a worker needs; the fake providers want the key. */
static const struct {
    const char *name, *value;
} least[] = {{"KAFKA_BROKERS", "kafka:9092"}, {"EMAIL_PROVIDER", "fake"}, {"SMS_PROVIDER", "fake"},
             {"BREVO_API_KEY", "key"}};

static int set_up(void **state)
{
    (void)state;
    for (const struct setting *row = worker_settings_table; row->name; row++) {
        unsetenv(row->name);
    }
    for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
        setenv(least[i].name, least[i].value, 1);
    }
    return 0;
}

static void the_least_is_enough_and_the_rest_has_defaults(void **state)
{
    struct worker_settings settings;
    struct err err = {0};

    (void)state;
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    assert_string_equal(settings.topics[0], "loyalty.events");
    assert_null(settings.topics[1]);
    assert_true(settings.has_channel[CHANNEL_EMAIL] && settings.has_channel[CHANNEL_SMS]);
    assert_int_equal(settings.lease_ms, 15000);
    assert_int_equal(settings.request_timeout_ms, 10000);
    assert_int_equal(settings.window, 256);
    assert_false(settings.starts_at_latest);
    assert_false(settings.is_plain_provider_allowed);
    assert_string_equal(settings.environment, "dev");
    assert_null(settings.otlp_endpoint);
    assert_true(settings.trace_part == 1);
    assert_int_equal(settings.least_level, LOG_INFO);
    assert_int_equal(worker_rate(&settings, &fake_email_provider), fake_email_provider.default_rate);
    worker_settings_finish(&settings);
}

static void lists_are_split_and_trimmed(void **state)
{
    struct worker_settings settings;
    struct err err = {0};

    (void)state;
    setenv("KAFKA_TOPICS", "a, ^b.* ,c", 1);
    setenv("CHANNELS", " sms ", 1);
    setenv("SMS_RATE", "0", 1);
    setenv("KAFKA_START", "latest", 1);
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    assert_string_equal(settings.topics[0], "a");
    assert_string_equal(settings.topics[1], "^b.*");
    assert_string_equal(settings.topics[2], "c");
    assert_null(settings.topics[3]);
    assert_false(settings.has_channel[CHANNEL_EMAIL]);
    assert_true(settings.has_channel[CHANNEL_SMS]);
    assert_int_equal(worker_rate(&settings, &fake_sms_provider), 0);
    assert_true(settings.starts_at_latest);
    worker_settings_finish(&settings);
}

static void the_sender_has_two_forms(void **state)
{
    struct worker_settings settings;
    struct err err = {0};

    (void)state;
    setenv("EMAIL_FROM", "The Shop <shop@example.com>", 1);
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    assert_string_equal(worker_account(&settings).from_name, "The Shop");
    assert_string_equal(worker_account(&settings).from_address, "shop@example.com");
    worker_settings_finish(&settings);
    setenv("EMAIL_FROM", "shop@example.com", 1);
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    assert_null(worker_account(&settings).from_name);
    assert_string_equal(worker_account(&settings).from_address, "shop@example.com");
    worker_settings_finish(&settings);
    setenv("EMAIL_FROM", "<shop@example.com>", 1);
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    assert_null(worker_account(&settings).from_name);
    worker_settings_finish(&settings);
}

/* One wrong value each; the message begins with the setting's name. */
static const struct {
    const char *name, *value;
} wrong[] = {
    {"KAFKA_BROKERS", NULL},
    {"KAFKA_TOPICS", "a,,b"},
    {"KAFKA_TOPICS", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33"},
    {"CHANNELS", "email,fax"},
    {"CHANNELS", ","},
    {"CHANNELS", "email,"},
    {"EMAIL_PROVIDER", "nobody"},
    {"SMS_PROVIDER", "nobody"},
    {"BREVO_API_KEY", NULL},
    {"EMAIL_FROM", "no address"},
    {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file"},
    {"OTEL_TRACES_SAMPLER_ARG", "1.5"},
    {"OTEL_TRACES_SAMPLER_ARG", "-0.1"},
    {"OTEL_TRACES_SAMPLER_ARG", "nan"},
    {"OTEL_TRACES_SAMPLER_ARG", "0.1x"},
    {"EMAIL_FROM", "Shop <shop@example.com"},
    {"EMAIL_FROM", "Shop <>"},
    {"EMAIL_FROM", "Shop <shop@example.com> x"},
    {"EMAIL_RATE", "-2"},
    {"SMS_RATE", "many"},
    {"ENVIRONMENT", "Prod"},
    {"ENVIRONMENT", "a-name-that-is-longer-than-thirty-two"},
    {"ENVIRONMENT", "{a}"},
    {"KAFKA_START", "middle"},
    {"KAFKA_SESSION_TIMEOUT", "1s"},
    {"CLAIM_LEASE", "11s"},
    {"CLAIM_LEASE", "15"},
    {"REQUEST_TIMEOUT", "2m"},
    {"HTTP_CONNECTIONS", "0"},
    {"WINDOW", "0"},
    {"WINDOW", "12x"},
    {"LOG_LEVEL", "loud"},
    {"PROVIDER_ALLOW_PLAIN", "perhaps"},
};

static void each_wrong_setting_is_named(void **state)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct worker_settings settings;
        struct err err = {0};

        set_up(state);
        if (wrong[i].value) {
            setenv(wrong[i].name, wrong[i].value, 1);
        } else {
            unsetenv(wrong[i].name);
        }
        if (worker_settings_load(&settings, fake_providers, &err)) {
            print_error("taken: %s=%s\n", wrong[i].name, wrong[i].value);
            fail();
        } else if (!strstr(err.text, wrong[i].name)) {
            print_error("%s=%s: %s\n", wrong[i].name, wrong[i].value ? wrong[i].value : "(unset)", err.text);
            fail();
        }
        worker_settings_finish(&settings);
    }
}

static void a_channel_that_is_not_served_needs_no_provider(void **state)
{
    struct worker_settings settings;
    struct err err = {0};

    (void)state;
    setenv("CHANNELS", "email", 1);
    setenv("SMS_PROVIDER", "nobody", 1);
    assert_true(worker_settings_load(&settings, fake_providers, &err));
    worker_settings_finish(&settings);
}

static void secrets_are_not_repeated_in_messages(void **state)
{
    struct worker_settings settings;
    struct err err = {0};

    (void)state;
    setenv("BREVO_API_KEY", "xkeysib-secret", 1);
    setenv("ENVIRONMENT", "Wrong", 1);
    assert_false(worker_settings_load(&settings, fake_providers, &err));
    assert_null(strstr(err.text, "secret"));
    worker_settings_finish(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_least_is_enough_and_the_rest_has_defaults, set_up),
        cmocka_unit_test_setup(lists_are_split_and_trimmed, set_up),
        cmocka_unit_test_setup(the_sender_has_two_forms, set_up),
        cmocka_unit_test_setup(each_wrong_setting_is_named, set_up),
        cmocka_unit_test_setup(a_channel_that_is_not_served_needs_no_provider, set_up),
        cmocka_unit_test_setup(secrets_are_not_repeated_in_messages, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
