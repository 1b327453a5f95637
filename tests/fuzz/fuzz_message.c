/*
 * Fuzzing of what an event's data becomes: the input is an event, and flows of type "n" are rendered for it, as e-mail and
 * SMS, in five languages, with every filter that messages have. The templates are the same in every run.
 *
 * Whatever the data: a message that may be sent (UTF-8, no line breaks or controls where there must be none, within its
 * limits, the same when it is made again) or a refusal with a reason and a place.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/catalog.h"
#include "core/message_render.h"
#include "core/policy.h"
#include "core/sms_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY                                                                                                           \
    "<style>p{color:red}</style><h1>{{ title }}</h1><p title=\"{{ title }}\">{{ 'hello' | t: name: member.first_name }}</p>" \
    "<a href=\"https://kert.example/?q={{ title | url_encode }}\">{{ 'left' | t: count: points }}</a>"                   \
    "<a href=\"{{ link }}\">{{ link }}</a><img src=\"https://kert.example/a.png\" alt=\"{{ title }}\">"                  \
    "<ul>{% for item in items limit: 9 %}<li>{{ item.name | default: '-' }} {{ item.cost | number }}</li>{% endfor %}</ul>" \
    "<table><tr><td>{{ price | money: currency }}</td><td>{{ points | number: 2 }}</td></tr></table>"                    \
    "<p>{{ until | local_date }} {{ until | local_date: \"full\" }} {{ until | time_left }} &euro;&#8364;&nbsp;</p>"
#define SMS "{{ member.first_name }}: {{ 'left' | t: count: points }} {{ price | money: currency }} {{ title }}"

static const char *const files[][2] = {
    {"_brands/default.yaml", "name: Kert\nsender: {name: Kert, email: hello@kert.example}\nsms_sender: Kert\n"
                             "url: https://kert.example\n"
                             "unsubscribe_url: \"https://kert.example/u?m={{ member.id | url_encode }}\"\n"},
    {"_layouts/email.liquid", "<html lang=\"{{ locale.language }}\" dir=\"{{ locale.dir }}\"><title>{{ subject }}</title>"
                              "<i>{{ preheader }}</i>{{ content }}<a href=\"{{ unsubscribe_url }}\">x</a></html>\n"},
    {"_layouts/email.text.liquid", "{{ content }}\n-- {{ brand.name }}\n"},
    {"_strings/en.yaml", "hello: \"Hello {name}\"\nleft:\n  one: \"{count} left\"\n  other: \"{count} left\"\n"},
    {"_strings/hu.yaml", "hello: \"Szia {name}\"\nleft:\n  one: \"{count} van\"\n  other: \"{count} van\"\n"},
    {"_strings/bg.yaml", "hello: \"Здравей {name}\"\nleft:\n  one: \"{count} точка\"\n  other: \"{count} точки\"\n"},
    {"_strings/ro.yaml", "hello: \"Salut {name}\"\nleft:\n  one: \"{count} punct\"\n  few: \"{count} puncte\"\n  other: \"{count} de puncte\"\n"},
    {"_strings/fa.yaml", "hello: \"سلام {name}\"\nleft:\n  one: \"{count} امتیاز\"\n  other: \"{count} امتیاز\"\n"},
    {"news/flow.yaml", "on: n\nclass: marketing\ndedupe: [member.id]\nchannels:\n  email: {}\n"
                       "  sms: {segments_max: 2, transliterate: true}\n"},
    {"news/email.en.liquid", "---\nsubject: \"{{ title }} for {{ member.first_name }}\"\npreheader: \"{{ title }}\"\n---\n" BODY},
    {"news/email.hu.liquid", "---\nsubject: \"{{ 'hello' | t: name: member.first_name }}\"\n---\n" BODY},
    {"news/email.bg.liquid", "---\nsubject: \"{{ points | number }}\"\n---\n" BODY},
    {"news/email.ro.liquid", "---\nsubject: \"{{ 'left' | t: count: points }}\"\n---\n" BODY},
    {"news/email.fa.liquid", "---\nsubject: \"{{ until | local_date: 'long' }}\"\n---\n" BODY},
    {"news/sms.en.liquid", SMS}, {"news/sms.hu.liquid", SMS}, {"news/sms.bg.liquid", SMS},
    {"news/sms.ro.liquid", SMS}, {"news/sms.fa.liquid", SMS},
};

static struct catalog *make_catalog(void)
{
    struct file_tree *tree = file_tree_create();
    struct diag_list diags;
    struct catalog *catalog;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        file_tree_add(tree, files[i][0], slice_of(files[i][1]));
    }
    diag_list_init(&diags);
    catalog = catalog_build(tree, &(struct catalog_options){"en"}, &diags);
    for (size_t i = 0; i < diags.count; i++) {
        fprintf(stderr, "%s:%d: %s\n", diags.items[i].file, diags.items[i].line, diags.items[i].message);
    }
    assert(catalog);
    diag_list_finish(&diags);
    file_tree_destroy(tree);
    return catalog;
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static bool is_one_line(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static void check_line(const char *text)
{
    assert(!text || (is_one_line(text) && utf8_is_valid(slice_of(text))));
}

static void check_message(const struct message *message, enum channel channel)
{
    assert(message->channel == channel && message->to && message->to[0] && message->text);
    check_line(message->to);
    check_line(message->to_name);
    check_line(message->subject);
    check_line(message->unsubscribe_url);
    assert(utf8_is_valid(slice_of(message->text)) && strlen(message->text) <= MESSAGE_MOST_BYTES);
    if (channel == CHANNEL_EMAIL) {
        assert(message->subject && message->subject[0] && message->html && utf8_is_valid(slice_of(message->html)));
        assert(strlen(message->html) <= MESSAGE_MOST_BYTES);
        assert(message->unsubscribe_url && strncmp(message->unsubscribe_url, "https://kert.example/", 21) == 0);
    } else {
        struct sms_size size = sms_measure(slice_of(message->text));

        assert(size.segments == message->segments && message->segments >= 1 && message->segments <= 2);
        assert(size.is_unicode == message->is_unicode);
    }
}

static void render(const struct catalog *catalog, const struct flow *flow, enum channel channel, const struct event *event,
                   const char *locale)
{
    struct message message, again;
    struct render_error error, same;

    if (!catalog_render(catalog, flow, channel, event, locale, &message, &error)) {
        assert(error.reason && error.reason[0] && error.text[0]);
        return;
    }
    check_message(&message, channel);
    if (!locale) {
        assert(catalog_render(catalog, flow, channel, event, locale, &again, &same));
        assert(strcmp(message.fingerprint, again.fingerprint) == 0);
        message_finish(&again);
    }
    message_finish(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const locales[] = {"en", "hu", "bg", "ro", "fa"};
    static struct catalog *catalog;
    const struct record record = {.topic = "t", .timestamp_ms = 1, .value = slice_make((const char *)data, size)};
    const char *reason = NULL;
    struct err err = {0};
    struct event event;

    if (!catalog) {
        catalog = make_catalog();
    }
    if (event_decode(&record, &event, &reason, &err)) {
        const struct flow *flow = catalog_flow(catalog, 0);
        const char *locale = locales[size % 5];

        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            if (policy_find_address((enum channel)channel, &event, &reason)) {
                render(catalog, flow, (enum channel)channel, &event, NULL);
                render(catalog, flow, (enum channel)channel, &event, locale);
            }
        }
    }
    event_finish(&event);
    return 0;
}
