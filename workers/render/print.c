#include "workers/render/print.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"

static const struct {
    const char *name;
    enum print_part part;
} parts[] = {
    {"subject", PRINT_SUBJECT},
    {"preheader", PRINT_PREHEADER},
    {"html", PRINT_HTML},
    {"text", PRINT_TEXT},
};

bool print_part_parse(const char *name, enum print_part *part)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(parts[i].name, name) == 0) {
            *part = parts[i].part;
            return true;
        }
    }
    return false;
}

const char *print_encoding(const struct sms_size *size)
{
    return size->is_unicode ? "UCS-2" : "GSM-7";
}

int print_capacity(const struct sms_size *size)
{
    int single = size->is_unicode ? SMS_UCS2_SINGLE : SMS_GSM_SINGLE;
    int part = size->is_unicode ? SMS_UCS2_PART : SMS_GSM_PART;

    return size->segments <= 1 ? single : size->segments * part;
}

/* --- for people --------------------------------------------------------------------------------------------------- */

static void print_line(FILE *to, const char *name, const char *value)
{
    if (value && *value) {
        fprintf(to, "%-11s %s\n", name, value);
    }
}

static void print_section(FILE *to, const char *name, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len) {
        fprintf(to, "\n--- %s ---\n%s%s", name, text, text[len - 1] == '\n' ? "" : "\n");
    }
}

static void print_person(FILE *to, const char *name, const char *person, const char *address)
{
    if (person && *person && address && *address) {
        fprintf(to, "%-11s %s <%s>\n", name, person, address);
    } else {
        print_line(to, name, address);
    }
}

static void print_email(const struct message *message, FILE *to)
{
    print_person(to, "from", message->from_name, message->from_address);
    print_line(to, "reply to", message->reply_to);
    print_person(to, "to", message->to_name, message->to);
    print_line(to, "unsubscribe", message->unsubscribe_url);
    print_line(to, "subject", message->subject);
    print_line(to, "preheader", message->preheader);
    print_section(to, "text", message->text);
    print_section(to, "html", message->html);
}

static void print_sms(const struct preview_message *result, FILE *to)
{
    print_line(to, "from", result->message.sms_sender);
    print_line(to, "to", result->message.to);
    fprintf(to, "%-11s %d", "segments", result->size.segments);
    if (result->segments_max > 0) {
        fprintf(to, " of at most %d", result->segments_max);
    }
    fprintf(to, "\n%-11s %s, %d of %d %s\n", "encoding", print_encoding(&result->size), result->size.units,
            print_capacity(&result->size), result->size.is_unicode ? "units" : "septets");
    print_section(to, "text", result->message.text);
}

void print_whole(const struct preview_message *result, const struct print_facts *facts, FILE *to)
{
    fprintf(to, "%-11s %s (%s)\n", "flow", facts->flow->name, flow_class_name(facts->flow->class));
    print_line(to, "channel", channel_name(facts->channel));
    print_line(to, "locale", result->message.locale);
    print_line(to, "event", facts->event);
    if (facts->channel == CHANNEL_EMAIL) {
        print_email(&result->message, to);
    } else {
        print_sms(result, to);
    }
}

bool print_one_part(const struct preview_message *result, enum print_part part, FILE *to)
{
    const struct message *message = &result->message;
    const char *text = part == PRINT_SUBJECT     ? message->subject
                       : part == PRINT_PREHEADER ? message->preheader
                       : part == PRINT_HTML      ? message->html
                                                 : message->text;
    size_t len = text ? strlen(text) : 0;

    if (!text) {
        return false;
    }
    fprintf(to, "%s%s", text, len && text[len - 1] == '\n' ? "" : "\n");
    return true;
}

/* --- for programs ------------------------------------------------------------------------------------------------- */

static void set_text(json_t *json, const char *name, const char *text)
{
    if (text) {
        json_object_set_new(json, name, json_string(text));
    }
}

