/*
 * Fuzzing of a commit's metadata, and of the tracker that reads and writes it. The input is a line with the metadata as
 * Kafka hands it back, then one byte for each thing that happens: a record (after a gap of 0 to 15), an end (of one of the
 * open ones), the end of the partition. A plain list of offsets beside it says what must come out.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_RECORDS = 512 };
static const int64_t firsts[] = {0, 1017, INT64_MAX - 200000};

/* What a tracker must know, said plainly. */
struct model {
    int64_t first, next;
    int64_t offsets[MOST_RECORDS];
    bool is_open[MOST_RECORDS];
    size_t count, open_count;
    size_t done; /* all below it have ended */
};

static int64_t first_open(struct model *model)
{
    while (model->done < model->count && !model->is_open[model->done]) {
        model->done++;
    }
    return model->done < model->count ? model->offsets[model->done] : model->next;
}

static void take(struct tracker *tracker, struct model *model, int gap)
{
    int64_t offset = model->next + gap;

    if (model->count < MOST_RECORDS) {
        model->offsets[model->count] = offset;
        model->is_open[model->count] = tracker_open(tracker, offset);
        model->open_count += model->is_open[model->count++];
        model->next = offset + 1;
    }
}

static void end(struct tracker *tracker, struct model *model, unsigned choice)
{
    size_t left = model->open_count ? choice % model->open_count : MOST_RECORDS;

    for (size_t i = model->done; i < model->count; i++) {
        if (model->is_open[i] && left-- == 0) {
            tracker_close(tracker, model->offsets[i]);
            model->is_open[i] = false;
            model->open_count--;
            return;
        }
    }
}

static void step(struct tracker *tracker, struct model *model, uint8_t byte)
{
    switch (byte & 3) {
    case 0:
        tracker_reach(tracker, model->next + (byte >> 4));
        model->next += byte >> 4;
        break;
    case 1:
        take(tracker, model, byte >> 4);
        break;
    default:
        end(tracker, model, byte >> 2);
        break;
    }
}

/* Whoever begins where the first left off opens exactly what was open: nothing is forgotten and, as long as it fits into
 * the metadata, nothing is done again. */
static void check_restart(const struct tracker *tracker, const struct model *model)
{
    int64_t watermark = tracker_watermark(tracker);
    struct tracker *next;
    struct buf text, again;

    buf_init(&text, TRACKER_METADATA_MOST);
    buf_init(&again, TRACKER_METADATA_MOST);
    tracker_format_metadata(tracker, &text);
    assert(!text.overflowed);
    next = tracker_create(watermark, buf_text(&text));
    assert(tracker_watermark(next) == watermark);
    tracker_format_metadata(next, &again);
    assert(slice_equal(buf_slice(&text), buf_slice(&again)));
    for (size_t i = 0; i < model->count; i++) {
        if (model->offsets[i] >= watermark) {
            assert(tracker_open(next, model->offsets[i]) == model->is_open[i]);
        }
    }
    tracker_destroy(next);
    buf_finish(&text);
    buf_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t line_len = line_end ? (size_t)(line_end - data) : size;
    char *metadata = xmemdup((const char *)data, line_len);
    static struct model model;
    struct tracker *tracker;
    int64_t watermark;

    model.first = model.next = firsts[line_len % 3];
    model.count = model.open_count = model.done = 0;
    tracker = tracker_create(model.first, metadata);
    watermark = tracker_watermark(tracker);
    assert(watermark == model.first && tracker_last(tracker) == model.first - 1);
    for (size_t at = line_len + 1; at < size && at < line_len + 2048; at++) {
        step(tracker, &model, data[at]);
        assert(tracker_watermark(tracker) >= watermark); /* never back */
        watermark = tracker_watermark(tracker);
        assert(watermark == first_open(&model) && tracker_open_count(tracker) == model.open_count);
    }
    check_restart(tracker, &model);
    tracker_destroy(tracker);
    free(metadata);
    return 0;
}
