#include "core/catalog_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/nearest.h"

static const char *const folders[] = {"_layouts", "_partials", "_brands", "_strings", NULL};

/* --- version ---------------------------------------------------------------------------------------------------- */

static bool is_sent(const char *path)
{
    return !catalog_is_note(path) && !strstr(path, "/samples/");
}

static void append_size(struct buf *all, size_t size)
{
    for (int i = 0; i < 8; i++) {
        buf_append_char(all, (char)(size >> (8 * i)));
    }
}

/* Of everything that decides what is sent: not samples, not notes. Each name and text with its length before it. */
static void make_version(const struct file_tree *tree, char version[VERSION_TEXT_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    struct buf all;

    buf_init(&all, 2 * FILE_TREE_MOST_BYTES);
    for (size_t i = 0; i < tree->count; i++) {
        const struct file_entry *entry = &tree->entries[i];

        if (is_sent(entry->path)) {
            append_size(&all, strlen(entry->path));
            buf_append_text(&all, entry->path);
            append_size(&all, entry->len);
            buf_append(&all, entry->data, entry->len);
        }
    }
    digest_sha256(buf_slice(&all), digest);
    hex_format(digest, (VERSION_TEXT_SIZE - 1) / 2, version);
    buf_finish(&all);
}

/* --- brands and strings ----------------------------------------------------------------------------------------- */

/* Name of "_brands/<name>.yaml"; NULL, with a warning, when the file has another form. Caller frees. */
static char *take_yaml_name(struct catalog_build *build, const struct file_entry *entry, const char *folder)
{
    struct slice name = slice_of(entry->path + strlen(folder));

    if (!slice_ends_with(name, ".yaml") || strchr(name.data, '/')) {
        if (!catalog_is_note(entry->path)) {
            diag_add(build->diags, DIAG_WARNING, entry->path, 0, 0, "files here end in .yaml", "the file is not used");
        }
        return NULL;
    }
    return xmemdup(name.data, name.len - 5);
}

static void add_brand(struct catalog_build *build, struct brand *brand)
{
    struct catalog_brand *entry = xcalloc(1, sizeof(*entry));

    entry->brand = brand;
    HASH_ADD_KEYPTR(hh, build->catalog->brands, brand->name, strlen(brand->name), entry);
    if (strcmp(brand->name, "default") == 0) {
        build->catalog->default_brand = brand;
    }
}

static void load_brand(struct catalog_build *build, const struct file_entry *entry)
{
    char *name = take_yaml_name(build, entry, "_brands/");
    struct brand *brand = name ? brand_parse(name, entry->path, catalog_text_of(entry), build->diags) : NULL;

    if (brand) {
        add_brand(build, brand);
    }
    free(name);
}

static void load_strings(struct catalog_build *build, const struct file_entry *entry)
{
    char *name = take_yaml_name(build, entry, "_strings/");
    struct catalog_strings *strings, *other;
    char tag[LOCALE_TAG_SIZE];

    if (!name) {
        return;
    }
    if (!locale_tag_parse(slice_of(name), tag) || !locale_is_known_language(tag)) {
        diag_add(build->diags, DIAG_ERROR, entry->path, 0, 0, "name it like hu.yaml or pt-BR.yaml", "'%s' is no locale",
                 name);
        free(name);
        return;
    }
    free(name);
    HASH_FIND_STR(build->catalog->strings, tag, other);
    if (other) {
        diag_add(build->diags, DIAG_ERROR, entry->path, 0, 0, NULL, "a second file for the locale '%s'", tag);
        return;
    }
    strings = xcalloc(1, sizeof(*strings));
    memcpy(strings->tag, tag, sizeof(tag));
    strings->strings =
        strings_parse(entry->path, catalog_text_of(entry), locale_set_get(build->catalog->locales, tag), build->diags);
    HASH_ADD_STR(build->catalog->strings, tag, strings);
}

static void link_strings(struct catalog *catalog)
{
    struct catalog_strings *entry, *parent;

    for (entry = catalog->strings; entry; entry = entry->hh.next) {
        HASH_FIND(hh, catalog->strings, entry->tag, locale_tag_language_len(entry->tag), parent);
        if (entry->strings && parent && parent != entry) {
            strings_set_parent(entry->strings, parent->strings);
        }
    }
}

/* --- what stands in the folder ---------------------------------------------------------------------------------- */

static const char *nearest_folder(struct slice name)
{
    char *copy = xmemdup(name.data, name.len);
    const char *meant = nearest_find(copy, folders);

    free(copy);
    return meant;
}

static bool is_shared_folder(struct slice name)
{
    for (size_t i = 0; folders[i]; i++) {
        if (slice_is(name, folders[i])) {
            return true;
        }
    }
    return false;
}

/* A file outside of flows and of the folders that we know; each unknown folder is named once. */
static void warn_unused(struct catalog_build *build, size_t index)
{
    const char *path = build->tree->entries[index].path;
    struct slice folder = catalog_first_folder(path);
    const char *meant;
    char *hint;

    if (catalog_is_note(path)) {
        return;
    }
    if (!path[folder.len]) {
        diag_add(build->diags, DIAG_WARNING, path, 0, 0, NULL, "the file belongs to no flow");
        return;
    }
    if (index > 0 && slice_equal(folder, catalog_first_folder(build->tree->entries[index - 1].path))) {
        return;
    }
    meant = nearest_folder(folder);
    hint = meant ? xasprintf("did you mean '%s'?", meant) : NULL;
    diag_add(build->diags, DIAG_WARNING, path, 0, 0, hint, "the folder '%.*s' means nothing", (int)folder.len,
             folder.data);
    free(hint);
}

/* A partial that no template uses is compiled all the same, so that its faults are found before someone does. */
static void check_partial(struct catalog_build *build, const struct file_entry *entry)
{
    struct template_source source = {
        .path = entry->path,
        .text = catalog_text_of(entry),
        .first_line = 1,
        .form = TEMPLATE_FORM_HTML,
    };

    if (slice_ends_with(slice_of(entry->path), ".liquid")) {
        template_part_destroy(template_part_create(build->tree, &source, build->diags));
    } else if (!catalog_is_note(entry->path)) {
        diag_add(build->diags, DIAG_WARNING, entry->path, 0, 0, "files here end in .liquid", "the file is not used");
    }
}

static void load_shared(struct catalog_build *build)
{
    for (size_t i = 0; i < build->tree->count; i++) {
        const struct file_entry *entry = &build->tree->entries[i];
        struct slice path = slice_of(entry->path);

        if (slice_starts_with(path, "_brands/")) {
            load_brand(build, entry);
        } else if (slice_starts_with(path, "_strings/")) {
            load_strings(build, entry);
        } else if (slice_starts_with(path, "_partials/")) {
            check_partial(build, entry);
        } else if ((path.data[0] == '_' && !is_shared_folder(catalog_first_folder(entry->path))) ||
                   !strchr(entry->path, '/')) {
            warn_unused(build, i);
        }
    }
    link_strings(build->catalog);
    layout_list_load(&build->catalog->layouts, build->tree, build->diags);
    if (!build->catalog->default_brand) {
        add_brand(build, brand_create_empty("default"));
    }
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

struct catalog *catalog_read(const struct file_tree *tree, const struct catalog_options *options,
                             struct diag_list *diags)
{
    struct catalog *catalog = xcalloc(1, sizeof(*catalog));
    struct catalog_build build = {tree, catalog, diags};
    const char *default_locale = options && options->default_locale ? options->default_locale : "en";

    catalog->references = 1;
    catalog->locales = locale_set_create();
    message_buffers_init(&catalog->buffers);
    make_version(tree, catalog->version);
    if (!locale_tag_parse(slice_of(default_locale), catalog->default_locale)) {
        diag_add(diags, DIAG_ERROR, "", 0, 0, NULL, "the default locale '%s' is no locale", default_locale);
    }
    load_shared(&build);
    catalog_build_flows(&build);
    return catalog;
}

struct catalog *catalog_build(const struct file_tree *tree, const struct catalog_options *options,
                              struct diag_list *diags)
{
    size_t errors_before = diags->error_count;
    struct catalog *catalog = catalog_read(tree, options, diags);

    if (diags->error_count > errors_before) {
        diag_list_drop_repeated(diags);
        catalog_unref(catalog);
        return NULL;
    }
    return catalog;
}
