#include "run/redis_info.h"

#include <string.h>

#include "base/number.h"

struct slice redis_info_find(struct slice info, const char *name)
{
    const char *at = info.data;
    const char *end = info.data + info.len;
    size_t name_len = strlen(name);

    while (at && at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((line_end ? line_end : end) - at);

        if (len > name_len && memcmp(at, name, name_len) == 0 && at[name_len] == ':') {
            struct slice value = slice_make(at + name_len + 1, len - name_len - 1);

            if (value.len && value.data[value.len - 1] == '\r') {
                value.len--;
            }
            return value;
        }
        at = line_end ? line_end + 1 : end;
    }
    return slice_make(NULL, 0);
}

bool redis_time_of(struct slice seconds, struct slice us, int64_t *wall_ms)
{
    int64_t s, rest;

    if (!number_parse(seconds, &s) || s < 0 || s > INT64_MAX / 2000 || !number_parse(us, &rest) || rest < 0 ||
        rest >= 1000000) {
        return false;
    }
    *wall_ms = s * 1000 + rest / 1000;
    return true;
}

enum redis_persistence redis_persistence_of(struct slice info)
{
    struct slice aof = redis_info_find(info, "aof_enabled");
    struct slice status = redis_info_find(info, "aof_last_write_status");

    if (!aof.data) {
        return REDIS_PERSISTENCE_UNKNOWN;
    }
    if (!slice_is(aof, "1")) {
        return REDIS_PERSISTENCE_NONE;
    }
    return status.data && !slice_is(status, "ok") ? REDIS_PERSISTENCE_FAILING : REDIS_PERSISTENCE_AOF;
}

const char *redis_persistence_text(enum redis_persistence persistence)
{
    switch (persistence) {
    case REDIS_PERSISTENCE_NONE:
        return "Redis keeps no append-only file: a restart makes it forget, and all has to be read again from Kafka; "
               "set appendonly yes";
    case REDIS_PERSISTENCE_FAILING:
        return "Redis cannot write its append-only file: look at its disk";
    case REDIS_PERSISTENCE_UNKNOWN:
        return "Redis does not tell whether it keeps an append-only file; make sure that it does";
    case REDIS_PERSISTENCE_AOF:
        break;
    }
    return "Redis keeps an append-only file";
}
