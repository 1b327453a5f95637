/*
 * personal: which fields of an event are personal, by their names and by what a person says, and a walk over all of
 * them.
 *
 * Paths are dotted, from the top of the event: "data.member.first_name"; "[]" stands for every element of an array.
 * What is known by its name never needs saying; --personal and --keep of the command line win over that.
 */
#ifndef WORKERS_CAPTURE_PERSONAL_H
#define WORKERS_CAPTURE_PERSONAL_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "core/pseudonym.h"

enum personal_class {
    PERSONAL_UNKNOWN, /* nobody said: texts are searched for what is known to be personal elsewhere */
    PERSONAL_YES,
    PERSONAL_NO, /* part of the form of an event, or kept by the command line: never changed */
};

/* Comma lists of paths; NULL: none. Borrowed. */
struct personal_rules {
    const char *personal, *keep;
};

/* False + err: an empty path in a list. */
bool personal_rules_check(const struct personal_rules *rules, struct err *err);

struct personal_leaf {
    const char *path;
    const json_t *value; /* no object or array */
    enum personal_class class;
    enum pseudonym_kind kind; /* of PERSONAL_YES */
    const char *language;     /* of the member; NULL: unknown */
};

struct personal_visitor {
    /* What shall stand in its place (new reference); NULL: it stays. */
    json_t *(*leaf)(void *arg, const struct personal_leaf *leaf);
    /* What a member's name becomes (heap text); NULL: it stays. NULL: names are not asked about. */
    char *(*name)(void *arg, const char *path, const char *name);
    void *arg;
};

/* Every value of what a record carries, changed in place; `top` is "" for an event, "data" for the data of one in
 * binary mode, "header.NAME", "key". New reference when all of it has to be another value, else NULL. */
json_t *personal_walk(const struct personal_rules *rules, json_t *root, const char *top,
                      const struct personal_visitor *visitor);

/* The kind of a text may be plain from the text itself. */
enum pseudonym_kind personal_kind_of(enum pseudonym_kind kind, struct slice text);
/* The id in a subject like "member/42"; false: it is none. */
bool personal_find_subject_id(const char *path, struct slice text, struct slice *id);

#endif
