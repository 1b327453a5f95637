/* The gallery of tests/golden/render/templates: one good flow, one of class marketing, one that is broken. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/settings.h"
#include "workers/render/gallery.h"

struct fixture {
    char dir[64];
    char *page;
    json_t *data;
};

static char *read_file(const struct fixture *f, const char *name)
{
    char *path = xasprintf("%s/%s", f->dir, name);
    struct err err = {0};
    char *text = settings_read_file(path, 1 << 24, NULL, &err);

    if (!text) {
        fail_msg("%s", err.text);
    }
    free(path);
    return text;
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err err = {0};
    struct preview *preview = preview_open("tests/golden/render/templates", "en", &err);
    static const char mark[] = "id=\"data\">";
    char *start, *end;

    snprintf(f->dir, sizeof(f->dir), "/tmp/perkline-gallery-XXXXXX");
    if (!preview || !mkdtemp(f->dir) || !gallery_write(preview, f->dir, &err)) {
        return -1;
    }
    preview_close(preview);
    f->page = read_file(f, "index.html");
    start = strstr(f->page, mark) + strlen(mark);
    end = strstr(start, "</script>");
    f->data = json_loadb(start, (size_t)(end - start), 0, NULL);
    *state = f;
    return f->data ? 0 : -1;
}

static void remove_files(const char *dir)
{
    DIR *open = opendir(dir);
    struct dirent *entry;

    while (open && (entry = readdir(open))) {
        char *path = xasprintf("%s/%s", dir, entry->d_name);

        if (entry->d_name[0] != '.' && unlink(path) != 0) {
            remove_files(path);
        }
        free(path);
    }
    if (open) {
        closedir(open);
    }
    rmdir(dir);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    remove_files(f->dir);
    json_decref(f->data);
    free(f->page);
    free(f);
    return 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Borrowed; NULL when there is none. */
static const json_t *find(const struct fixture *f, const char *flow, const char *channel, const char *locale,
                          int sample)
{
    json_t *messages = json_object_get(f->data, "messages");

    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *m = json_array_get(messages, i);

        if (!strcmp(text_of(m, "flow"), flow) && !strcmp(text_of(m, "channel"), channel) &&
            !strcmp(text_of(m, "locale"), locale) && json_integer_value(json_object_get(m, "sample")) == sample) {
            return m;
        }
    }
    return NULL;
}

static void each_flow_channel_locale_and_sample_is_there(void **state)
{
    struct fixture *f = *state;
    static const char *const locales[] = {"en", "fa"};

    for (int sample = 0; sample < 4; sample++) {
        for (int i = 0; i < 2; i++) {
            assert_non_null(find(f, "order", "email", locales[i], sample));
            assert_non_null(find(f, "order", "sms", locales[i], sample));
            assert_int_equal(!find(f, "news", "email", locales[i], sample), sample == 3); /* it has three */
            assert_null(find(f, "news", "sms", locales[i], sample));
        }
    }
    assert_int_equal(json_array_size(json_object_get(f->data, "messages")), 4 * 2 * 2 + 3 * 2);
}

static void an_email_has_a_page_of_its_own_light_and_dark(void **state)
{
    struct fixture *f = *state;
    const json_t *message = find(f, "order", "email", "fa", 1);
    char *light_name = xasprintf("mail/%s.html", text_of(message, "mail"));
    char *dark_name = xasprintf("mail/%s.dark.html", text_of(message, "mail"));
    char *light = read_file(f, light_name), *dark = read_file(f, dark_name);

    assert_string_equal(text_of(message, "dir"), "rtl");
    assert_string_equal(text_of(message, "subject"), "سفارش A-8");
    assert_true(json_is_true(json_object_get(message, "speaks")));
    assert_non_null(strstr(light, "dir=\"rtl\""));
    assert_non_null(strstr(light, "@media (prefers-color-scheme: dark)"));
    assert_null(strstr(dark, "prefers-color-scheme"));
    assert_non_null(strstr(dark, "@media all"));
    free(light_name);
    free(dark_name);
    free(light);
    free(dark);
}

static void a_text_message_shows_what_it_costs(void **state)
{
    struct fixture *f = *state;
    const json_t *message = find(f, "order", "sms", "fa", 0);

    assert_int_equal(json_integer_value(json_object_get(message, "segments")), 1);
    assert_int_equal(json_integer_value(json_object_get(message, "units")), 9);
    assert_int_equal(json_integer_value(json_object_get(message, "units_max")), 70);
    assert_string_equal(text_of(message, "encoding"), "UCS-2");
}

static void what_cannot_be_rendered_shows_its_error(void **state)
{
    struct fixture *f = *state;
    const json_t *broken = json_array_get(json_object_get(f->data, "flows"), 0);

    assert_string_equal(text_of(broken, "name"), "broken");
    assert_int_equal(json_array_size(json_object_get(broken, "errors")), 2);
    assert_non_null(strstr(text_of(find(f, "news", "email", "en", 1), "error"), "news/email.en.liquid:4:34"));
    assert_non_null(strstr(text_of(find(f, "order", "sms", "en", 3), "error"), "the flow allows 1"));
    assert_string_equal(text_of(find(f, "order", "sms", "en", 0), "error"), "");
}

static void what_would_not_be_sent_says_why(void **state)
{
    struct fixture *f = *state;

    assert_non_null(strstr(text_of(find(f, "order", "email", "en", 2), "not_sent"), "condition"));
    assert_non_null(strstr(text_of(find(f, "news", "email", "en", 2), "not_sent"), "no_marketing_consent"));
    assert_string_equal(text_of(find(f, "news", "email", "fa", 0), "falls_back_to"), "en");
}

/* Nothing is loaded from elsewhere, and data cannot end the script element that holds it. */
static void the_page_stands_alone(void **state)
{
    struct fixture *f = *state;
    static const char *const words[] = {"src=\"http", "href=\"http", "@import", "url(", "fetch(", NULL};
    const char *data = strstr(f->page, "id=\"data\">") + 10;
    size_t data_len = strcspn(data, "<");

    for (size_t i = 0; words[i]; i++) {
        assert_null(strstr(f->page, words[i]));
    }
    assert_int_equal(strncmp(data + data_len, "</script>", 9), 0);
    assert_true(data_len > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flow_channel_locale_and_sample_is_there),
        cmocka_unit_test(an_email_has_a_page_of_its_own_light_and_dark),
        cmocka_unit_test(a_text_message_shows_what_it_costs),
        cmocka_unit_test(what_cannot_be_rendered_shows_its_error),
        cmocka_unit_test(what_would_not_be_sent_says_why),
        cmocka_unit_test(the_page_stands_alone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
