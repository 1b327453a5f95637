/*
 * catalog_fixture: folders of templates from texts, and one that is good. Included by the tests of core/catalog.h.
 */
#ifndef TESTS_CATALOG_FIXTURE_H
#define TESTS_CATALOG_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "core/catalog.h"

/* A folder of templates written as one text: "=== path" begins a file. */
static inline struct file_tree *make_tree(const char *const texts[], size_t count)
{
    struct file_tree *tree = file_tree_create();

    for (size_t i = 0; i < count; i++) {
        const char *at = texts[i];

        while (at && *at) {
            const char *path = at + strlen("=== ");
            const char *body = strchr(path, '\n') + 1;
            const char *next = strstr(body, "\n=== ");
            char name[128];

            assert_true(strncmp(at, "=== ", 4) == 0);
            snprintf(name, sizeof(name), "%.*s", (int)(body - path - 1), path);
            file_tree_add(tree, name, slice_make(body, next ? (size_t)(next + 1 - body) : strlen(body)));
            at = next ? next + 1 : NULL;
        }
    }
    return tree;
}

static inline struct catalog *build(const char *const texts[], size_t count, struct diag_list *diags)
{
    struct file_tree *tree = make_tree(texts, count);
    struct catalog *catalog = catalog_build(tree, &(struct catalog_options){"en"}, diags);

    file_tree_destroy(tree);
    return catalog;
}

/* A small folder in which nothing is wrong. */
static const char good[] =
    "=== README.md\nFor people.\n"
    "=== _brands/default.yaml\n"
    "name: Piros Kert\nsender: {name: Piros Kert, email: hello@kert.example}\nreply_to: help@kert.example\n"
    "sms_sender: PirosKert\nurl: https://kert.example\n"
    "unsubscribe_url: \"https://kert.example/u?m={{ member.id | url_encode }}\"\n"
    "=== _brands/owl.yaml\nname: Owl\nsender: {name: Owl Club, email: owl@owl.example}\n"
    "=== _layouts/email.liquid\n"
    "<html lang=\"{{ locale.language }}\" dir=\"{{ locale.dir }}\"><title>{{ subject }}</title>"
    "<i>{{ preheader }}</i>{{ content }}{% if unsubscribe_url %}<a href=\"{{ unsubscribe_url }}\">x</a>{% endif %}"
    "<b>{{ brand.name }}</b></html>\n"
    "=== _layouts/email.text.liquid\n{{ content }}\n-- {{ brand.name }}\n"
    "=== _partials/hello.liquid\n<p>{{ 'hello' | t: name: member.first_name }}</p>\n"
    "=== _strings/en.yaml\n"
    "hello: \"Hello {name}\"\npoints:\n  left:\n    one: \"{count} point left\"\n    other: \"{count} points left\"\n"
    "=== _strings/hu.yaml\n"
    "hello: \"Szia {name}\"\npoints:\n  left:\n    one: \"{count} pontod van\"\n    other: \"{count} pontod van\"\n"
    "=== news/flow.yaml\n"
    "on: loyalty.news\nclass: marketing\ndedupe: [member.id]\nchannels:\n  email: {}\n"
    "  sms: {segments_max: 1, transliterate: true}\n"
    "=== news/email.en.liquid\n"
    "---\nsubject: \"{{ 'points.left' | t: count: points }} for {{ member.first_name }}\"\npreheader: \"Soon & "
    "now\"\n---\n"
    "{% include 'hello' %}<p>{{ points | number }} until {{ until | local_date: \"long\" }}</p>\n"
    "=== news/email.hu.liquid\n"
    "---\nsubject: \"{{ 'points.left' | t: count: points }}\"\n---\n{% include 'hello' %}<p>{{ points | number "
    "}}</p>\n"
    "=== news/sms.en.liquid\n  {{ member.first_name }}: {{ 'points.left' | t: count: points }}. {{ more | default: "
    "\"\" }}\n\n"
    "=== news/sms.hu.liquid\n{{ 'points.left' | t: count: points }}. {{ more | default: \"\" }}\n"
    "=== news/samples/one.json\n"
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
    "t\",\"type\":\"loyalty.news\",\"data\":{\"member\":{\"id\":\"42\"}}}\n";

#endif
