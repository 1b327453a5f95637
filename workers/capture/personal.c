#include "workers/capture/personal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- names of fields ---------------------------------------------------------------------------------------------- */

/* Names are compared without '_' and '-' and in small letters: first_name, firstName and "First-Name" are one. */
struct field {
    const char *name;
    enum pseudonym_kind kind;
};

static const struct field personal_anywhere[] = {
    {"firstname", PSEUDONYM_GIVEN_NAME},
    {"givenname", PSEUDONYM_GIVEN_NAME},
    {"forename", PSEUDONYM_GIVEN_NAME},
    {"middlename", PSEUDONYM_GIVEN_NAME},
    {"nickname", PSEUDONYM_GIVEN_NAME},
    {"lastname", PSEUDONYM_FAMILY_NAME},
    {"surname", PSEUDONYM_FAMILY_NAME},
    {"familyname", PSEUDONYM_FAMILY_NAME},
    {"maidenname", PSEUDONYM_FAMILY_NAME},
    {"fullname", PSEUDONYM_FULL_NAME},
    {"displayname", PSEUDONYM_FULL_NAME},
    {"recipientname", PSEUDONYM_FULL_NAME},
    {"customername", PSEUDONYM_FULL_NAME},
    {"membername", PSEUDONYM_FULL_NAME},
    {"email", PSEUDONYM_EMAIL},
    {"emailaddress", PSEUDONYM_EMAIL},
    {"mail", PSEUDONYM_EMAIL},
    {"phone", PSEUDONYM_PHONE},
    {"phonenumber", PSEUDONYM_PHONE},
    {"mobile", PSEUDONYM_PHONE},
    {"mobilephone", PSEUDONYM_PHONE},
    {"msisdn", PSEUDONYM_PHONE},
    {"telephone", PSEUDONYM_PHONE},
    {"dateofbirth", PSEUDONYM_DATE},
    {"birthdate", PSEUDONYM_DATE},
    {"dob", PSEUDONYM_DATE},
    {"address", PSEUDONYM_OTHER},
    {"street", PSEUDONYM_OTHER},
    {"addressline1", PSEUDONYM_OTHER},
    {"addressline2", PSEUDONYM_OTHER},
    {"postaladdress", PSEUDONYM_OTHER},
    {"zip", PSEUDONYM_OTHER},
    {"zipcode", PSEUDONYM_OTHER},
    {"postcode", PSEUDONYM_OTHER},
    {"postalcode", PSEUDONYM_OTHER},
    {"cardnumber", PSEUDONYM_OTHER},
    {"loyaltycard", PSEUDONYM_OTHER},
    {"passport", PSEUDONYM_OTHER},
    {"taxid", PSEUDONYM_OTHER},
    {"iban", PSEUDONYM_OTHER},
    {"ip", PSEUDONYM_OTHER},
    {"ipaddress", PSEUDONYM_OTHER},
    {"deviceid", PSEUDONYM_OTHER},
    {"pushtoken", PSEUDONYM_OTHER},
    {"latitude", PSEUDONYM_OTHER},
    {"longitude", PSEUDONYM_OTHER},
    {"memberid", PSEUDONYM_ID},
    {"customerid", PSEUDONYM_ID},
    {"userid", PSEUDONYM_ID},
    {"externalid", PSEUDONYM_ID},
    {NULL, PSEUDONYM_OTHER},
};

/* Only of a person: a programme has a name, too. */
static const struct field personal_of_person[] = {
    {"id", PSEUDONYM_ID},
    {"name", PSEUDONYM_FULL_NAME},
    {"first", PSEUDONYM_GIVEN_NAME},
    {"given", PSEUDONYM_GIVEN_NAME},
    {"last", PSEUDONYM_FAMILY_NAME},
    {"family", PSEUDONYM_FAMILY_NAME},
    {"birthday", PSEUDONYM_DATE},
    {"city", PSEUDONYM_OTHER},
    {"company", PSEUDONYM_OTHER},
    {"username", PSEUDONYM_OTHER},
    {"login", PSEUDONYM_OTHER},
    {"url", PSEUDONYM_OTHER},
    {NULL, PSEUDONYM_OTHER},
};

static const char *const persons[] = {"member",   "customer", "user",    "person",     "recipient", "contact",
                                      "referrer", "referral", "referee", "friend",     "invitee",   "inviter",
                                      "owner",    "sender",   "buyer",   "subscriber", "profile",   "guardian",
                                      "giftto",   "giftfrom", NULL};

