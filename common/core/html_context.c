#include "core/html_context.h"

#include <string.h>
#include <strings.h>

enum phase {
    PHASE_TEXT,
    PHASE_TAG_NAME,  /* behind "<" */
    PHASE_IN_TAG,    /* between attributes */
    PHASE_ATTRIBUTE, /* in an attribute's name, or behind it */
    PHASE_BEFORE_VALUE,
    PHASE_DOUBLE_QUOTED,
    PHASE_SINGLE_QUOTED,
    PHASE_UNQUOTED,
    PHASE_COMMENT,
    PHASE_DECLARATION, /* <!doctype ...>, <![endif]-->, </name> */
    PHASE_STYLE,       /* text of the element */
    PHASE_SCRIPT,
};

/* What an attribute's value is. */
enum attribute { ATTRIBUTE_OTHER, ATTRIBUTE_LINK, ATTRIBUTE_CODE };
enum element { ELEMENT_OTHER, ELEMENT_STYLE, ELEMENT_SCRIPT };

enum { NAME_MOST = 16 };

/* The state as Liquid carries it: eight bits each. */
struct context {
    enum phase phase;
    enum attribute attribute;
    enum element element;
    bool is_begun; /* the value has literal characters */
};

static struct context unpack(uint32_t state)
{
    return (struct context){
        .phase = (enum phase)(state & 0xff),
        .attribute = (enum attribute)(state >> 8 & 0xff),
        .element = (enum element)(state >> 16 & 0xff),
        .is_begun = state >> 24,
    };
}

