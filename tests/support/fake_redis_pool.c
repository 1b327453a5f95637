#include "fake_redis_scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_redis_sets.h"
#include "fake_redis_table.h"
#include "fakes.h"

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static int64_t number_at(struct slice key)
{
    const char *value = fake_table_text(key);

    return value ? fake_number(slice_of(value)) : 0;
}

/* keys: arrival, not before; interval, burst, wanted */
void fake_script_tokens(const struct slice a[], struct fake_answer *answer)
{
    int64_t now = fake_table_us(), not_before = number_at(a[1]), arrival = number_at(a[0]);
    int64_t interval = fake_number(a[2]), burst = fake_number(a[3]), granted;
    char text[24];

    fake_say_array(answer, NULL);
    if (fakes_has_bug(FAKE_BUG_TOKENS_FREE)) {
        fake_say_more_int(answer, fake_number(a[4]));
        fake_say_more_int(answer, 0);
        return;
    }
    if (not_before > now) {
        fake_say_more_int(answer, 0);
        fake_say_more_int(answer, not_before - now);
        return;
    }
    arrival = arrival > now ? arrival : now;
    arrival = arrival < now + burst ? arrival : now + burst;
    granted = (now + burst - arrival) / interval;
    granted = granted < fake_number(a[4]) ? granted : fake_number(a[4]);
    if (granted < 1) {
        fake_say_more_int(answer, 0);
        fake_say_more_int(answer, arrival + interval - burst - now);
        return;
    }
    snprintf(text, sizeof(text), "%" PRId64, arrival + granted * interval);
    fake_table_set_text(a[0], text, (burst + granted * interval + 999) / 1000 + 1000);
    fake_say_more_int(answer, granted);
    fake_say_more_int(answer, 0);
}

/* key: not before; delay ms */
void fake_script_not_before(const struct slice a[], struct fake_answer *answer)
{
    int64_t until = fake_table_us() + fake_number(a[1]) * 1000;
    char text[24];

    if (until > number_at(a[0])) {
        snprintf(text, sizeof(text), "%" PRId64, until);
        fake_table_set_text(a[0], text, fake_number(a[1]) + 1000);
    }
    fake_say_int(answer, 1);
}

/* --- what people chose, and who is there -------------------------------------------------------------------------- */

static const char *newest(struct slice key, struct slice known)
{
    const char *text = fake_table_text(key);
    char *copy = xmemdup(known.data, known.len);

    if (strtoll(copy, NULL, 10) > (text ? strtoll(text, NULL, 10) : 0)) {
        fake_table_set_text(key, copy, 0);
    }
    free(copy);
    text = fake_table_text(key);
    return text ? text : "";
}

static void forget_oldest_versions(const struct slice a[], const char *pin)
{
    struct fake_member members[FAKE_MOST_NESTED];
    size_t count = fake_set_read(a[4], members), most = (size_t)fake_number(a[15]);
    const char *wanted = strchr(pin, ' ');

    for (size_t i = 0; i + most < count; i++) {
        char *key = xasprintf("%.*s%s", (int)a[14].len, a[14].data, members[i].name);
        struct fake_entry *files = fake_table_find(slice_of(key));

        if (!wanted || strncmp(wanted + 1, members[i].name, strlen(members[i].name)) != 0) {
            fake_set_remove(a[4], slice_of(members[i].name));
            if (files) {
                fake_table_remove(files);
            }
        }
        free(key);
    }
}

/* keys: workers, worker, pauses, pin, history, files of folder, files in use; worker, state, pauses, pin, folder, in use,
 * live, prefix, most */
void fake_script_beat(const struct slice a[], struct fake_answer *answer)
{
    int64_t now = fake_table_us() / 1000;
    char *state = xasprintf("%" PRId64 " %.*s", now, (int)a[8].len, a[8].data);
    const char *pauses, *pin;

    fake_set_put(a[0], now, a[7], false, 60000);
    fake_set_remove_below(a[0], now - 60000, 60000);
    fake_table_set_text(a[1], state, 10000);
    pauses = newest(a[2], a[9]);
    pin = newest(a[3], a[10]);
    fake_set_put(a[4], now - 1, a[12], true, 0);
    fake_set_put(a[4], now, a[11], !slice_is(a[13], "live"), 0);
    forget_oldest_versions(a, pin);
    fake_say_array(answer, NULL);
    fake_say_more(answer, pauses);
    fake_say_more(answer, pin);
    fake_say_more_int(answer, fake_table_find(a[5]) != NULL);
    fake_say_more_int(answer, fake_table_find(a[6]) != NULL);
    fake_set_say(answer, a[4], true);
    free(state);
}

/* key; seen, new */
void fake_script_choose(const struct slice a[], struct fake_answer *answer)
{
    const char *text = fake_table_text(a[0]);
    char *copy = xmemdup(a[2].data, a[2].len);
    bool is_taken = slice_is(a[1], text ? text : "");

    if (is_taken) {
        fake_table_set_text(a[0], copy, 0);
    }
    free(copy);
    fake_say_int(answer, is_taken);
}

/* key; who, ttl */
void fake_script_hold(const struct slice a[], struct fake_answer *answer)
{
    struct fake_member members[FAKE_MOST_NESTED];

    fake_set_put(a[0], 0, a[1], false, fake_number(a[2]));
    fake_say_int(answer, (int64_t)fake_set_read(a[0], members));
}
