#include "core/brand.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "core/yaml.h"

enum { ADDRESS_MOST = 254, SENDER_LETTERS_MOST = 11, SENDER_DIGITS_MOST = 15 };

struct loader {
    const char *path;
    struct yaml *yaml;
    struct diag_list *diags;
};

/* Keys that mean something to the program; templates may read any others. */
static const char *const known_keys[] = {
    "name",   "sender",  "reply_to",        "sms_sender",      "domain",        "url", "logo",
    "colors", "address", "unsubscribe_url", "preferences_url", "support_email", NULL,
};

static void complain(const struct loader *loader, enum diag_severity severity, const char *key, const char *hint,
                     const char *message)
{
    int line, column;

    yaml_find_place(loader->yaml, key, &line, &column);
    diag_add(loader->diags, severity, loader->path, line, column, hint, "'%s' %s", key, message);
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* A plausible address for a header: one '@' with something around it, no blanks, brackets or control characters. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');

    return at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " <>,;\"\\") && !has_control(text) &&
           strlen(text) <= ADDRESS_MOST;
}

/* Up to 11 letters and digits, or a number in the form of E.164. */
static bool is_sms_sender(const char *text)
{
    size_t len = strlen(text);
    size_t digits = strspn(text + (*text == '+'), "0123456789");

    if (*text == '+' || digits == len) {
        return digits >= 3 && digits <= SENDER_DIGITS_MOST && digits + (*text == '+') == len;
    }
    return len > 0 && len <= SENDER_LETTERS_MOST &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_&.") == len;
}

static json_t *find(json_t *root, const char *dotted)
{
    const char *dot = strchr(dotted, '.');
    json_t *value = dot ? json_object_getn(root, dotted, (size_t)(dot - dotted)) : json_object_get(root, dotted);

    return dot ? json_object_get(value, dot + 1) : value;
}

/* The text at a key that may be absent; NULL, with an error, when it is something else or not well-formed. */
static const char *take_text(const struct loader *loader, const char *key, bool (*is_good)(const char *),
                             const char *expected)
{
    json_t *value = find(yaml_root(loader->yaml), key);
    const char *text = json_string_value(value);

    if (!value) {
        return NULL;
    }
    if (!text || !is_good(text)) {
        complain(loader, DIAG_ERROR, key, NULL, expected);
        return NULL;
    }
    return text;
}

static bool is_name(const char *text)
{
    return *text && !has_control(text);
}

static bool is_https(const char *text)
{
    return strncmp(text, "https://", 8) == 0 && text[8] && !has_control(text);
}

static struct liquid_template *take_url_template(const struct loader *loader, const char *key)
{
    static const struct liquid_options options = {.is_strict = true};
    const char *text = take_text(loader, key, is_https, "must be an address that starts with https://");
    int line, column;

    if (!text) {
        return NULL;
    }
    yaml_find_place(loader->yaml, key, &line, &column);
    return liquid_compile(loader->path, slice_of(text), line, &options, loader->diags);
}

static void check_keys(const struct loader *loader)
{
    const char *key;
    json_t *value;

    json_object_foreach(yaml_root(loader->yaml), key, value)
    {
        const char *meant = nearest_find(key, known_keys);

        if (meant && strcmp(meant, key) != 0) {
            char *hint = xasprintf("did you mean '%s'?", meant);

            complain(loader, DIAG_WARNING, key, hint, "is no key that the program knows");
            free(hint);
        }
    }
}

static void fill(struct brand *brand, const struct loader *loader)
{
    static const char expected_address[] = "must be an e-mail address";
    json_t *root = yaml_root(loader->yaml);
    json_t *sender = json_object_get(root, "sender");

    if (sender && !json_is_object(sender)) {
        complain(loader, DIAG_ERROR, "sender", NULL, "must be a map with name and email");
    }
    take_text(loader, "name", is_name, "must be a text on one line");
    brand->sender_name = take_text(loader, "sender.name", is_name, "must be a text on one line");
    brand->sender_email = take_text(loader, "sender.email", is_address, expected_address);
    brand->reply_to = take_text(loader, "reply_to", is_address, expected_address);
    brand->sms_sender = take_text(loader, "sms_sender", is_sms_sender,
                                  "must be at most 11 letters and digits, or a number like +36301234567");
    take_text(loader, "support_email", is_address, expected_address);
    brand->unsubscribe_url = take_url_template(loader, "unsubscribe_url");
    brand->json = json_copy(root);
    json_object_del(brand->json, "unsubscribe_url");
}

struct brand *brand_parse(const char *name, const char *path, struct slice text, struct diag_list *diags)
{
    struct loader loader = {path, yaml_parse(path, text, 1, diags), diags};
    size_t errors_before = diags->error_count;
    struct brand *brand;

    if (!loader.yaml) {
        return NULL;
    }
    brand = xcalloc(1, sizeof(*brand));
    brand->name = xstrdup(name);
    check_keys(&loader);
    fill(brand, &loader);
    yaml_destroy(loader.yaml);
    if (diags->error_count > errors_before) {
        brand_destroy(brand);
        return NULL;
    }
    return brand;
}

struct brand *brand_create_empty(const char *name)
{
    struct brand *brand = xcalloc(1, sizeof(*brand));

    brand->name = xstrdup(name);
    brand->json = json_object();
    return brand;
}

void brand_destroy(struct brand *brand)
{
    if (!brand) {
        return;
    }
    liquid_destroy(brand->unsubscribe_url);
    json_decref(brand->json);
    free(brand->name);
    free(brand);
}
