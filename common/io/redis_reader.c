#include "io/redis_reader.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Elements of one array; the parser gives up the connection beyond that. */
enum { ELEMENTS_MAX = 1 << 20, BLOCK_SIZE = 16 << 10 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

/* Blocks of the reply being parsed, the newest first. All replies but huge ones fit into one block, which is kept. */
struct redis_reader {
    struct block *blocks;
    size_t expected; /* commands whose reply has not begun */
};

static struct block *make_block(size_t size)
{
    struct block *block = xmalloc(sizeof(*block) + size);

    block->next = NULL;
    block->used = 0;
    block->size = size;
    return block;
}

static void *take(struct redis_reader *reader, size_t size)
{
    struct block *block = reader->blocks;
    char *at;

    size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (block->size - block->used < size) {
        block = make_block(size > BLOCK_SIZE ? size : BLOCK_SIZE);
        block->next = reader->blocks;
        reader->blocks = block;
    }
    at = (char *)block->data + block->used;
    block->used += size;
    return at;
}

/* Forgets the reply before; keeps the first block ever made. */
static void rewind_blocks(struct redis_reader *reader)
{
    while (reader->blocks->next) {
        struct block *block = reader->blocks;

        reader->blocks = block->next;
        free(block);
    }
    reader->blocks->used = 0;
}

struct redis_reader *redis_reader_create(void)
{
    struct redis_reader *reader = xcalloc(1, sizeof(*reader));

    reader->blocks = make_block(BLOCK_SIZE);
    return reader;
}

void redis_reader_destroy(struct redis_reader *reader)
{
    if (reader) {
        rewind_blocks(reader);
        free(reader->blocks);
        free(reader);
    }
}

/* --- what the parser calls --------------------------------------------------------------------------------------- */

/* hiredis looks at the type of a reply itself, so these are its own structs, only in our memory. NULL for a reply that
 * was not asked for, unless it is an error: hiredis ends the connection with that text. */
static redisReply *make_reply(const redisReadTask *task)
{
    struct redis_reader *reader = task->privdata;
    redisReply *reply;

    if (!task->parent) {
        if (reader->expected == 0 && task->type != REDIS_REPLY_ERROR) {
            return NULL;
        }
        reader->expected -= reader->expected > 0;
        rewind_blocks(reader);
    }
    reply = take(reader, sizeof(*reply));
    memset(reply, 0, sizeof(*reply));
    reply->type = task->type;
    if (task->parent) {
        redisReply *parent = task->parent->obj;

        parent->element[task->idx] = reply;
    }
    return reply;
}

static void *make_text(const redisReadTask *task, char *text, size_t len)
{
    redisReply *reply = make_reply(task);

    if (!reply) {
        return NULL;
    }
    reply->str = take(task->privdata, len + 1);
    memcpy(reply->str, text, len);
    reply->str[len] = '\0';
    reply->len = len;
    return reply;
}

#if HIREDIS_MAJOR >= 1
static void *make_array(const redisReadTask *task, size_t count)
#else
static void *make_array(const redisReadTask *task, int count)
#endif
{
    redisReply *reply;

    if (count > ELEMENTS_MAX) {
        return NULL;
    }
    reply = make_reply(task);
    if (reply && count > 0) {
        reply->elements = (size_t)count;
        reply->element = take(task->privdata, (size_t)count * sizeof(*reply->element));
        memset(reply->element, 0, (size_t)count * sizeof(*reply->element));
    }
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    redisReply *reply = make_reply(task);

    if (reply) {
        reply->integer = value;
    }
    return reply;
}

/* Also for a text or an array of length -1. */
static void *make_nil(const redisReadTask *task)
{
    redisReply *reply = make_reply(task);

    if (reply) {
        reply->type = REDIS_REPLY_NIL;
    }
    return reply;
}

#if HIREDIS_MAJOR >= 1
static void *make_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void)value;
    return make_text(task, text, len);
}

static void *make_bool(const redisReadTask *task, int value)
{
    return make_integer(task, value);
}
#endif

static void forget(void *reply)
{
    (void)reply; /* gone with the blocks */
}

void redis_reader_attach(struct redis_reader *reader, struct redisAsyncContext *context)
{
    static redisReplyObjectFunctions functions = {
        .createString = make_text,
        .createArray = make_array,
        .createInteger = make_integer,
        .createNil = make_nil,
#if HIREDIS_MAJOR >= 1
        .createDouble = make_double,
        .createBool = make_bool,
#endif
        .freeObject = forget,
    };

    reader->expected = 0;
    context->c.reader->fn = &functions;
    context->c.reader->privdata = reader;
}

void redis_reader_expect(struct redis_reader *reader)
{
    reader->expected++;
}

/* --- the plain value --------------------------------------------------------------------------------------------- */

bool redis_reader_convert(struct redis_reader *reader, const void *raw, struct redis_reply *reply)
{
    const redisReply *from = raw;

    *reply = (struct redis_reply){.type = REDIS_NIL, .number = from->integer};
    switch (from->type) {
    case REDIS_REPLY_NIL:
        break;
    case REDIS_REPLY_INTEGER:
        reply->type = REDIS_INT;
        break;
    case REDIS_REPLY_ARRAY:
        reply->type = REDIS_ARRAY;
        break;
    default: /* bulk and simple strings, errors; with newer hiredis also what RESP3 adds */
        reply->type = from->elements > 0 ? REDIS_ARRAY : from->str ? REDIS_TEXT : REDIS_INT;
        break;
    }
    if (from->str) {
        reply->text = slice_make(from->str, from->len);
    }
    if (from->elements > 0) {
        struct redis_reply *items = take(reader, from->elements * sizeof(*items));

        for (size_t i = 0; i < from->elements; i++) {
            redis_reader_convert(reader, from->element[i], &items[i]);
        }
        reply->items = items;
        reply->count = from->elements;
    }
    return from->type == REDIS_REPLY_ERROR;
}
