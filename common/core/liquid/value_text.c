#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/liquid/value.h"

size_t int_format(int64_t number, char text[FLOAT_TEXT_SIZE])
{
    char digits[24];
    size_t n = 0;
    size_t len = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) {
        text[len++] = '-';
    }
    while (n) {
        text[len++] = digits[--n];
    }
    text[len] = '\0';
    return len;
}

/* The shortest digits that read back as the same number: "d.dddde+xx". */
static void shortest(double number, char text[FLOAT_TEXT_SIZE])
{
    for (int precision = 14; precision <= 16; precision++) {
        snprintf(text, FLOAT_TEXT_SIZE, "%.*e", precision, number);
        if (strtod(text, NULL) == number) {
            return;
        }
    }
}

size_t float_format(double number, char text[FLOAT_TEXT_SIZE])
{
    char parts[FLOAT_TEXT_SIZE];
    char digits[20];
    size_t n = 0;
    size_t len = 0;
    int exponent;

    if (!isfinite(number)) {
        snprintf(text, FLOAT_TEXT_SIZE, "%s", isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        return strlen(text);
    }
    shortest(number, parts);
    exponent = (int)strtol(strchr(parts, 'e') + 1, NULL, 10);
    for (const char *p = parts; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') {
            digits[n++] = *p;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    if (parts[0] == '-') {
        text[len++] = '-';
    }
    /* 16 digits before the point only with more behind it: 1.0e+15, but 1234567890123457.5 */
    if (exponent < -4 || exponent > 15 || (exponent == 15 && n <= 16)) {
        len += (size_t)snprintf(text + len, FLOAT_TEXT_SIZE - len, "%c.%.*se%c%02d", digits[0], n > 1 ? (int)n - 1 : 1,
                                n > 1 ? digits + 1 : "0", exponent < 0 ? '-' : '+', abs(exponent));
        return len;
    }
    if (exponent < 0) {
        text[len++] = '0';
        text[len++] = '.';
        for (int i = -1; i > exponent; i--) {
            text[len++] = '0';
        }
    }
    for (int i = 0; i < (int)n || i <= exponent; i++) {
        text[len++] = i < (int)n ? digits[i] : '0';
        if (i == exponent) {
            text[len++] = '.';
        }
    }
    if (text[len - 1] == '.') {
        text[len++] = '0';
    }
    text[len] = '\0';
    return len;
}

/* --- the inside of objects is shown as the reference shows it: {"a"=>1, "b"=>nil} ---------- */

static void add_quoted(struct text *text, struct slice s)
{
    static const char codes[] = "\a\b\t\n\v\f\r\x1b\"\\";
    static const char names[] = "abtnvfre\"\\";

    text_add_char(text, '"');
    for (size_t i = 0; i < s.len && !text->run->has_failed; i++) {
        const char *code = s.data[i] ? strchr(codes, s.data[i]) : NULL;

        if (code) {
            text_add_char(text, '\\');
            text_add_char(text, names[code - codes]);
        } else {
            text_add_char(text, s.data[i]);
        }
    }
    text_add_char(text, '"');
}

static void add_inspected(struct text *text, const struct liquid_value *v);

static void add_inspected_list(struct text *text, const struct liquid_value *v)
{
    text_add_char(text, '[');
    for (size_t i = 0; i < value_count(v) && !text->run->has_failed; i++) {
        struct liquid_value item = value_at(v, i);

        if (i) {
            text_add(text, SLICE(", "));
        }
        add_inspected(text, &item);
    }
    text_add_char(text, ']');
}

static void add_object(struct text *text, json_t *object)
{
    bool is_first = true;

    text_add_char(text, '{');
    for (void *iter = json_object_iter(object); iter && !text->run->has_failed;
         iter = json_object_iter_next(object, iter)) {
        struct liquid_value item = value_from_json(json_object_iter_value(iter));

        if (!is_first) {
            text_add(text, SLICE(", "));
        }
        is_first = false;
        add_quoted(text, slice_make(json_object_iter_key(iter), json_object_iter_key_len(iter)));
        text_add(text, SLICE("=>"));
        add_inspected(text, &item);
    }
    text_add_char(text, '}');
}

static void add_inspected(struct text *text, const struct liquid_value *v)
{
    struct liquid_run *run = text->run;

    if (run->depth >= run->max_depth) {
        run_fail(run, 0, "data is nested too deep");
        return;
    }
    run->depth++;
    if (value_is_nil(v)) {
        text_add(text, SLICE("nil"));
    } else if (v->kind == LIQUID_STRING) {
        add_quoted(text, v->string);
    } else if (value_is_array(v)) {
        add_inspected_list(text, v);
    } else {
        value_add_text(text, v);
    }
    run->depth--;
}

static void add_list(struct text *text, const struct liquid_value *v)
{
    struct liquid_run *run = text->run;

    if (run->depth >= run->max_depth) {
        run_fail(run, 0, "data is nested too deep");
        return;
    }
    run->depth++;
    for (size_t i = 0; i < value_count(v) && run_work(run, 1); i++) {
        struct liquid_value item = value_at(v, i);

        value_add_text(text, &item);
    }
    run->depth--;
}

void value_add_text(struct text *text, const struct liquid_value *v)
{
    char number[FLOAT_TEXT_SIZE];

    switch (v->kind) {
    case LIQUID_STRING:
        text_add(text, v->string);
        break;
    case LIQUID_BOOL:
        text_add(text, v->boolean ? SLICE("true") : SLICE("false"));
        break;
    case LIQUID_INT:
        text_add(text, slice_make(number, int_format(v->integer, number)));
        break;
    case LIQUID_FLOAT:
        text_add(text, slice_make(number, float_format(v->number, number)));
        break;
    case LIQUID_RANGE:
        text_add(text, slice_make(number, int_format(v->range.first, number)));
        text_add(text, SLICE(".."));
        text_add(text, slice_make(number, int_format(v->range.last, number)));
        break;
    case LIQUID_ARRAY:
        add_list(text, v);
        break;
    case LIQUID_JSON:
        if (json_is_array(v->json)) {
            add_list(text, v);
        } else {
            add_object(text, v->json);
        }
        break;
    case LIQUID_DROP:
        text_add(text, ((const struct loop_drop *)v->drop)->is_table ? SLICE("Liquid::TablerowloopDrop")
                                                                     : SLICE("Liquid::ForloopDrop"));
        break;
    case LIQUID_UNDEFINED:
    case LIQUID_NIL:
    case LIQUID_EMPTY:
    case LIQUID_BLANK:
        break;
    }
}

struct slice value_text(struct liquid_run *run, const struct liquid_value *v)
{
    struct text text;

    if (v->kind == LIQUID_STRING) {
        return v->string;
    }
    text_init(&text, run);
    value_add_text(&text, v);
    return text_slice(&text);
}

struct slice value_shown(struct liquid_run *run, const struct liquid_value *v)
{
    struct text text;

    if (!value_is_array(v)) {
        return value_text(run, v);
    }
    text_init(&text, run);
    add_inspected(&text, v);
    return text_slice(&text);
}

struct slice liquid_to_text(struct liquid_run *run, const struct liquid_value *value)
{
    return value_text(run, value);
}
