#include "core/pseudonym.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/pseudonym_find.h"
#include "core/pseudonym_inside.h"

enum { MOST_ATTEMPTS = 100 };

/* A value of which is known what stands for it, by its text. */
struct entry {
    enum pseudonym_kind kind;
    char *language; /* NULL: unknown */
    char *made;     /* NULL: not made yet */
    size_t made_len;
    char *value; /* as compared: e-mail addresses in small letters */
    size_t value_len;
    UT_hash_handle hh;
};

struct pseudonym_set {
    char *key;
    size_t key_len;
    struct entry *learnt;                       /* hash by text, whatever the kind: the first one counts */
    struct entry *others[PSEUDONYM_KIND_COUNT]; /* hash by text: asked for with another kind, or never learnt */
    size_t counts[PSEUDONYM_KIND_COUNT];
    size_t most_words; /* of what was learnt */
};

const char *pseudonym_kind_name(enum pseudonym_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        PSEUDONYM_KINDS(X)
#undef X
    };

    assert(kind < PSEUDONYM_KIND_COUNT);
    return names[kind];
}

/* --- the tables --------------------------------------------------------------------------------------------------- */

struct pseudonym_set *pseudonym_set_create(struct slice key)
{
    struct pseudonym_set *set = xcalloc(1, sizeof(*set));

    set->key = xmemdup(key.data, key.len);
    set->key_len = key.len;
    return set;
}

static void free_entries(struct entry **table)
{
    struct entry *entry, *next;

    HASH_ITER(hh, *table, entry, next)
    {
        HASH_DEL(*table, entry);
        free(entry->language);
        free(entry->made);
        free(entry->value);
        free(entry);
    }
}

void pseudonym_set_destroy(struct pseudonym_set *set)
{
    if (!set) {
        return;
    }
    free_entries(&set->learnt);
    for (int kind = 0; kind < PSEUDONYM_KIND_COUNT; kind++) {
        free_entries(&set->others[kind]);
    }
    explicit_bzero(set->key, set->key_len);
    free(set->key);
    free(set);
}

/* Addresses are the same in capitals and small letters, and with an '@' as URLs write it; nothing else is. */
static void fold_address(struct slice value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        if (slice_starts_with(slice_make(value.data + i, value.len - i), "%40")) {
            buf_append_char(out, '@');
            i += 2;
        } else {
            buf_append_char(out, (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
        }
    }
}

static bool is_foldable(struct slice value)
{
    return (memchr(value.data, '@', value.len) || memchr(value.data, '%', value.len)) && pseudonym_is_email(value);
}

static struct entry *find_entry(struct entry *table, struct slice value)
{
    struct entry *entry = NULL;
    struct buf folded;

    if (value.len == 0) {
        return NULL;
    }
    if (!is_foldable(value)) {
        HASH_FIND(hh, table, value.data, value.len, entry);
        return entry;
    }
    buf_init(&folded, 0);
    fold_address(value, &folded);
    HASH_FIND(hh, table, folded.data, folded.len, entry);
    buf_finish(&folded);
    return entry;
}

static struct entry *add_entry(struct entry **table, enum pseudonym_kind kind, struct slice value, const char *language)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));
    struct buf text;

    buf_init(&text, 0);
    if (is_foldable(value)) {
        fold_address(value, &text);
    } else {
        buf_append_slice(&text, value);
    }
    entry->value_len = text.len;
    entry->value = buf_take(&text);
    entry->kind = kind;
    entry->language = xstrdup(language);
    HASH_ADD_KEYPTR(hh, *table, entry->value, entry->value_len, entry);
    return entry;
}

/* What pseudonym_find.h asks of a table; without a set nothing is known. */
static bool is_learnt(const void *arg, struct slice value, enum pseudonym_kind *kind, struct slice *known)
{
    const struct pseudonym_set *set = arg;
    const struct entry *entry = set ? find_entry(set->learnt, value) : NULL;

    if (entry) {
        *kind = entry->kind;
        *known = slice_make(entry->value, entry->value_len);
    }
    return entry != NULL;
}

