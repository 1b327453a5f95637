#include "tests/support/http_call.h"

#include <curl/curl.h>
#include <string.h>

#include "base/die.h"

static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct buf *answer = arg;

    if (answer) {
        buf_append(answer, data, size * count);
    }
    return size * count;
}

int http_call(const char *method, const char *url, const char *body, struct buf *answer)
{
    CURL *curl = curl_easy_init();
    long status = 0;

    if (!curl) {
        die("no curl handle");
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    return (int)status;
}

json_t *http_call_json(const char *url)
{
    struct buf answer;
    json_t *json = NULL;

    buf_init(&answer, 0);
    if (http_call("GET", url, NULL, &answer) == 200) {
        json = json_loadb(buf_text(&answer), answer.len, 0, NULL);
    }
    buf_finish(&answer);
    return json;
}
