#include "core/provider.h"

#include <assert.h>
#include <stdio.h>

/* Escaping makes six bytes of one at worst; HTML and text have 256 KiB each. */
enum { MOST_URL_BYTES = 4096, MOST_BODY_BYTES = 4 << 20 };

void provider_request_init(struct provider_request *request)
{
    *request = (struct provider_request){.method = "POST"};
    buf_init(&request->url, MOST_URL_BYTES);
    buf_init(&request->body, MOST_BODY_BYTES);
}

void provider_request_clear(struct provider_request *request)
{
    request->method = "POST";
    request->header_count = 0;
    buf_clear(&request->url);
    buf_clear(&request->body);
}

void provider_request_finish(struct provider_request *request)
{
    buf_finish(&request->url);
    buf_finish(&request->body);
    request->header_count = 0;
}

void provider_request_add_header(struct provider_request *request, const char *name, const char *value)
{
    assert(request->header_count < PROVIDER_MOST_HEADERS);
    request->headers[request->header_count].name = name;
    request->headers[request->header_count].value = value;
    request->header_count++;
}

const char *provider_found_name(enum provider_found found)
{
    static const char *const names[] = {"found", "not_found", "unknown"};

    return names[found];
}

void provider_finding_init(const struct attempt *attempt, struct provider_finding *finding)
{
    struct verdict verdict;

    *finding = (struct provider_finding){.found = PROVIDER_UNKNOWN};
    verdict_classify(attempt, &verdict);
    finding->retry_after_ms = verdict.retry_after_ms;
    if (attempt->status == 200 && attempt->is_body_complete) {
        return;
    }
    if (verdict.kind == VERDICT_SENT) { /* 2xx, and no whole answer */
        snprintf(finding->reason, sizeof(finding->reason), "%s", attempt->status == 200 ? "partial" : "unexpected");
    } else {
        snprintf(finding->reason, sizeof(finding->reason), "%s", verdict.reason);
    }
}
