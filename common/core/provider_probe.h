/*
 * provider_probe: a call to a provider that sends nothing and shows whether the account may be used. Pure, as a provider
 * is: builds the request, reads the answer.
 */
#ifndef CORE_PROVIDER_PROBE_H
#define CORE_PROVIDER_PROBE_H

#include "core/provider.h"

enum provider_health { PROVIDER_FINE, PROVIDER_DOUBTFUL, PROVIDER_UNUSABLE };

struct provider_probe {
    const char *provider; /* its name, in all channels */
    void (*build)(const struct provider_account *account, struct provider_request *request);
    /* `says`: for a person, what was found and how to mend it; holds no secret and nobody's address. */
    enum provider_health (*read)(const struct attempt *attempt, struct err *says);
};

#endif
