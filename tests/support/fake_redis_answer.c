#include "fake_redis_answer.h"

#include <assert.h>
#include <stdio.h>

#include "base/number.h"

void fake_say_more(struct fake_answer *answer, const char *text)
{
    size_t i = answer->reply.count++;

    assert(i < FAKE_MOST_ITEMS);
    snprintf(answer->texts[i], FAKE_MOST_TEXT, "%s", text);
    answer->items[i] = (struct redis_reply){.type = REDIS_TEXT, .text = slice_of(answer->texts[i])};
}

void fake_say_more_int(struct fake_answer *answer, int64_t number)
{
    assert(answer->reply.count < FAKE_MOST_ITEMS);
    answer->items[answer->reply.count++] = (struct redis_reply){.type = REDIS_INT, .number = number};
}

void fake_say_array(struct fake_answer *answer, const char *word)
{
    answer->reply = (struct redis_reply){.type = REDIS_ARRAY};
    answer->is_error = false;
    answer->reply.items = answer->items;
    if (word) {
        fake_say_more(answer, word);
    }
}

void fake_say_int(struct fake_answer *answer, int64_t number)
{
    answer->reply = (struct redis_reply){.type = REDIS_INT, .number = number};
    answer->is_error = false;
}

void fake_say_text(struct fake_answer *answer, const char *text)
{
    answer->reply = (struct redis_reply){.type = text ? REDIS_TEXT : REDIS_NIL};
    answer->is_error = false;
    if (text) {
        snprintf(answer->texts[0], FAKE_MOST_TEXT, "%s", text);
        answer->reply.text = slice_of(answer->texts[0]);
    }
}

void fake_say_error(struct fake_answer *answer, const char *text)
{
    fake_say_text(answer, text);
    answer->is_error = true;
}

int64_t fake_number(struct slice text)
{
    int64_t number = 0;
    bool is_number = number_parse(text, &number);

    assert(is_number);
    return number;
}
