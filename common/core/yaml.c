#include "core/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/yaml_scalar.h"

enum { MOST_DEPTH = 32 };

struct place {
    char *path;
    int line, column;
    int key_line, key_column;
    UT_hash_handle hh;
};

struct yaml {
    json_t *root;
    struct place *places; /* by path; that of the root is "" */
};

/* One parse in progress. */
struct loader {
    yaml_parser_t parser;
    struct yaml *yaml; /* under construction */
    const char *file;
    struct slice text;
    int first_line;
    int depth;
    struct buf path; /* of the value that is being read */
    struct diag_list *diags;
};

/* --- places ----------------------------------------------------------------------------------------------------- */

static void add_place(struct loader *loader, yaml_mark_t key, yaml_mark_t value)
{
    struct place *place = xcalloc(1, sizeof(*place));

    *place = (struct place){
        .path = xstrdup(buf_text(&loader->path)),
        .line = loader->first_line + (int)value.line,
        .column = (int)value.column + 1,
        .key_line = loader->first_line + (int)key.line,
        .key_column = (int)key.column + 1,
    };
    HASH_ADD_KEYPTR(hh, loader->yaml->places, place->path, strlen(place->path), place);
}

static const struct place *find_place(const struct yaml *yaml, const char *path)
{
    size_t len = strlen(path);
    struct place *place = NULL;

    for (;;) {
        HASH_FIND(hh, yaml->places, path, len, place);
        if (place || len == 0) {
            return place;
        }
        while (len > 0 && path[--len] != '.') {
        }
    }
}

void yaml_find_place(const struct yaml *yaml, const char *path, int *line, int *column)
{
    const struct place *place = find_place(yaml, path);

    *line = place ? place->line : 1;
    *column = place ? place->column : 1;
}

void yaml_find_key_place(const struct yaml *yaml, const char *path, int *line, int *column)
{
    const struct place *place = find_place(yaml, path);

    *line = place ? place->key_line : 1;
    *column = place ? place->key_column : 1;
}

/* --- errors ----------------------------------------------------------------------------------------------------- */

