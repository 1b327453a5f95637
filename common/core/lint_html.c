#include "core/lint_html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/html_context.h"
#include "core/html_source.h"
#include "core/lint_link.h"

enum { MESSAGE_SIZE = 256, MOST_SHOWN = 40 };

/* --- one tag ------------------------------------------------------------------------------------------------------ */

static struct slice trim(struct slice text)
{
    while (text.len && strchr(" \t\r\n", text.data[0])) {
        text = slice_make(text.data + 1, text.len - 1);
    }
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

static void check_link(const struct html_attribute *attribute, lint_html_fn fn, void *arg)
{
    struct lint_link_problem problem;
    char message[MESSAGE_SIZE];
    struct buf value;

    buf_init(&value, 0);
    html_source_clean(attribute->value, &value);
    if (!lint_link_check(trim(buf_slice(&value)), &problem)) {
        snprintf(message, sizeof(message), "%.*s: %s", (int)attribute->name.len, attribute->name.data, problem.message);
        fn(arg, attribute->at, problem.hint, message);
    }
    buf_finish(&value);
}

static void check_attributes(const struct html_tag *tag, lint_html_fn fn, void *arg)
{
    for (size_t i = 0; i < tag->attribute_count; i++) {
        const struct html_attribute *attribute = &tag->attributes[i];

        if (html_context_is_link_attribute(attribute->name)) {
            check_link(attribute, fn, arg);
        }
    }
}

void lint_html_check_tag(const struct html_tag *tag, lint_html_fn fn, void *arg)
{
    if (tag->is_closing) {
        return;
    }
    check_attributes(tag, fn, arg);
    if (html_tag_is(tag, "img")) {
        if (!html_tag_find(tag, "alt")) {
            fn(arg, tag->at, "add alt=\"...\": what the picture shows; alt=\"\" for mere decoration",
               "the picture has no alt text");
        }
        if (!html_tag_find(tag, "src")) {
            fn(arg, tag->at, "add src=\"https://...\"", "the picture has no address");
        }
    }
    if (html_tag_is(tag, "a") && !html_tag_find(tag, "href") && !html_tag_find(tag, "name") &&
        !html_tag_find(tag, "id")) {
        fn(arg, tag->at, "add href=\"https://...\"", "the link leads nowhere");
    }
}

/* --- all tags ----------------------------------------------------------------------------------------------------- */

struct open_tag {
    struct slice name;
    size_t at;
};

struct stack {
    struct open_tag *items;
    size_t count, cap;
};

static bool is_same_name(struct slice left, struct slice right)
{
    return left.len == right.len && strncasecmp(left.data, right.data, left.len) == 0;
}

static void push(struct stack *stack, const struct html_tag *tag)
{
    if (stack->count == stack->cap) {
        stack->cap = stack->cap ? 2 * stack->cap : 64;
        stack->items = xreallocarray(stack->items, stack->cap, sizeof(*stack->items));
    }
    stack->items[stack->count++] = (struct open_tag){tag->name, tag->at};
}

static bool is_barrier(struct slice name)
{
    return is_same_name(name, SLICE(LINT_HTML_BODY));
}

static int shown(struct slice name)
{
    return (int)(name.len < MOST_SHOWN ? name.len : MOST_SHOWN);
}

static void complain_open(const struct open_tag *open, lint_html_fn fn, void *arg)
{
    char message[MESSAGE_SIZE], hint[MESSAGE_SIZE];

    snprintf(message, sizeof(message), "<%.*s> is not closed", shown(open->name), open->name.data);
    snprintf(hint, sizeof(hint), "write </%.*s> where it ends", shown(open->name), open->name.data);
    fn(arg, open->at, hint, message);
}

/* Closes the innermost element of that name; those inside it were left open. */
static void close_tag(struct stack *stack, const struct html_tag *tag, lint_html_fn fn, void *arg)
{
    char message[MESSAGE_SIZE];
    size_t depth = stack->count;

    while (depth > 0 && !is_same_name(stack->items[depth - 1].name, tag->name)) {
        if (is_barrier(stack->items[depth - 1].name)) {
            depth = 0;
            break;
        }
        depth--;
    }
    if (depth == 0) {
        snprintf(message, sizeof(message), "</%.*s> closes nothing that is open", shown(tag->name), tag->name.data);
        fn(arg, tag->at, "take it out, or open the element", message);
        return;
    }
    while (stack->count > depth) {
        complain_open(&stack->items[--stack->count], fn, arg);
    }
    stack->count--;
}

void lint_html_check_balance(struct slice html, lint_html_fn fn, void *arg)
{
    struct html_tags tags = html_tags_of(html);
    struct stack stack = {0};
    struct html_tag tag;

    while (html_tags_next(&tags, &tag)) {
        if (html_tag_is_void(&tag)) {
            continue;
        }
        if (tag.is_closing) {
            close_tag(&stack, &tag, fn, arg);
        } else {
            push(&stack, &tag);
        }
    }
    while (stack.count > 0) {
        complain_open(&stack.items[--stack.count], fn, arg);
    }
    free(stack.items);
}
