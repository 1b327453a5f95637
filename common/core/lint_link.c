#include "core/lint_link.h"

#include <string.h>
#include <strings.h>

#include "core/html_source.h"

static bool starts_with(struct slice text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && strncasecmp(text.data, prefix, len) == 0;
}

static bool has_output(struct slice text)
{
    return memchr(text.data, HTML_SOURCE_OUTPUT, text.len) != NULL;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == ':' || (unsigned char)c >= 0x80 || c == HTML_SOURCE_OUTPUT;
}

/* "shop.example:443" */
static bool is_host(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_char(host.data[i]) || (host.data[i] == '.' && (i == 0 || host.data[i - 1] == '.'))) {
            return false;
        }
    }
    return host.len > 0 && (has_output(host) || (memchr(host.data, '.', host.len) && host.data[host.len - 1] != '.'));
}

static bool complain(struct lint_link_problem *problem, const char *message, const char *hint)
{
    *problem = (struct lint_link_problem){message, hint};
    return false;
}

static bool check_https(struct slice link, struct lint_link_problem *problem)
{
    struct slice rest = slice_make(link.data + strlen("https://"), link.len - strlen("https://"));
    size_t len = 0;

    while (len < rest.len && !memchr("/?#", rest.data[len], 3)) {
        len++;
    }
    if (!is_host(slice_make(rest.data, len))) {
        return complain(problem, "the link has no proper server name", "write it like https://shop.example/page");
    }
    for (size_t i = 0; i < link.len; i++) {
        if ((unsigned char)link.data[i] <= ' ' && link.data[i] != HTML_SOURCE_OUTPUT) {
            return complain(problem, "the link holds a blank", "take it out, or write %20");
        }
    }
    return true;
}

static bool check_mailto(struct slice link, struct lint_link_problem *problem)
{
    const char *at = memchr(link.data, '@', link.len);

    if (has_output(link) || (at && at > link.data + strlen("mailto:") && at + 1 < link.data + link.len)) {
        return true;
    }
    return complain(problem, "the link holds no e-mail address", "write it like mailto:help@shop.example");
}

static bool check_tel(struct slice link, struct lint_link_problem *problem)
{
    size_t digits = 0;

    for (size_t i = 0; i < link.len; i++) {
        digits += link.data[i] >= '0' && link.data[i] <= '9';
    }
    return digits >= 3 || has_output(link) ||
           complain(problem, "the link holds no phone number", "write it like tel:+3612345678");
}

bool lint_link_check(struct slice link, struct lint_link_problem *problem)
{
    static const char *const code[] = {"javascript:", "data:", "vbscript:", "file:", "blob:"};

    if (link.len == 0) {
        return complain(problem, "the link is empty", "write where it leads, or take it out");
    }
    if (link.data[0] == HTML_SOURCE_OUTPUT) {
        return true; /* known when a message is made */
    }
    if (link.data[0] == '#') {
        return complain(problem, "the link leads nowhere", "write a full address, https://...");
    }
    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        if (starts_with(link, code[i])) {
            return complain(problem, "the link holds code or data instead of an address",
                            "write a full address, https://...");
        }
    }
    if (starts_with(link, "http:")) {
        return complain(problem, "the link is not encrypted", "write https:// instead of http://");
    }
    if (starts_with(link, "https://")) {
        return check_https(link, problem);
    }
    if (starts_with(link, "mailto:")) {
        return check_mailto(link, problem);
    }
    if (starts_with(link, "tel:")) {
        return check_tel(link, problem);
    }
    return complain(problem, "the link is no full address", "write it with https:// in front");
}