static void learn_one(struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value, const char *language)
{
    size_t words = pseudonym_count_words(value);

    if (words == 0 || find_entry(set->learnt, value)) {
        return;
    }
    add_entry(&set->learnt, kind, value, language);
    set->counts[kind]++;
    set->most_words = words > set->most_words ? words : set->most_words;
}

/* Without what is no word at both ends, as it is found in texts. */
static struct slice trim(struct slice value)
{
    struct slice word, trimmed = {value.data, 0};

    for (size_t at = 0; pseudonym_next_word(value, &at, &word);) {
        trimmed = trimmed.len ? slice_make(trimmed.data, (size_t)(word.data + word.len - trimmed.data)) : word;
    }
    return trimmed;
}

static bool is_trimmed(enum pseudonym_kind kind, struct slice value)
{
    return kind == PSEUDONYM_EMAIL || kind == PSEUDONYM_PHONE || trim(value).len == value.len;
}

/* Hungarians begin with the name of the family, others end with it. */
static enum pseudonym_kind kind_of_part(enum pseudonym_kind kind, size_t index, const char *language)
{
    bool is_family_first = language && strncmp(language, "hu", 2) == 0;

    return kind != PSEUDONYM_FULL_NAME       ? kind
           : (index == 0) != is_family_first ? PSEUDONYM_GIVEN_NAME
                                             : PSEUDONYM_FAMILY_NAME;
}

static bool is_name(enum pseudonym_kind kind)
{
    return kind == PSEUDONYM_GIVEN_NAME || kind == PSEUDONYM_FAMILY_NAME || kind == PSEUDONYM_FULL_NAME;
}

void pseudonym_set_learn(struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value, const char *language)
{
    struct slice part;
    size_t index = 0;

    learn_one(set, kind, value, language);
    if (!is_trimmed(kind, value)) {
        learn_one(set, kind, trim(value), language);
    }
    if (!is_name(kind) || pseudonym_count_words(value) < 2) {
        return;
    }
    for (size_t at = 0; pseudonym_next_word(value, &at, &part); index++) {
        if (pseudonym_is_telling(kind, part)) {
            learn_one(set, kind_of_part(kind, index, language), part, language);
        }
    }
}

size_t pseudonym_set_learn_addresses(struct pseudonym_set *set, struct slice text)
{
    const struct pseudonym_table nothing = {is_learnt, NULL, 0};
    struct pseudonym_hit hit;
    size_t count = 0;

    for (size_t at = 0; pseudonym_find_next(&nothing, text, at, &hit); at = hit.at + hit.value.len) {
        learn_one(set, hit.kind, hit.value, NULL);
        count++;
    }
    return count;
}

size_t pseudonym_set_count(const struct pseudonym_set *set, enum pseudonym_kind kind)
{
    return set->counts[kind];
}

/* --- making up ---------------------------------------------------------------------------------------------------- */

static void seed(const struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value, int attempt,
                 struct random *random)
{
    uint8_t digest[DIGEST_SIZE];
    struct buf message;
    uint64_t first;

    buf_init(&message, 0);
    buf_appendf(&message, "%s %d ", pseudonym_kind_name(kind), attempt);
    buf_append_slice(&message, value);
    digest_hmac_sha256(slice_make(set->key, set->key_len), buf_slice(&message), digest);
    buf_finish(&message);
    memcpy(&first, digest, sizeof(first));
    random_init(random, first);
}

static void make_part(struct pseudonym_set *set, struct entry *entry)
{
    struct slice value = slice_make(entry->value, entry->value_len);
    struct buf made;
    bool is_fine = false;

    buf_init(&made, 0);
    for (int attempt = 0; attempt < MOST_ATTEMPTS && !is_fine; attempt++) {
        struct random random;
        struct slice found;
        enum pseudonym_kind kind;

        buf_clear(&made);
        seed(set, entry->kind, value, attempt, &random);
        pseudonym_make(entry->kind, value, entry->language, &random, attempt, &made);
        is_fine = !pseudonym_set_find(set, buf_slice(&made), &found, &kind);
    }
    entry->made_len = made.len;
    entry->made = buf_take(&made);
}