static uint32_t pack(const struct context *context)
{
    return (uint32_t)context->phase | (uint32_t)context->attribute << 8 | (uint32_t)context->element << 16 |
           (uint32_t)context->is_begun << 24;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool is_name(struct slice name, const char *word)
{
    return name.len == strlen(word) && strncasecmp(name.data, word, name.len) == 0;
}

bool html_context_is_link_attribute(struct slice name)
{
    static const char *const names[] = {"href", "src",  "action",   "formaction", "background", "poster",
                                        "cite", "data", "longdesc", "xlink:href", NULL};

    for (size_t i = 0; names[i]; i++) {
        if (is_name(name, names[i])) {
            return true;
        }
    }
    return false;
}

static enum attribute attribute_of(struct slice name)
{
    if (html_context_is_link_attribute(name)) {
        return ATTRIBUTE_LINK;
    }
    return name.len > 2 && strncasecmp(name.data, "on", 2) == 0 ? ATTRIBUTE_CODE : ATTRIBUTE_OTHER;
}

static enum element element_of(struct slice name)
{
    return is_name(name, "style") ? ELEMENT_STYLE : is_name(name, "script") ? ELEMENT_SCRIPT : ELEMENT_OTHER;
}

/* --- one literal -------------------------------------------------------------------------------------------------- */

/* Each takes the text from `at` on and returns where it stopped, always further on. */

static size_t find(struct slice text, size_t at, const char *what)
{
    const char *found = memmem(text.data + at, text.len - at, what, strlen(what));

    return found ? (size_t)(found - text.data) : text.len;
}

static size_t skip(struct slice text, size_t at, const char *what)
{
    size_t found = find(text, at, what);

    return found < text.len ? found + strlen(what) : text.len;
}

static bool has_prefix(struct slice text, size_t at, const char *prefix)
{
    return slice_starts_with(slice_make(text.data + at, text.len - at), prefix);
}

/* `at` is at "<". */
static size_t read_open(struct context *context, struct slice text, size_t at)
{
    if (has_prefix(text, at, "<!--[if")) {
        return skip(text, at, "]>");
    }
    if (has_prefix(text, at, "<!-->")) {
        return at + 5;
    }
    if (has_prefix(text, at, "<!--")) {
        context->phase = PHASE_COMMENT;
        return at + 4;
    }
    if (at + 1 < text.len && !is_letter(text.data[at + 1])) {
        context->phase = memchr("!?/", text.data[at + 1], 3) ? PHASE_DECLARATION : PHASE_TEXT;
        return at + 1;
    }
    context->phase = PHASE_TAG_NAME;
    context->element = ELEMENT_OTHER;
    return at + 1;
}

static size_t read_text(struct context *context, struct slice text, size_t at)
{
    size_t open = find(text, at, "<");

    return open < text.len ? read_open(context, text, open) : text.len;
}

static size_t name_end(struct slice text, size_t at)
{
    while (at < text.len && !is_blank(text.data[at]) && !memchr(">/=", text.data[at], 3)) {
        at++;
    }
    return at;
}

static size_t read_tag_name(struct context *context, struct slice text, size_t at)
{
    size_t end = name_end(text, at);

    context->element = element_of(slice_make(text.data + at, end - at));
    if (end < text.len) {
        context->phase = PHASE_IN_TAG;
    }
    return end;
}

static size_t read_tag_end(struct context *context, size_t at)
{
    context->phase = context->element == ELEMENT_STYLE    ? PHASE_STYLE
                     : context->element == ELEMENT_SCRIPT ? PHASE_SCRIPT
                                                          : PHASE_TEXT;
    return at + 1;
}

static size_t read_in_tag(struct context *context, struct slice text, size_t at)
{
    size_t end;

    if (text.data[at] == '>') {
        return read_tag_end(context, at);
    }
    if (is_blank(text.data[at]) || text.data[at] == '/' || text.data[at] == '=') {
        return at + 1;
    }
    end = name_end(text, at);
    context->phase = PHASE_ATTRIBUTE;
    context->attribute = attribute_of(slice_make(text.data + at, end - at));
    return end;
}

static size_t read_attribute(struct context *context, struct slice text, size_t at)
{
    if (is_blank(text.data[at])) {
        return at + 1;
    }
    if (text.data[at] == '=') {
        context->phase = PHASE_BEFORE_VALUE;
        return at + 1;
    }
    context->phase = PHASE_IN_TAG;
    return at;
}

static size_t read_before_value(struct context *context, struct slice text, size_t at)
{
    context->is_begun = false;
    if (is_blank(text.data[at])) {
        return at + 1;
    }
    if (text.data[at] == '"' || text.data[at] == '\'') {
        context->phase = text.data[at] == '"' ? PHASE_DOUBLE_QUOTED : PHASE_SINGLE_QUOTED;
        return at + 1;
    }
    context->phase = text.data[at] == '>' ? PHASE_IN_TAG : PHASE_UNQUOTED;
    return at;
}

static size_t read_quoted(struct context *context, struct slice text, size_t at)
{
    size_t end = find(text, at, context->phase == PHASE_DOUBLE_QUOTED ? "\"" : "'");

    context->is_begun |= end > at;
    if (end == text.len) {
        return end;
    }
    context->phase = PHASE_IN_TAG;
    context->is_begun = false;
    return end + 1;
}

static size_t read_unquoted(struct context *context, struct slice text, size_t at)
{
    while (at < text.len && !is_blank(text.data[at]) && text.data[at] != '>') {
        at++;
    }
    if (at < text.len) {
        context->phase = PHASE_IN_TAG;
    }
    return at;
}

/* Up to `end`, from where ordinary text goes on. */
static size_t read_until(struct context *context, struct slice text, size_t at, const char *end)
{
    size_t stop = skip(text, at, end);

    if (find(text, at, end) < text.len) {
        context->phase = PHASE_TEXT;
    }
    return stop;
}

static size_t read_raw_element(struct context *context, struct slice text, size_t at, const char *end)
{
    size_t close = find(text, at, end);

    if (close < text.len) {
        context->phase = PHASE_DECLARATION;
    }
    return close;
}

static size_t read_on(struct context *context, struct slice text, size_t at)
{
    switch (context->phase) {
    case PHASE_TEXT:
        return read_text(context, text, at);
    case PHASE_TAG_NAME:
        return read_tag_name(context, text, at);
    case PHASE_IN_TAG:
        return read_in_tag(context, text, at);
    case PHASE_ATTRIBUTE:
        return read_attribute(context, text, at);
    case PHASE_BEFORE_VALUE:
        return read_before_value(context, text, at);
    case PHASE_DOUBLE_QUOTED:
    case PHASE_SINGLE_QUOTED:
        return read_quoted(context, text, at);
    case PHASE_UNQUOTED:
        return read_unquoted(context, text, at);
    case PHASE_COMMENT:
        return read_until(context, text, at, "-->");
    case PHASE_DECLARATION:
        return read_until(context, text, at, ">");
    case PHASE_STYLE:
        return read_raw_element(context, text, at, "</style");
    case PHASE_SCRIPT:
        return read_raw_element(context, text, at, "</script");
    }
    return text.len;
}

static uint32_t advance(uint32_t state, struct slice literal)
{
    struct context context = unpack(state);
    size_t at = 0;

    while (at < literal.len) {
        at = read_on(&context, literal, at);
    }
    return pack(&context);
}

/* Where branches differ, the value of a link counts as not begun: then what is printed next is checked. */
static uint32_t join(uint32_t left, uint32_t right)
{
    struct context context = unpack(left);

    context.is_begun = context.is_begun && unpack(right).is_begun;
    return pack(&context);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static bool is_quoted(const struct context *context)
{
    return context->phase == PHASE_DOUBLE_QUOTED || context->phase == PHASE_SINGLE_QUOTED;
}

static const char *refuse(uint32_t state, const char **hint)
{
    struct context context = unpack(state);

    switch (context.phase) {
    case PHASE_BEFORE_VALUE:
    case PHASE_UNQUOTED:
        *hint = "put quotes around the attribute's value";
        return "a value is printed into an attribute without quotes";
    case PHASE_TAG_NAME:
    case PHASE_IN_TAG:
    case PHASE_ATTRIBUTE:
        *hint = "print values between tags or inside a quoted attribute only";
        return "a value is printed into the middle of an HTML tag";
    case PHASE_SCRIPT:
        *hint = "mail programs run no scripts; take the element out";
        return "a value is printed into a script";
    default:
        break;
    }
    if (is_quoted(&context) && context.attribute == ATTRIBUTE_CODE) {
        *hint = "mail programs run no scripts; take the attribute out";
        return "a value is printed into a script";
    }
    return NULL;
}

static bool is_link_start(uint32_t state)
{
    struct context context = unpack(state);

    return is_quoted(&context) && context.attribute == ATTRIBUTE_LINK && !context.is_begun;
}

bool html_context_is_link(struct slice value)
{
    static const char *const starts[] = {"https://", "mailto:", "tel:"};

    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.data[i] <= ' ' || value.data[i] == 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t len = strlen(starts[i]);

        if (value.len > len && strncasecmp(value.data, starts[i], len) == 0) {
            return true;
        }
    }
    return false;
}

const struct liquid_surroundings html_context_surroundings = {
    .advance = advance,
    .join = join,
    .refuse = refuse,
    .is_checked = is_link_start,
    .is_allowed = html_context_is_link,
    .complaint = "no link that may be sent: it must begin with https://, mailto: or tel: and hold no blanks",
};
