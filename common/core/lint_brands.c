/* Brands: every address they hold is a link somewhere in a message. */
#include <string.h>

#include "base/mem.h"
#include "core/lint_inside.h"
#include "core/lint_link.h"

static bool is_link_key(const char *name)
{
    struct slice key = slice_of(name);

    return slice_is(key, "url") || slice_ends_with(key, "_url");
}

static void check_values(struct lint *lint, const char *path, const struct yaml *yaml, const char *prefix,
                         json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        char *key = *prefix ? xasprintf("%s.%s", prefix, name) : xstrdup(name);
        struct lint_link_problem problem;
        int line, column;

        if (json_is_object(value)) {
            check_values(lint, path, yaml, key, value);
        } else if (is_link_key(name) && strcmp(key, "unsubscribe_url") != 0 &&
                   !lint_link_check(slice_of(json_is_string(value) ? json_string_value(value) : ""), &problem)) {
            yaml_find_place(yaml, key, &line, &column);
            lint_add(lint, DIAG_ERROR, path, line, column, problem.hint, "%s: %s", key, problem.message);
        }
        free(key);
    }
}

void lint_brands(struct lint *lint)
{
    for (size_t i = 0; i < lint->tree->count; i++) {
        const struct file_entry *entry = &lint->tree->entries[i];
        struct diag_list ignored; /* the catalog has reported them */
        struct yaml *yaml;

        if (!slice_starts_with(slice_of(entry->path), "_brands/") || !slice_ends_with(slice_of(entry->path), ".yaml")) {
            continue;
        }
        diag_list_init(&ignored);
        yaml = yaml_parse(entry->path, catalog_text_of(entry), 1, &ignored);
        if (yaml) {
            check_values(lint, entry->path, yaml, "", yaml_root(yaml));
        }
        yaml_destroy(yaml);
        diag_list_finish(&ignored);
    }
}
