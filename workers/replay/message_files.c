#include "workers/replay/message_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash_table.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "workers/render/gallery_page.h"

enum { KEY_SIZE = 160 };

/* What index.html shows of a flow (key: its name), or of a flow, channel and locale. */
struct shown {
    char key[KEY_SIZE];
    size_t flow;  /* number in the page */
    size_t count; /* of messages */
    UT_hash_handle hh;
};

struct message_files {
    char *path; /* of messages.ndjson */
    FILE *lines;
    struct gallery_page *page;
    struct shown *shown;
    struct buf line;
};

struct message_files *message_files_open(const char *dir, struct err *err)
{
    struct message_files *files = xcalloc(1, sizeof(*files));
    int fd = -1;

    files->path = xasprintf("%s/messages.ndjson", dir);
    buf_init(&files->line, 0);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        err_set(err, "%s: %s", dir, strerror(errno));
        message_files_close(files);
        return NULL;
    }
    files->page = gallery_page_open(dir, err);
    if (files->page) {
        fd = open(files->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        files->lines = fd >= 0 ? fdopen(fd, "w") : NULL;
    }
    if (files->page && !files->lines) {
        err_set(err, "%s: %s", files->path, strerror(errno));
    }
    if (!files->lines) {
        message_files_close(files);
        return NULL;
    }
    return files;
}

void message_files_close(struct message_files *files)
{
    struct shown *shown, *next;

    if (!files) {
        return;
    }
    HASH_ITER(hh, files->shown, shown, next)
    {
        HASH_DEL(files->shown, shown);
        free(shown);
    }
    if (files->lines) {
        fclose(files->lines);
    }
    gallery_page_close(files->page);
    buf_finish(&files->line);
    free(files->path);
    free(files);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool write_line(struct message_files *files, const char *place, const struct message *message, struct err *err)
{
    struct json_text j;

    buf_clear(&files->line);
    json_text_init(&j, &files->line);
    json_text_open(&j, '{');
    json_text_member(&j, "place", place);
    json_text_member(&j, "flow", message->flow);
    json_text_member(&j, "channel", channel_name(message->channel));
    json_text_member(&j, "locale", message->locale);
    json_text_member(&j, "to", message->to);
    json_text_member_if(&j, "subject", message->subject);
    json_text_member_if(&j, "preheader", message->preheader);
    json_text_member_if(&j, "text", message->text);
    json_text_member_if(&j, "html", message->html);
    if (message->channel == CHANNEL_SMS) {
        json_text_member_int(&j, "segments", message->segments);
    }
    json_text_close(&j, '}');
    buf_append_char(&files->line, '\n');
    return fwrite(files->line.data, 1, files->line.len, files->lines) == files->line.len ||
           err_set(err, "%s: %s", files->path, strerror(errno));
}

/* --- index.html --------------------------------------------------------------------------------------------------- */

static struct shown *get_shown(struct message_files *files, const char *key)
{
    struct shown *shown;

    HASH_FIND_STR(files->shown, key, shown);
    if (!shown) {
        shown = xcalloc(1, sizeof(*shown));
        snprintf(shown->key, sizeof(shown->key), "%s", key);
        HASH_ADD_STR(files->shown, key, shown);
    }
    return shown;
}

static bool show(struct message_files *files, const char *place, const struct task *task, struct err *err)
{
    const struct message *message = &task->message;
    struct preview_message result = {.is_rendered = true, .has_template = true, .message = *message};
    struct gallery_message shown = {.flow = message->flow,
                                    .channel = message->channel,
                                    .locale = message->locale,
                                    .speaks = true,
                                    .result = &result};
    struct shown *flow = get_shown(files, message->flow);

    if (flow->count++ == 0) {
        flow->flow = gallery_page_add_flow(files->page, message->flow, task->flow, NULL);
    }
    shown.sample = gallery_page_add_sample(files->page, flow->flow, place);
    result.segments_max = task->flow->channels[message->channel].segments_max;
    if (message->channel == CHANNEL_SMS) {
        result.size = sms_measure(slice_of(message->text));
    }
    gallery_page_add_locale(files->page, message->locale);
    return gallery_page_add(files->page, &shown, err);
}

bool message_files_add(struct message_files *files, const char *place, const struct task *task, struct err *err)
{
    char key[KEY_SIZE];

    snprintf(key, sizeof(key), "%s|%d|%s", task->message.flow, (int)task->message.channel, task->message.locale);
    if (!write_line(files, place, &task->message, err)) {
        return false;
    }
    return get_shown(files, key)->count++ >= MESSAGE_FILES_SHOWN || show(files, place, task, err);
}

bool message_files_write(struct message_files *files, struct err *err)
{
    if (fflush(files->lines) != 0) {
        return err_set(err, "%s: %s", files->path, strerror(errno));
    }
    return gallery_page_write(files->page, err);
}
