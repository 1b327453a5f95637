#include "run/template_pin.h"

#include <inttypes.h>
#include <string.h>

#include "base/number.h"

void template_pin_format(const struct template_pin *pin, struct buf *out)
{
    if (pin->serial == 0) {
        return;
    }
    buf_appendf(out, "%" PRId64 " %s ", pin->serial, pin->version);
    for (size_t i = 0; i < pin->count; i++) {
        buf_appendf(out, "%s%s", i ? "," : "", pin->instead_of[i]);
    }
}

bool template_version_is_valid(struct slice text)
{
    if (text.len != VERSION_TEXT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!memchr("0123456789abcdef", text.data[i], 16)) {
            return false;
        }
    }
    return true;
}

/* Takes what stands before `end`, or the rest. */
static struct slice take_word(struct slice *rest, char end)
{
    const char *found = rest->len ? memchr(rest->data, end, rest->len) : NULL;
    size_t len = found ? (size_t)(found - rest->data) : rest->len;
    struct slice word = slice_make(rest->data, len);
    size_t used = found ? len + 1 : len;

    *rest = slice_make(rest->data + used, rest->len - used);
    return word;
}

static bool copy_version(struct slice word, char version[VERSION_TEXT_SIZE])
{
    if (!template_version_is_valid(word)) {
        return false;
    }
    memcpy(version, word.data, word.len);
    version[word.len] = '\0';
    return true;
}

static bool parse(struct slice text, struct template_pin *pin)
{
    if (!number_parse(take_word(&text, ' '), &pin->serial) || pin->serial < 1 ||
        !copy_version(take_word(&text, ' '), pin->version)) {
        return false;
    }
    while (text.len) {
        if (pin->count == TEMPLATE_PIN_MOST || !copy_version(take_word(&text, ','), pin->instead_of[pin->count])) {
            return false;
        }
        pin->count++;
    }
    return true;
}

bool template_pin_parse(struct slice text, struct template_pin *pin)
{
    *pin = (struct template_pin){0};
    if (parse(text, pin)) {
        return true;
    }
    *pin = (struct template_pin){0};
    return false;
}

static size_t find(const struct template_pin *pin, const char *version)
{
    size_t i = 0;

    while (i < pin->count && strcmp(pin->instead_of[i], version) != 0) {
        i++;
    }
    return i;
}

bool template_pin_replaces(const struct template_pin *pin, const char *version)
{
    return find(pin, version) < pin->count;
}

static void remove_at(struct template_pin *pin, size_t at)
{
    memmove(pin->instead_of[at], pin->instead_of[at + 1], (pin->count - at - 1) * sizeof(pin->instead_of[0]));
    pin->count--;
}

void template_pin_add(struct template_pin *pin, const char *version)
{
    if (template_pin_replaces(pin, version)) {
        return;
    }
    if (pin->count == TEMPLATE_PIN_MOST) {
        remove_at(pin, 0);
    }
    copy_version(slice_of(version), pin->instead_of[pin->count++]);
}

void template_pin_choose(struct template_pin *pin, const char *version)
{
    size_t at = find(pin, version);

    if (at < pin->count) {
        remove_at(pin, at);
    }
    copy_version(slice_of(version), pin->version);
    pin->serial++;
}
