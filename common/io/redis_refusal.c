#include "io/redis_refusal.h"

static const struct {
    const char *prefix;
    enum redis_refusal refusal;
} rows[] = {
    {"OOM", REDIS_REFUSAL_FOR_NOW},
    {"NOREPLICAS", REDIS_REFUSAL_FOR_NOW},
    {"MISCONF", REDIS_REFUSAL_FOR_NOW},
    {"CLUSTERDOWN", REDIS_REFUSAL_FOR_NOW},
    {"TRYAGAIN", REDIS_REFUSAL_FOR_NOW},
    {"MOVED", REDIS_REFUSAL_FOR_NOW},
    {"ASK", REDIS_REFUSAL_FOR_NOW},
    {"BUSY", REDIS_REFUSAL_FOR_NOW}, /* a script runs for too long; the whole word, for there are BUSYKEY, BUSYGROUP */
    {"READONLY", REDIS_REFUSAL_OF_CONNECTION},
    {"LOADING", REDIS_REFUSAL_OF_CONNECTION},
    {"MASTERDOWN", REDIS_REFUSAL_OF_CONNECTION},
    {"UNBLOCKED", REDIS_REFUSAL_OF_CONNECTION}, /* the master became a replica */
    {"NOAUTH", REDIS_REFUSAL_OF_CONNECTION},
    {"WRONGPASS", REDIS_REFUSAL_OF_CONNECTION},
};

/* Before Redis 7 an error inside a script comes wrapped: "ERR Error running script (call to f_...): @...: -OOM ...". */
static struct slice unwrap(struct slice text)
{
    const char *mark = ": -";
    const char *at;

    if (!slice_starts_with(text, "ERR Error running script")) {
        return text;
    }
    at = memmem(text.data, text.len, mark, strlen(mark));
    if (!at) {
        return text;
    }
    at += strlen(mark);
    return slice_make(at, text.len - (size_t)(at - text.data));
}

enum redis_refusal redis_refusal_of(struct slice error_text)
{
    struct slice text = unwrap(error_text);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].prefix);

        if (slice_starts_with(text, rows[i].prefix) && (text.len == len || text.data[len] == ' ')) {
            return rows[i].refusal;
        }
    }
    return REDIS_REFUSAL_OF_COMMAND;
}