/* Always NULL. */
static json_t *refuse(struct loader *loader, yaml_mark_t mark, const char *hint, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

static json_t *refuse(struct loader *loader, yaml_mark_t mark, const char *hint, const char *format,
                      ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    diag_add(loader->diags, DIAG_ERROR, loader->file, loader->first_line + (int)mark.line,
             (int)mark.column + 1, hint, "%s", message);
    return NULL;
}

static yaml_mark_t mark_of_offset(struct slice text, size_t offset)
{
    yaml_mark_t mark = {0};

    while (mark.index < offset && mark.index < text.len) {
        if (text.data[mark.index] == '\n') {
            mark.line++;
            mark.column = 0;
            mark.index++;
        } else {
            utf8_next(text, &mark.index, NULL);
            mark.column++;
        }
    }
    return mark;
}

static const char *hint_of(const yaml_parser_t *parser, struct slice text)
{
    size_t at = 0;
    bool is_tab;

    for (size_t i = 0; i < parser->problem_mark.index && at < text.len; i++) {
        utf8_next(text, &at, NULL); /* libyaml counts code points */
    }
    is_tab = at < text.len && text.data[at] == '\t';
    if (strstr(parser->problem, "cannot start any token")) {
        return is_tab ? "indent with spaces, not with tabs" : "put the text in quotes";
    }
    if (strstr(parser->problem, "mapping values are not allowed")) {
        return "check the indentation; put text that holds \": \" in quotes";
    }
    if (strstr(parser->problem, "did not find expected")) {
        return "check indentation, quotes and brackets of this line and the one before";
    }
    return NULL;
}

static void report_parser_error(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem ? parser->problem : "cannot be read";

    if (parser->error == YAML_MEMORY_ERROR) {
        die_at_once("out of memory (reading YAML)");
    }
    if (parser->error == YAML_READER_ERROR) {
        refuse(loader, mark_of_offset(loader->text, parser->problem_offset), NULL, "not YAML: %s",
               problem);
    } else {
        refuse(loader, parser->problem_mark,
               parser->problem ? hint_of(parser, loader->text) : NULL, "not YAML: %s", problem);
    }
}

static bool next_event(struct loader *loader, yaml_event_t *event)
{
    if (!yaml_parser_parse(&loader->parser, event)) {
        report_parser_error(loader);
        return false;
    }
    return true;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static json_t *load_value(struct loader *loader, yaml_event_t *event);

static bool is_plain_text(struct loader *loader, const yaml_event_t *event, const char *anchor,
                          const char *tag)
{
    if (anchor) {
        refuse(loader, event->start_mark, "write the value out", "anchors (&%.40s) are not used here",
               anchor);
    } else if (tag) {
        refuse(loader, event->start_mark, "put text that begins with ! in quotes",
               "tags (!) are not used here");
    }
    return !anchor && !tag;
}

static json_t *load_scalar(struct loader *loader, const yaml_event_t *event)
{
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    struct err err = {0};
    json_t *value;

    if (!is_plain_text(loader, event, (const char *)event->data.scalar.anchor,
                       (const char *)event->data.scalar.tag)) {
        return NULL;
    }
    if (memchr(text.data, '\0', text.len)) {
        return refuse(loader, event->start_mark, NULL, "text holds a NUL");
    }
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        value = json_stringn(text.data, text.len);
    } else {
        value = yaml_scalar_resolve(text, &err);
    }
    return value ? value
                 : refuse(loader, event->start_mark, NULL, "%s",
                          err_is_set(&err) ? err.text : "text is not UTF-8");
}

static size_t push_path(struct loader *loader, const char *step)
{
    size_t len = loader->path.len;

    if (len > 0) {
        buf_append_char(&loader->path, '.');
    }
    buf_append_text(&loader->path, step);
    return len;
}

static json_t *load_sequence(struct loader *loader)
{
    json_t *list = json_array();
    yaml_event_t event;

    while (next_event(loader, &event)) {
        yaml_mark_t mark = event.start_mark;
        char index[24];
        json_t *item;
        size_t len;

        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return list;
        }
        snprintf(index, sizeof(index), "%zu", json_array_size(list));
        len = push_path(loader, index);
        add_place(loader, mark, mark);
        item = load_value(loader, &event);
        buf_truncate(&loader->path, len);
        if (!item) {
            break;
        }
        json_array_append_new(list, item);
    }
    json_decref(list);
    return NULL;
}

/* Heap text, or NULL when an error was added. Deletes the event. */
static char *take_key(struct loader *loader, yaml_event_t *event, const json_t *map)
{
    struct slice text;
    char *key = NULL;

    if (event->type != YAML_SCALAR_EVENT) {
        refuse(loader, event->start_mark, "put text that begins with *, { or [ in quotes",
               "a key must be text");
        yaml_event_delete(event);
        return NULL;
    }
    text = slice_make((const char *)event->data.scalar.value, event->data.scalar.length);
    if (!is_plain_text(loader, event, (const char *)event->data.scalar.anchor,
                       (const char *)event->data.scalar.tag)) {
        key = NULL;
    } else if (text.len == 0 || memchr(text.data, '\0', text.len)) {
        refuse(loader, event->start_mark, NULL, text.len ? "a key holds a NUL" : "a key is empty");
    } else if (json_object_getn(map, text.data, text.len)) {
        refuse(loader, event->start_mark, NULL, "\"%.100s\" is there twice", text.data);
    } else {
        key = xmemdup(text.data, text.len);
    }
    yaml_event_delete(event);
    return key;
}

static bool load_member(struct loader *loader, json_t *map, yaml_event_t *key_event)
{
    yaml_mark_t key_mark = key_event->start_mark;
    char *key = take_key(loader, key_event, map);
    size_t len = loader->path.len;
    json_t *value = NULL;
    yaml_event_t event;

    if (key && next_event(loader, &event)) {
        push_path(loader, key);
        add_place(loader, key_mark, event.start_mark);
        value = load_value(loader, &event);
        buf_truncate(&loader->path, len);
    }
    if (value && json_object_set_new(map, key, value) != 0) {
        refuse(loader, key_mark, NULL, "a key is not UTF-8");
        value = NULL;
    }
    free(key);
    return value != NULL;
}

