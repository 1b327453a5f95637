#include "io/redis_command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void command_push(struct command_list *list, struct command *command)
{
    command->next = NULL;
    if (list->tail) {
        list->tail->next = command;
    } else {
        list->head = command;
    }
    list->tail = command;
}

struct command *command_pop(struct command_list *list)
{
    struct command *command = list->head;

    if (command) {
        list->head = command->next;
        if (!list->head) {
            list->tail = NULL;
        }
    }
    return command;
}

void command_append(struct command_list *to, struct command_list *from)
{
    if (from->head) {
        if (to->tail) {
            to->tail->next = from->head;
        } else {
            to->head = from->head;
        }
        to->tail = from->tail;
        *from = (struct command_list){0};
    }
}

struct command *command_take(struct command_list *pool, redis_fn fn, void *arg)
{
    struct command *command = command_pop(pool);

    if (!command) {
        command = xcalloc(1, sizeof(*command));
        buf_init(&command->tail, 0);
    }
    command->fn = fn;
    command->arg = arg;
    command->script = NULL;
    command->is_owners = false;
    command->is_check = false;
    return command;
}

void command_give_back(struct command_list *pool, struct command *command)
{
    command->next = pool->head;
    pool->head = command;
    if (!pool->tail) {
        pool->tail = command;
    }
}

void command_free_all(struct command_list *pool)
{
    struct command *command;

    while ((command = command_pop(pool))) {
        buf_finish(&command->tail);
        free(command);
    }
}

/* "<mark><number>\r\n"; needs 24 bytes. */
static char *put_number(char *at, char mark, size_t number)
{
    char digits[20];
    size_t len = 0;

    do {
        digits[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    *at++ = mark;
    while (len) {
        *at++ = digits[--len];
    }
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

static char *put_text(char *at, struct slice text)
{
    at = put_number(at, '$', text.len);
    if (text.len) {
        memcpy(at, text.data, text.len);
    }
    at += text.len;
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

void command_append_args(struct buf *out, const struct slice args[], size_t count)
{
    size_t most = 1;
    char *start;
    char *at;

    for (size_t i = 0; i < count; i++) {
        most += args[i].len + 32;
    }
    start = buf_reserve(out, most);
    assert(start); /* one command is far below the buffer's limit */
    at = start;
    for (size_t i = 0; i < count; i++) {
        at = put_text(at, args[i]);
    }
    buf_advance(out, (size_t)(at - start));
}

void command_append_head(struct buf *out, size_t count)
{
    char *start = buf_reserve(out, 24);

    assert(start);
    buf_advance(out, (size_t)(put_number(start, '*', count) - start));
}