/* What decides how an event is read and rendered, and says nothing of who it is about. */
static const char *const structure[] = {"specversion", "type", "datacontenttype", "dataschema", "time", NULL};
static const char *const structure_of_person[] = {"locale", "timezone", "tier", "language", NULL};

enum { MOST_NAME = 40 };

static void normalise(const char *name, size_t len, char out[MOST_NAME])
{
    size_t used = 0;

    for (size_t i = 0; i < len && used + 1 < MOST_NAME; i++) {
        if (name[i] != '_' && name[i] != '-' && name[i] != '[' && name[i] != ']') {
            out[used++] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
        }
    }
    out[used] = '\0';
}

static bool is_one_of(const char *const names[], const char *name)
{
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_field(const struct field *fields, const char *name, enum pseudonym_kind *kind)
{
    for (; fields->name; fields++) {
        if (strcmp(fields->name, name) == 0) {
            *kind = fields->kind;
            return true;
        }
    }
    return false;
}

/* The word of a list of persons, or its plural. */
static bool is_person(const char *name)
{
    char single[MOST_NAME];
    size_t len = strlen(name);

    if (is_one_of(persons, name)) {
        return true;
    }
    if (len == 0 || name[len - 1] != 's') {
        return false;
    }
    memcpy(single, name, len);
    single[len - 1] = '\0';
    return is_one_of(persons, single);
}

/* --- what a person said ------------------------------------------------------------------------------------------- */

/* One path of a comma list: the very one, all below it, and without "data." in front. */
static bool is_under(const char *path, struct slice rule)
{
    size_t len = strlen(path);

    if (len >= rule.len && memcmp(path, rule.data, rule.len) == 0 &&
        (path[rule.len] == '\0' || path[rule.len] == '.' || path[rule.len] == '[')) {
        return true;
    }
    return strncmp(path, "data.", 5) == 0 && is_under(path + 5, rule);
}

static bool next_rule(const char **list, struct slice *rule)
{
    size_t len;

    if (!*list || !**list) {
        return false;
    }
    len = strcspn(*list, ",");
    *rule = slice_make(*list, len);
    *list += len + ((*list)[len] == ',');
    return true;
}

static bool is_listed(const char *list, const char *path)
{
    struct slice rule;

    while (next_rule(&list, &rule)) {
        if (is_under(path, rule)) {
            return true;
        }
    }
    return false;
}

bool personal_rules_check(const struct personal_rules *rules, struct err *err)
{
    const char *lists[] = {rules->personal, rules->keep};
    struct slice rule;

    for (size_t i = 0; i < 2; i++) {
        while (next_rule(&lists[i], &rule)) {
            if (rule.len == 0) {
                return err_set(err, "an empty path in the list of %s", i ? "--keep" : "--personal");
            }
        }
    }
    return true;
}

/* --- classes ------------------------------------------------------------------------------------------------------ */

/* The name that ends the path in `len` bytes, normalised; what is left of the path in *len. */
static void take_last_name(const char *path, size_t *len, char name[MOST_NAME])
{
    size_t start = *len;

    while (start > 0 && path[start - 1] != '.') {
        start--;
    }
    normalise(path + start, *len - start, name);
    *len = start > 0 ? start - 1 : 0;
}

/* By the names: the field's own, or that of the object around it, which makes all of it personal: "address.street". */
static enum personal_class classify_names(const char *path, enum pseudonym_kind *kind)
{
    static const char attribute[] = "header.ce_";
    char name[MOST_NAME], parent[MOST_NAME], grandparent[MOST_NAME];
    bool is_attribute = strncmp(path, attribute, sizeof(attribute) - 1) == 0;
    bool is_of_person;
    size_t len;

    path += is_attribute ? sizeof(attribute) - 1 : 0;
    len = strlen(path);
    take_last_name(path, &len, name);
    take_last_name(path, &len, parent);
    take_last_name(path, &len, grandparent);
    is_of_person = is_person(parent) || (is_person(grandparent) && strcmp(parent, "name") == 0);
    if ((!parent[0] && is_one_of(structure, name)) || strcmp(parent, "consent") == 0 ||
        (is_of_person && is_one_of(structure_of_person, name))) {
        return PERSONAL_NO;
    }
    if (find_field(personal_anywhere, name, kind) || (is_of_person && find_field(personal_of_person, name, kind)) ||
        find_field(personal_anywhere, parent, kind) ||
        (is_person(grandparent) && find_field(personal_of_person, parent, kind))) {
        return PERSONAL_YES;
    }
    return PERSONAL_UNKNOWN;
}

static enum personal_class classify(const struct personal_rules *rules, const char *path, enum pseudonym_kind *kind)
{
    enum personal_class class;

    *kind = PSEUDONYM_OTHER;
    if (is_listed(rules->keep, path)) {
        return PERSONAL_NO;
    }
    class = strcmp(path, "key") == 0 ? PERSONAL_YES : classify_names(path, kind);
    if (strcmp(path, "key") == 0) {
        *kind = PSEUDONYM_ID;
    }
    return class != PERSONAL_YES && is_listed(rules->personal, path) ? PERSONAL_YES : class;
}

enum pseudonym_kind personal_kind_of(enum pseudonym_kind kind, struct slice text)
{
    return pseudonym_is_email(text) ? PSEUDONYM_EMAIL : pseudonym_is_phone(text) ? PSEUDONYM_PHONE : kind;
}

bool personal_find_subject_id(const char *path, struct slice text, struct slice *id)
{
    const char *slash = memchr(text.data, '/', text.len);
    char name[MOST_NAME];

    if (strcmp(path, "subject") != 0 && strcmp(path, "header.ce_subject") != 0) {
        return false;
    }
    if (!slash || slash + 1 == text.data + text.len) {
        return false;
    }
    normalise(text.data, (size_t)(slash - text.data), name);
    *id = slice_make(slash + 1, text.len - (size_t)(slash + 1 - text.data));
    return is_person(name);
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

struct walk {
    const struct personal_rules *rules;
    const struct personal_visitor *visitor;
    struct buf path;
};

static json_t *visit(struct walk *walk, json_t *value, const char *language);

enum { LANGUAGE_SIZE = 16 };

/* Copied, since the text may be replaced on the way. */
static void find_language(const json_t *object, const char *outer, char language[LANGUAGE_SIZE])
{
    const json_t *inner = json_object_get(object, "data");
    const char *locale = json_string_value(json_object_get(object, "locale"));

    inner = inner ? json_object_get(inner, "member") : json_object_get(object, "member");
    if (!locale) {
        locale = json_string_value(json_object_get(inner, "locale"));
    }
    snprintf(language, LANGUAGE_SIZE, "%s", locale ? locale : outer ? outer : "");
}

/* New reference: the object with other names. */
static json_t *rename_members(struct walk *walk, json_t *object)
{
    json_t *renamed = json_object(), *value;
    const char *name;

    json_object_foreach(object, name, value)
    {
        char *other = walk->visitor->name(walk->visitor->arg, buf_text(&walk->path), name);

        json_object_set(renamed, other ? other : name, value);
        free(other);
    }
    return renamed;
}

static json_t *visit_object(struct walk *walk, json_t *object, const char *outer_language)
{
    size_t len = walk->path.len;
    char language[LANGUAGE_SIZE];

    find_language(object, outer_language, language);
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        const char *name = json_object_iter_key(it);
        struct slice text = slice_of(name);
        bool is_address = pseudonym_is_email(text) || pseudonym_is_phone(text);
        json_t *other;

        /* Names that are addresses are shown to nobody. */
        buf_appendf(&walk->path, "%s%s", len ? "." : "", is_address ? "(address)" : name);
        other = visit(walk, json_object_iter_value(it), language);
        buf_truncate(&walk->path, len);
        if (other) {
            json_object_iter_set_new(object, it, other);
        }
    }
    return walk->visitor->name ? rename_members(walk, object) : NULL;
}

static json_t *visit_array(struct walk *walk, json_t *array, const char *language)
{
    size_t len = walk->path.len;

    buf_append_text(&walk->path, "[]");
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *other = visit(walk, json_array_get(array, i), language);

        if (other) {
            json_array_set_new(array, i, other);
        }
    }
    buf_truncate(&walk->path, len);
    return NULL;
}

static json_t *visit(struct walk *walk, json_t *value, const char *language)
{
    struct personal_leaf leaf = {.value = value, .language = language && *language ? language : NULL};

    if (json_is_object(value)) {
        return visit_object(walk, value, language);
    }
    if (json_is_array(value)) {
        return visit_array(walk, value, language);
    }
    leaf.path = buf_text(&walk->path);
    leaf.class = classify(walk->rules, leaf.path, &leaf.kind);
    return walk->visitor->leaf(walk->visitor->arg, &leaf);
}

json_t *personal_walk(const struct personal_rules *rules, json_t *root, const char *top,
                      const struct personal_visitor *visitor)
{
    struct walk walk = {.rules = rules, .visitor = visitor};
    json_t *other;

    buf_init(&walk.path, 0);
    buf_append_text(&walk.path, top);
    other = visit(&walk, root, NULL);
    buf_finish(&walk.path);
    return other;
}
