#include "workers/replay/diff_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    uint32_t group; /* as made, whatever the order */
    uint32_t len;
    int64_t offset;
};

struct diff_list {
    FILE *file;
    int64_t size;
    struct diff_group *groups; /* as made */
    size_t group_count;
    size_t *order; /* of groups, when sorted */
    struct entry *entries;
    size_t entry_count, entry_room;
};

struct diff_list *diff_list_create(struct err *err)
{
    FILE *file = tmpfile();
    struct diff_list *list;

    if (!file) {
        err_set(err, "cannot make a temporary file: %s", strerror(errno));
        return NULL;
    }
    list = xcalloc(1, sizeof(*list));
    list->file = file;
    return list;
}

void diff_list_destroy(struct diff_list *list)
{
    if (!list) {
        return;
    }
    for (size_t i = 0; i < list->group_count; i++) {
        free(list->groups[i].flow);
        free(list->groups[i].locale);
    }
    free(list->groups);
    free(list->order);
    free(list->entries);
    fclose(list->file);
    free(list);
}

struct diff_group *diff_list_get_group(struct diff_list *list, const char *flow, enum channel channel,
                                       const char *locale)
{
    for (size_t i = 0; i < list->group_count; i++) {
        struct diff_group *group = &list->groups[i];

        if (group->channel == channel && strcmp(group->flow, flow) == 0 && strcmp(group->locale, locale) == 0) {
            return group;
        }
    }
    list->groups = xreallocarray(list->groups, list->group_count + 1, sizeof(*list->groups));
    list->groups[list->group_count] =
        (struct diff_group){.flow = xstrdup(flow), .channel = channel, .locale = xstrdup(locale)};
    return &list->groups[list->group_count++];
}

bool diff_list_add(struct diff_list *list, const struct diff_group *group, struct slice description, struct err *err)
{
    if (list->entry_count == list->entry_room) {
        list->entry_room = list->entry_room ? 2 * list->entry_room : 64;
        list->entries = xreallocarray(list->entries, list->entry_room, sizeof(*list->entries));
    }
    if (fwrite(description.data, 1, description.len, list->file) != description.len) {
        return err_set(err, "cannot keep a change: %s", strerror(errno));
    }
    list->entries[list->entry_count++] =
        (struct entry){(uint32_t)(group - list->groups), (uint32_t)description.len, list->size};
    list->size += (int64_t)description.len;
    return true;
}

/* --- in order ----------------------------------------------------------------------------------------------------- */

static int compare_groups(const void *left, const void *right, void *arg)
{
    const struct diff_list *list = arg;
    const struct diff_group *a = &list->groups[*(const size_t *)left], *b = &list->groups[*(const size_t *)right];
    int order = strcmp(a->flow, b->flow);

    order = order ? order : (int)a->channel - (int)b->channel;
    return order ? order : strcmp(a->locale, b->locale);
}

void diff_list_sort(struct diff_list *list)
{
    list->order = xreallocarray(list->order, list->group_count + 1, sizeof(*list->order));
    for (size_t i = 0; i < list->group_count; i++) {
        list->order[i] = i;
    }
    qsort_r(list->order, list->group_count, sizeof(*list->order), compare_groups, list);
}

size_t diff_list_group_count(const struct diff_list *list)
{
    return list->group_count;
}

const struct diff_group *diff_list_group(const struct diff_list *list, size_t index)
{
    return &list->groups[list->order[index]];
}

int64_t diff_group_changed(const struct diff_group *group)
{
    int64_t changed = 0;

    for (int kind = DIFF_SAME + 1; kind < DIFF_CHANGE_KIND_COUNT; kind++) {
        changed += group->counts[kind];
    }
    return changed;
}

static void print_entry(struct diff_list *list, const struct entry *entry, FILE *to)
{
    char *text = xmalloc((size_t)entry->len + 1);

    if (fseeko(list->file, entry->offset, SEEK_SET) == 0 && fread(text, 1, entry->len, list->file) == entry->len) {
        fwrite(text, 1, entry->len, to);
    }
    free(text);
}

size_t diff_list_print(struct diff_list *list, size_t index, size_t most, const char *between, FILE *to)
{
    size_t count = 0;

    fflush(list->file);
    for (size_t i = 0; i < list->entry_count && count < most; i++) {
        if (list->entries[i].group == list->order[index]) {
            fputs(count ? between : "", to);
            print_entry(list, &list->entries[i], to);
            count++;
        }
    }
    return count;
}
