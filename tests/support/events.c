#include "tests/support/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

const char *const loyalty_types[LOYALTY_TYPES] = {"loyalty.signup", "loyalty.tier_upgrade", "loyalty.points_expiring",
                                                  "loyalty.redemption_ready"};
const char *const loyalty_locales[LOYALTY_LOCALES] = {"en-GB", "hu-HU", "ro-RO", "bg-BG", "fa-IR", "hy-AM"};

static const char *const loyalty_data[LOYALTY_TYPES] = {
    "\"program\":{\"name\":\"Larkspur Club\"},\"bonus\":{\"points\":200,\"code\":\"HELLO200\"}",
    "\"tier\":{\"from\":\"silver\",\"to\":\"gold\",\"effective_on\":\"2026-11-21\",\"benefits\":[\"Free shipping\"]}",
    "\"points\":{\"expiring\":120,\"balance\":1840,\"expires_on\":\"2026-11-28\",\"stage\":7}",
    ("\"redemption\":{\"id\":\"r-%d\",\"valid_until\":\"2027-01-31\"},\"points\":{\"balance\":900},\"rewards\":["
     "{\"name\":\"Tea\",\"cost\":300,\"url\":\"https://example.com/tea\"}]"),
};

static char *make(const char *type, const char *locale, int member, const char *id, const char *data)
{
    char now[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall_ms(), now);
    return xasprintf("{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/test\",\"type\":\"%s\",\"time\":\"%s\","
                     "\"data\":{\"member\":{\"id\":\"m%d\",\"first_name\":\"Ilona\",\"last_name\":\"Secretname\","
                     "\"email\":\"member%d@example.com\",\"phone\":\"+3620%07d\",\"locale\":\"%s\",\"timezone\":"
                     "\"Europe/Budapest\",\"tier\":\"gold\",\"consent\":{\"email\":true,\"sms\":true,\"marketing\":false}"
                     "},%s}}",
                     id, type, now, member, member, member, locale, data);
}

char *events_note(int member, int seq)
{
    char id[64], data[64];

    snprintf(id, sizeof(id), "note-%d-%d", member, seq);
    snprintf(data, sizeof(data), "\"note\":{\"seq\":%d}", seq);
    return make("test.note", "en", member, id, data);
}

char *events_loyalty(const char *type, const char *locale, int member)
{
    char id[64];

    snprintf(id, sizeof(id), "loyalty-%d", member);
    for (int i = 0; i < LOYALTY_TYPES; i++) {
        if (strcmp(loyalty_types[i], type) == 0) {
            const char *number = strstr(loyalty_data[i], "%d");
            char *data = number ? xasprintf("%.*s%d%s", (int)(number - loyalty_data[i]), loyalty_data[i], member,
                                            number + 2)
                                : xstrdup(loyalty_data[i]);
            char *event = make(type, locale, member, id, data);

            free(data);
            return event;
        }
    }
    return NULL;
}

void events_publish(struct system *system, const char *key, const char *text)
{
    const struct kafka_tool_message message = {.partition = -1, .key = slice_of(key), .value = slice_of(text)};

    kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
}

void events_publish_note(struct system *system, int member, int seq)
{
    char *text = events_note(member, seq);
    char key[16];

    snprintf(key, sizeof(key), "m%d", member);
    events_publish(system, key, text);
    free(text);
}

void events_publish_notes(struct system *system, int members, int first_seq, int last_seq)
{
    for (int seq = first_seq; seq <= last_seq; seq++) {
        for (int member = 1; member <= members; member++) {
            events_publish_note(system, member, seq);
        }
    }
    kafka_tool_flush(system->kafka);
}
