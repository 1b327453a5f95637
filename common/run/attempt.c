#include "run/attempt.h"

static const char *find_header(void *arg, const char *name)
{
    return http_find_header(arg, name);
}

struct attempt attempt_of_reply(const struct http_reply *reply)
{
    return (struct attempt){
        .status = reply->status,
        .is_begun = reply->is_begun,
        .is_body_complete = reply->is_body_complete,
        .problem = reply->problem,
        .is_permanent_problem = reply->is_permanent,
        .body = reply->body,
        .find_header = find_header,
        .header_arg = (void *)(uintptr_t)reply,
    };
}
