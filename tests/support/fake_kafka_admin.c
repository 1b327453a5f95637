/* In place of io/kafka_admin.c: topics have the settings that a test gave them. */
#include "tests/support/fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/kafka_admin.h"

const char *kafka_admin_config_find(const struct kafka_admin_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->items[i].name, name) == 0) {
            return config->items[i].value;
        }
    }
    return NULL;
}
