/*
 * Fuzzing of what people chose, as it stands in Redis: the list of pauses, and the pin of the templates. Both are read from
 * the same bytes; what is taken reads back as it was written.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/pause.h"
#include "run/template_pin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pause(const struct pause_list *list, const struct pause *pause)
{
    assert((unsigned)pause->scope < PAUSE_SCOPE_COUNT && pause->since_ms >= 0);
    assert((pause->scope == PAUSE_ALL) == (pause->name[0] == '\0'));
    assert(pause_text_is_fit(slice_of(pause->by), sizeof(pause->by)));
    assert(pause_text_is_fit(slice_of(pause->reason), sizeof(pause->reason)));
    assert(pause_list_find(list, pause->scope, pause->name) == pause);
}

static void check_pauses(const struct pause_list *list)
{
    struct pause_list again;
    struct err err = {0};
    struct buf text;

    assert(list->serial >= 0 && list->count <= PAUSE_MOST);
    for (size_t i = 0; i < list->count; i++) {
        check_pause(list, &list->items[i]);
    }
    buf_init(&text, 0);
    pause_list_format(list, &text);
    assert(pause_list_parse(buf_slice(&text), &again, &err));
    assert(again.serial == list->serial && again.count == list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct pause *a = &list->items[i], *b = &again.items[i];

        assert(a->scope == b->scope && a->since_ms == b->since_ms && strcmp(a->name, b->name) == 0 &&
               strcmp(a->by, b->by) == 0 && strcmp(a->reason, b->reason) == 0);
    }
    while (again.count) {
        struct pause first = again.items[0];

        assert(pause_list_remove(&again, first.scope, first.name));
        assert(!pause_list_remove(&again, first.scope, first.name));
    }
    buf_finish(&text);
}

static void check_pin(const struct template_pin *pin)
{
    struct template_pin again;
    struct buf text, second;

    assert(pin->serial >= 1 && template_version_is_valid(slice_of(pin->version)) && pin->count <= TEMPLATE_PIN_MOST);
    for (size_t i = 0; i < pin->count; i++) {
        assert(template_version_is_valid(slice_of(pin->instead_of[i])) && template_pin_replaces(pin, pin->instead_of[i]));
    }
    buf_init(&text, 0);
    buf_init(&second, 0);
    template_pin_format(pin, &text);
    assert(template_pin_parse(buf_slice(&text), &again));
    assert(again.serial == pin->serial && again.count == pin->count);
    template_pin_format(&again, &second);
    assert(slice_equal(buf_slice(&text), buf_slice(&second)));
    buf_finish(&text);
    buf_finish(&second);
}

/* One more choice on top of what was read. */
static void choose(struct template_pin pin)
{
    int64_t serial = pin.serial;

    template_pin_add(&pin, "0123456789abcdef");
    template_pin_add(&pin, "0123456789abcde0");
    assert(pin.count <= TEMPLATE_PIN_MOST && template_pin_replaces(&pin, "0123456789abcde0"));
    if (serial < INT64_MAX) {
        template_pin_choose(&pin, "0123456789abcde0");
        assert(pin.serial == serial + 1 && strcmp(pin.version, "0123456789abcde0") == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    static struct pause_list list;
    struct template_pin pin;
    struct err err = {0};

    if (pause_list_parse(text, &list, &err)) {
        check_pauses(&list);
    } else {
        assert(err_is_set(&err));
    }
    if (template_pin_parse(text, &pin)) {
        check_pin(&pin);
        choose(pin);
    } else {
        assert(pin.serial == 0 && pin.count == 0);
    }
    return 0;
}
