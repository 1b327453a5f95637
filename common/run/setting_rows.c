#include "run/setting_rows.h"

#include <string.h>

enum { MOST_ENVIRONMENT_LEN = 32 };

bool setting_rows_check_environment(const char *environment, struct err *err)
{
    size_t len = strlen(environment);

    return (len > 0 && len <= MOST_ENVIRONMENT_LEN &&
            strspn(environment, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len) ||
           err_set(err, "ENVIRONMENT: \"%.40s\" must be 1 to %d of a-z, 0-9, '-' and '_'", environment,
                   MOST_ENVIRONMENT_LEN);
}