/* Names of several parts: part by part, and what is between them stays. */
static void make_parts(struct pseudonym_set *set, struct entry *entry, struct slice value)
{
    struct slice part;
    struct buf made;
    size_t end = 0, index = 0;

    buf_init(&made, 0);
    for (size_t at = 0; pseudonym_next_word(value, &at, &part); index++) {
        const struct entry *known = find_entry(set->learnt, part);
        enum pseudonym_kind kind =
            known && is_name(known->kind) ? known->kind : kind_of_part(entry->kind, index, entry->language);

        buf_append(&made, value.data + end, (size_t)(part.data - value.data) - end);
        buf_append_slice(&made, pseudonym_set_get(set, kind, part, entry->language));
        end = (size_t)(part.data - value.data) + part.len;
    }
    buf_append(&made, value.data + end, value.len - end);
    entry->made_len = made.len;
    entry->made = buf_take(&made);
}

static void make_trimmed(struct pseudonym_set *set, struct entry *entry, struct slice value)
{
    struct slice inner = trim(value);
    struct buf made;

    buf_init(&made, 0);
    buf_append(&made, value.data, (size_t)(inner.data - value.data));
    buf_append_slice(&made, pseudonym_set_get(set, entry->kind, inner, entry->language));
    buf_append(&made, inner.data + inner.len, (size_t)(value.data + value.len - (inner.data + inner.len)));
    entry->made_len = made.len;
    entry->made = buf_take(&made);
}

struct slice pseudonym_set_get(struct pseudonym_set *set, enum pseudonym_kind kind, struct slice value,
                               const char *language)
{
    struct entry *entry = find_entry(set->learnt, value);

    if (pseudonym_count_words(value) == 0) {
        return value;
    }
    if (!entry || entry->kind != kind) {
        entry = find_entry(set->others[kind], value);
    }
    if (!entry) {
        entry = add_entry(&set->others[kind], kind, value, language);
    }
    if (!entry->made && !is_trimmed(kind, value)) {
        make_trimmed(set, entry, value);
    } else if (!entry->made && is_name(kind) && pseudonym_count_words(value) > 1) {
        make_parts(set, entry, value);
    } else if (!entry->made) {
        make_part(set, entry);
    }
    return slice_make(entry->made, entry->made_len);
}

/* --- in texts ----------------------------------------------------------------------------------------------------- */

bool pseudonym_set_find(const struct pseudonym_set *set, struct slice text, struct slice *found,
                        enum pseudonym_kind *kind)
{
    const struct pseudonym_table table = {is_learnt, set, set->most_words};
    struct pseudonym_hit hit;

    for (size_t at = 0; pseudonym_find_next(&table, text, at, &hit); at = hit.at + hit.value.len) {
        if (hit.is_learnt) {
            *found = hit.value;
            *kind = hit.kind;
            return true;
        }
    }
    return false;
}

/* In the URL of the text the '@' stays encoded. */
static void append_in_text(struct slice made, struct slice value, struct buf *out)
{
    const char *at_sign = memchr(made.data, '@', made.len);

    if (!at_sign || memchr(value.data, '@', value.len)) {
        buf_append_slice(out, made);
        return;
    }
    buf_append(out, made.data, (size_t)(at_sign - made.data));
    buf_append_text(out, "%40");
    buf_append(out, at_sign + 1, made.len - (size_t)(at_sign + 1 - made.data));
}

size_t pseudonym_set_replace(struct pseudonym_set *set, struct slice text, struct buf *out)
{
    const struct pseudonym_table table = {is_learnt, set, set->most_words};
    struct pseudonym_hit hit;
    size_t at = 0, count = 0;

    while (pseudonym_find_next(&table, text, at, &hit)) {
        buf_append(out, text.data + at, hit.at - at);
        append_in_text(pseudonym_set_get(set, hit.kind, hit.known, NULL), hit.value, out);
        at = hit.at + hit.value.len;
        count++;
    }
    buf_append(out, text.data + at, text.len - at);
    return count;
}