static json_t *load_mapping(struct loader *loader)
{
    json_t *map = json_object();
    yaml_event_t event;

    while (next_event(loader, &event)) {
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return map;
        }
        if (!load_member(loader, map, &event)) {
            break;
        }
    }
    json_decref(map);
    return NULL;
}

static json_t *load_collection(struct loader *loader, const yaml_event_t *event)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    json_t *value;

    if (!is_plain_text(loader, event, (const char *)anchor, (const char *)tag)) {
        return NULL;
    }
    if (loader->depth >= MOST_DEPTH) {
        return refuse(loader, event->start_mark, NULL, "nested deeper than %d", MOST_DEPTH);
    }
    loader->depth++;
    value = is_map ? load_mapping(loader) : load_sequence(loader);
    loader->depth--;
    return value;
}

/* Deletes the event. NULL when an error was added. */
static json_t *load_value(struct loader *loader, yaml_event_t *event)
{
    json_t *value = NULL;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        value = load_scalar(loader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        value = load_collection(loader, event);
        break;
    case YAML_ALIAS_EVENT:
        refuse(loader, event->start_mark, "put text that begins with * in quotes",
               "aliases (*%.40s) are not used here", (const char *)event->data.alias.anchor);
        break;
    default:
        refuse(loader, event->start_mark, NULL, "a value was expected");
        break;
    }
    yaml_event_delete(event);
    return value;
}

/* --- the document ----------------------------------------------------------------------------------------------- */

/* Deletes the event, which is the first of the root. */
static json_t *load_root(struct loader *loader, yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    json_t *root;

    add_place(loader, mark, mark);
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0 &&
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag &&
        !event->data.scalar.anchor) {
        yaml_event_delete(event);
        return json_object();
    }
    root = load_value(loader, event);
    if (root && !json_is_object(root)) {
        json_decref(root);
        return refuse(loader, mark, "each line is a key, a colon and a value",
                      "keys and values were expected");
    }
    return root;
}

/* Reads events up to the end of the text. */
static json_t *load_document(struct loader *loader)
{
    json_t *root = NULL;
    yaml_event_t event;

    while (next_event(loader, &event)) {
        yaml_event_type_t type = event.type;

        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            return root ? root : json_object();
        }
        if (type == YAML_DOCUMENT_START_EVENT && root) {
            refuse(loader, event.start_mark, "remove the line ---", "a second document begins");
            yaml_event_delete(&event);
            break;
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
            type == YAML_DOCUMENT_END_EVENT) {
            yaml_event_delete(&event);
            continue;
        }
        root = load_root(loader, &event);
        if (!root) {
            break;
        }
    }
    json_decref(root);
    return NULL;
}

struct yaml *yaml_parse(const char *path, struct slice text, int first_line,
                        struct diag_list *diags)
{
    struct loader loader = {
        .file = path, .text = text, .first_line = first_line, .diags = diags};
    size_t valid = utf8_valid_prefix(text);
    struct yaml *yaml;

    if (valid < text.len) {
        refuse(&loader, mark_of_offset(text, valid), "save the file as UTF-8",
               "this byte is not UTF-8");
        return NULL;
    }
    if (!yaml_parser_initialize(&loader.parser)) {
        die_at_once("out of memory (reading YAML)");
    }
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser,
                                 (const unsigned char *)(text.data ? text.data : ""), text.len);
    yaml = xcalloc(1, sizeof(*yaml));
    loader.yaml = yaml;
    buf_init(&loader.path, 0);
    yaml->root = load_document(&loader);
    buf_finish(&loader.path);
    yaml_parser_delete(&loader.parser);
    if (!yaml->root) {
        yaml_destroy(yaml);
        return NULL;
    }
    return yaml;
}

void yaml_destroy(struct yaml *yaml)
{
    struct place *place, *next;

    if (!yaml) {
        return;
    }
    HASH_ITER(hh, yaml->places, place, next) {
        HASH_DEL(yaml->places, place);
        free(place->path);
        free(place);
    }
    json_decref(yaml->root);
    free(yaml);
}

json_t *yaml_root(const struct yaml *yaml)
{
    return yaml->root;
}
