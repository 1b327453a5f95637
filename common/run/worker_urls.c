#include "run/worker_urls.h"

#include "io/http.h"
#include "io/redis.h"

bool worker_urls_check(const struct worker_settings *settings, struct err *err)
{
    const struct http_settings http = worker_http_settings(settings);

    if (!http_check_url(&http, settings->brevo_url, err)) {
        return err_prefix(err, "BREVO_URL");
    }
    return redis_check_url(settings->redis_url, err) || err_prefix(err, "REDIS_URL");
}
