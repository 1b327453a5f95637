#include "tests/simulation/simulation_inside.h"

#include <string.h>

enum fake_fault simulation_choose_fault(void *arg, enum fake_point point)
{
    struct simulation *simulation = arg;
    uint32_t drawn;
    char name[48];

    if (simulation->is_calm || simulation->turning < 0) {
        return FAKE_FAULT_NONE;
    }
    drawn = (uint32_t)simulation_below(simulation, 1000000);
    if (drawn < simulation->scenario.crash_ppm && simulation->deaths < SCENARIO_MOST_DEATHS) {
        snprintf(name, sizeof(name), "death at %s", fake_point_name(point));
        witness_fault(simulation->witness, name, simulation->turning);
        return FAKE_FAULT_CRASH;
    }
    if (drawn >= 1000000 - simulation->scenario.lost_ppm) {
        snprintf(name, sizeof(name), "lost %s", fake_point_name(point));
        witness_fault(simulation->witness, name, simulation->turning);
        return FAKE_FAULT_LOST;
    }
    drawn -= simulation->scenario.crash_ppm;
    if (drawn < simulation->scenario.freeze_ppm && !simulation_is_frozen(&simulation->workers[simulation->turning])) {
        /* When this turn is over. */
        simulation_freeze(simulation, simulation->turning, 1000 + simulation_below(simulation, 40000));
    }
    return FAKE_FAULT_NONE;
}

static bool is_refused(const char *to)
{
    return strncmp(to, "refused", 7) == 0 || strncmp(to, "+36300001", 9) == 0;
}

enum fake_behaviour simulation_decide(void *arg, const struct fake_message *message)
{
    struct simulation *simulation = arg;
    uint32_t drawn = (uint32_t)simulation_below(simulation, 1000);
    bool is_question = strcmp(message->to, FAKE_QUESTION) == 0;

    for (int i = FAKE_ACCEPT_LOSE_ANSWER; i <= FAKE_REFUSE_NOW && !simulation->is_calm; i++) {
        if (drawn < simulation->scenario.behaviour_pm[i]) {
            bool is_possible = is_question ? i != FAKE_ACCEPT_LOSE_ANSWER : !is_refused(message->to);

            return is_possible ? (enum fake_behaviour)i : FAKE_ANSWER_500;
        }
        drawn -= simulation->scenario.behaviour_pm[i];
    }
    return is_refused(message->to) ? FAKE_ANSWER_400 : FAKE_ACCEPT;
}

void simulation_told(void *arg, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                 bool is_delivered)
{
    const struct simulation *simulation = arg;

    witness_told(simulation->witness, message, behaviour, status, is_delivered);
}
