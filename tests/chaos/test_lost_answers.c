/* T06: one answer in ten, of the few commits one in three, never arrives, although the other side has done what it was asked:
 * BEGIN, SETTLE, RESTORE and TOKENS of Redis, records and commits of Kafka, requests of the provider. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/digest.h"
#include "base/settings.h"
#include "tests/chaos/scene.h"

enum { SCRIPTS = 4, KAFKA_PRODUCE = 0, KAFKA_COMMIT = 8 };

static const char *const scripts[SCRIPTS] = {"begin", "settle", "restore", "tokens"};

/* The name under which Redis keeps a script: SHA-1 of its text, in hex. */
static void name_script(const char *script, char name[41])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    struct err err = {0};
    char path[96];
    size_t len;
    char *text;

    snprintf(path, sizeof(path), "common/run/scripts/%s.lua", script);
    text = settings_read_file(path, 1 << 20, &len, &err);
    assert_non_null(text);
    EVP_Digest(text, len, sum, NULL, EVP_sha1(), NULL);
    hex_format(sum, 20, name);
    free(text);
}

static void answers_are_lost(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=8", "EMAIL_RATE=400", "SMS_RATE=400", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env, .has_proxies = true});
    struct chaos_proxy_drop drops[SCRIPTS], kafka[2], provider = {.marker = SLICE("POST /v3"), .one_in = 10};
    char names[SCRIPTS][41];
    int members = scene_is_long() ? 1000 : 150;
    bool is_fine;

    (void)state;
    for (int i = 0; i < SCRIPTS; i++) {
        name_script(scripts[i], names[i]);
        drops[i] = (struct chaos_proxy_drop){.marker = slice_of(names[i]), .one_in = 10};
    }
    kafka[0] = (struct chaos_proxy_drop){.kafka_api = KAFKA_PRODUCE, .one_in = 10};
    /* The short form has some thirty commits, of which one in ten is none at times. */
    kafka[1] = (struct chaos_proxy_drop){.kafka_api = KAFKA_COMMIT, .one_in = scene_is_long() ? 10 : 3};
    scene_publish(scene, members, 1, 5);
    chaos_proxy_drop(scene->redis_proxy, drops, SCRIPTS);
    chaos_proxy_drop(scene->kafka_proxy, kafka, 2);
    chaos_proxy_drop(scene->provider_proxy, &provider, 1);
    scene_start_worker(scene, 0, 2, NULL);
    scene_start_worker(scene, 1, 2, NULL);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)scene->published;
    is_fine = scene_wait_idle(scene);
    scene_note_drops(scene, scene->redis_proxy);
    scene_note_drops(scene, scene->kafka_proxy);
    scene_note_drops(scene, scene->provider_proxy);
    is_fine = scene_judge(scene) && is_fine;
    is_fine = is_fine && scene->figures.unsettled == 0;
    for (size_t i = 0; i < SCRIPTS; i++) {
        is_fine = is_fine && chaos_proxy_dropped(scene->redis_proxy, i) > 0;
    }
    is_fine = is_fine && chaos_proxy_dropped(scene->kafka_proxy, 0) > 0 && chaos_proxy_dropped(scene->kafka_proxy, 1) > 0;
    scene_report("T06", "answers lost after the server did it, 1 in 10 of each kind", is_fine,
                 "%d events; lost: %d BEGIN, %d SETTLE, %d RESTORE, %d TOKENS, %d produce, %d commit, %d HTTP; %zu lost, %zu "
                 "duplicates, %zu SMS held, %zu leases left",
                 scene->published, chaos_proxy_dropped(scene->redis_proxy, 0), chaos_proxy_dropped(scene->redis_proxy, 1),
                 chaos_proxy_dropped(scene->redis_proxy, 2), chaos_proxy_dropped(scene->redis_proxy, 3),
                 chaos_proxy_dropped(scene->kafka_proxy, 0), chaos_proxy_dropped(scene->kafka_proxy, 1),
                 chaos_proxy_dropped(scene->provider_proxy, 0), scene->figures.missing, scene->figures.duplicates,
                 scene->figures.held[CHANNEL_SMS], scene->figures.unsettled);
    assert_true(is_fine);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_are_lost)};

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