static void dump(json_t *json, FILE *to)
{
    json_dumpf(json, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(json);
}

static void set_email(json_t *json, const struct message *message)
{
    set_text(json, "from_name", message->from_name);
    set_text(json, "from_address", message->from_address);
    set_text(json, "reply_to", message->reply_to);
    set_text(json, "to_name", message->to_name);
    set_text(json, "to", message->to);
    set_text(json, "unsubscribe_url", message->unsubscribe_url);
    set_text(json, "subject", message->subject);
    set_text(json, "preheader", message->preheader);
    set_text(json, "html", message->html);
    set_text(json, "text", message->text);
}

static void set_sms(json_t *json, const struct preview_message *result)
{
    set_text(json, "from", result->message.sms_sender);
    set_text(json, "to", result->message.to);
    set_text(json, "text", result->message.text);
    set_text(json, "encoding", print_encoding(&result->size));
    json_object_set_new(json, "segments", json_integer(result->size.segments));
    json_object_set_new(json, "segments_max", json_integer(result->segments_max));
    json_object_set_new(json, "units", json_integer(result->size.units));
    json_object_set_new(json, "units_max", json_integer(print_capacity(&result->size)));
}

/* "file:line:column: message", where the text begins with a place. */
static json_t *split_place(const char *text)
{
    json_t *json = json_object();
    const char *colon = strchr(text, ':');
    const char *rest = text;
    char *end;
    long line, column = 0;

    if (colon && (line = strtol(colon + 1, &end, 10)) > 0 && *end == ':') {
        json_object_set_new(json, "file", json_stringn(text, (size_t)(colon - text)));
        json_object_set_new(json, "line", json_integer(line));
        rest = end;
        column = strtol(end + 1, &end, 10);
        if (column > 0 && *end == ':') {
            json_object_set_new(json, "column", json_integer(column));
            rest = end;
        }
        rest += strspn(rest, ": ");
    }
    json_object_set_new(json, "message", json_string(rest));
    return json;
}

void print_json(const struct preview_message *result, const struct print_facts *facts, FILE *to)
{
    json_t *json = json_object();

    set_text(json, "flow", facts->flow->name);
    set_text(json, "class", flow_class_name(facts->flow->class));
    set_text(json, "channel", channel_name(facts->channel));
    set_text(json, "event", facts->event);
    json_object_set_new(json, "would_be_sent", json_boolean(!result->not_sent[0]));
    set_text(json, "not_sent_because", result->not_sent[0] ? result->not_sent : NULL);
    if (result->is_rendered) {
        set_text(json, "locale", result->message.locale);
        set_text(json, "direction", facts->direction);
        set_text(json, "template_version", facts->has_version ? result->message.version : NULL);
        if (facts->channel == CHANNEL_EMAIL) {
            set_email(json, &result->message);
        } else {
            set_sms(json, result);
        }
    } else {
        json_t *error = split_place(result->error.text);

        set_text(error, "reason", result->error.reason);
        json_object_set_new(json, "errors", json_pack("[o]", error));
    }
    dump(json, to);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

void print_diags(const struct diag_list *diags, FILE *to)
{
    struct buf line;

    buf_init(&line, 0);
    for (size_t i = 0; i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            buf_clear(&line);
            diag_format(&diags->items[i], &line);
            fprintf(to, "%s\n", buf_text(&line));
        }
    }
    buf_finish(&line);
}

void print_diags_json(const struct diag_list *diags, FILE *to)
{
    json_t *errors = json_array();

    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *diag = &diags->items[i];
        json_t *error = json_object();

        if (diag->severity != DIAG_ERROR) {
            json_decref(error);
            continue;
        }
        set_text(error, "file", diag->file);
        if (diag->line > 0) {
            json_object_set_new(error, "line", json_integer(diag->line));
        }
        if (diag->column > 0) {
            json_object_set_new(error, "column", json_integer(diag->column));
        }
        set_text(error, "message", diag->message);
        set_text(error, "hint", diag->hint);
        json_array_append_new(errors, error);
    }
    dump(json_pack("{s:o}", "errors", errors), to);
}

void print_error_json(const char *message, FILE *to)
{
    dump(json_pack("{s:[o]}", "errors", split_place(message)), to);
}
