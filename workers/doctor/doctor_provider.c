#include "workers/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "io/http.h"
#include "run/attempt.h"
#include "workers/channels.h"

struct question {
    const struct provider_probe *probe;
    bool is_answered;
    enum provider_health health;
    struct err says;
};

static void on_answer(void *arg, const struct http_reply *reply)
{
    struct question *question = arg;
    const struct attempt attempt = attempt_of_reply(reply);

    question->health = question->probe->read(&attempt, &question->says);
    question->is_answered = true;
}

static void ask(struct doctor *doctor, struct loop *loop, struct http_client *http, struct question *question)
{
    const struct provider_account account = worker_account(&doctor->settings);
    struct http_header headers[PROVIDER_MOST_HEADERS];
    struct provider_request request;
    struct http_request http_request;

    provider_request_init(&request);
    question->probe->build(&account, &request);
    for (size_t i = 0; i < request.header_count; i++) {
        headers[i] = (struct http_header){request.headers[i].name, request.headers[i].value};
    }
    http_request = (struct http_request){
        .method = request.method,
        .url = buf_text(&request.url),
        .headers = headers,
        .header_count = request.header_count,
        .body = buf_slice(&request.body),
    };
    http_begin(http, &http_request, on_answer, question);
    while (!question->is_answered) {
        loop_turn(loop, true);
    }
    provider_request_finish(&request);
}

static void tell(struct doctor *doctor, const struct question *question)
{
    static const enum doctor_level levels[] = {
        [PROVIDER_FINE] = DOCTOR_OK,
        [PROVIDER_DOUBTFUL] = DOCTOR_WARN,
        [PROVIDER_UNUSABLE] = DOCTOR_FAIL,
    };

    doctor_tell(doctor, levels[question->health], NULL, "%s at %s: %s", question->probe->provider,
                doctor->settings.brevo_url, question->says.text);
}

/* Does any channel that is on use this provider? */
static bool is_used(const struct doctor *doctor, const struct provider_probe *probe)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const struct provider *provider =
            worker_find_provider(&doctor->settings, channels_providers, (enum channel)channel);

        if (doctor->settings.has_channel[channel] && provider && strcmp(provider->name, probe->provider) == 0) {
            return true;
        }
    }
    return false;
}

void doctor_check_provider(struct doctor *doctor)
{
    const struct http_settings settings = worker_http_settings(&doctor->settings);
    struct loop *loop = loop_create();
    struct err err = {0};
    struct http_client *http = http_check_url(&settings, doctor->settings.brevo_url, &err)
                                   ? http_open(loop, &settings, &err)
                                   : NULL;

    if (!http) {
        doctor_tell(doctor, DOCTOR_FAIL, "look at PROVIDER_CA_FILE and PROVIDER_ALLOW_PLAIN, too", "BREVO_URL: %s", err.text);
    }
    for (const struct provider_probe *const *probe = channels_probes; http && *probe; probe++) {
        struct question question = {.probe = *probe};

        if (is_used(doctor, *probe)) {
            ask(doctor, loop, http, &question);
            tell(doctor, &question);
        }
    }
    if (http) {
        http_close(http);
    }
    loop_destroy(loop);
}
