#include "core/provider.h"

#include <assert.h>

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
