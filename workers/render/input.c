#include "workers/render/input.h"

#include <string.h>

#include "base/settings.h"

enum { MOST_BYTES = 16 << 20 };

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

char *input_read(const char *path, size_t *len, struct err *err)
{
    return settings_read_file(is_standard_input(path) ? "/dev/stdin" : path, MOST_BYTES, len, err);
}

const char *input_name(const char *path)
{
    return is_standard_input(path) ? "stdin" : path;
}
