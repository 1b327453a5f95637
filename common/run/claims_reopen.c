/*
 * What operators may do to a record: let it begin anew (said by a record on a retry topic, done by the worker that reads
 * it), or say what became of it (done by the tools).
 */
#include "run/claims_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"

EMBED_FILE(reopen_lua, "common/run/scripts/reopen.lua")
EMBED_FILE(resolve_lua, "common/run/scripts/resolve.lua")

const struct redis_script claims_reopen_script = {"reopen", reopen_lua_data, 2};
const struct redis_script claims_resolve_script = {"resolve", resolve_lua_data, 2};

struct reopening {
    claims_reopen_fn fn;
    void *arg;
};

static void on_reopened(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct reopening reopening = *(struct reopening *)arg;

    free(arg);
    if (status == REDIS_ERROR) {
        log_event(LOG_ERROR, "reopen_refused", "reason", reply->text.data, NULL);
    }
    reopening.fn(reopening.arg, status == REDIS_OK && slice_is(reply->text, "OK"));
}

void claims_reopen(struct claims *claims, const struct mid *mid, uint64_t fence, uint64_t copy, int64_t ttl_ms,
                   claims_reopen_fn fn, void *arg)
{
    struct reopening *reopening = xmalloc(sizeof(*reopening));
    char record[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], fence_text[NUMBER_TEXT_SIZE], ttl[NUMBER_TEXT_SIZE];
    char fingerprint[CLAIM_FINGERPRINT_SIZE] = "";

    if (copy) {
        snprintf(fingerprint, sizeof(fingerprint), "::%" PRIu64, copy);
    }
    *reopening = (struct reopening){fn, arg};
    const struct slice args[] = {
        claims_record_key(claims, mid, record),
        claims_guard_key(claims, mid->bytes[0], guard),
        slice_of(claims->epoch),
        number_format((int64_t)fence, fence_text),
        slice_of(fingerprint),
        number_format(ttl_ms, ttl),
    };

    redis_eval(claims->redis, &claims_reopen_script, args, sizeof(args) / sizeof(args[0]), on_reopened, reopening);
}
