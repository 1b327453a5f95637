/*
 * liquid: the template language of Shopify, compiled once and rendered many times.
 *
 * Text goes through lexer, parser and compiler into an immutable program; rendering walks the program with the
 * caller's data (jansson values, borrowed) and appends to one buffer. Pure: no clock, no random, no files; partials
 * come from the loader at compile time, "now" is an argument. Data is never parsed as template. Limits end a
 * render with an error, never with a crash.
 */
#ifndef CORE_LIQUID_LIQUID_H
#define CORE_LIQUID_LIQUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "core/diag.h"

struct liquid_template; /* compiled; immutable; the owner destroys it */
struct liquid_run;      /* one render in progress */

enum liquid_kind {
    LIQUID_UNDEFINED, /* a variable that is not there; behaves as nil, except in strict mode */
    LIQUID_NIL,
    LIQUID_BOOL,
    LIQUID_INT,
    LIQUID_FLOAT,
    LIQUID_STRING,
    LIQUID_RANGE,
    LIQUID_ARRAY,  /* made by filters; lives in the run */
    LIQUID_JSON,   /* array or object of the caller's data, borrowed */
    LIQUID_EMPTY,  /* the keyword */
    LIQUID_BLANK,  /* the keyword */
    LIQUID_DROP,   /* forloop, tablerowloop and the like */
};

struct liquid_value {
    enum liquid_kind kind;
    bool is_safe; /* STRING: already fit for the output, no escaping (the raw filter) */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice string; /* borrowed from the data, the program or the run */
        struct {
            int64_t first, last;
        } range;
        struct {
            const struct liquid_value *items;
            size_t count;
        } array;
        json_t *json;
        const void *drop;
    };
};

struct liquid_named_value {
    struct slice name;
    struct liquid_value value;
};

/* One call of a filter. */
struct liquid_call {
    struct liquid_value input;
    const struct liquid_value *args;
    size_t arg_count;
    const struct liquid_named_value *named; /* `| t: count: 3` */
    size_t named_count;
    void *context;          /* liquid_scope.filter_context */
    struct liquid_run *run; /* for liquid_alloc() */
};

/* False + err ends the render with that error at the filter's place. */
typedef bool (*liquid_filter_fn)(const struct liquid_call *call, struct liquid_value *result, struct err *err);

/* Filters on top of the standard ones; the table ends in a row without a name and must outlive the templates. */
struct liquid_filter {
    const char *name;
    liquid_filter_fn fn;
};

/* Memory that lives until the render ends. */
void *liquid_alloc(struct liquid_run *run, size_t size);
/* Text of a value as output would print it; borrowed from the run. */
struct slice liquid_to_text(struct liquid_run *run, const struct liquid_value *value);

enum liquid_escape {
    LIQUID_ESCAPE_NONE, /* plain Liquid: what a variable holds is what is printed */
    LIQUID_ESCAPE_HTML, /* printed values are escaped for HTML, unless marked safe by `| raw` */
};

/* What the literal text around a value says about its place, for a language that this module knows nothing of (HTML). A
 * state is a number that only these rules understand, 0 at the start of a text. */
struct liquid_surroundings {
    uint32_t (*advance)(uint32_t state, struct slice literal); /* the state behind it */
    uint32_t (*join)(uint32_t left, uint32_t right);           /* the state where two branches meet */
    /* Why no value may be printed there, with a hint: an error of the template. NULL: one may. */
    const char *(*refuse)(uint32_t state, const char **hint);
    /* Must what is printed there be allowed? Then a value that is not ends the render, LIQUID_PROBLEM_NOT_ALLOWED. */
    bool (*is_checked)(uint32_t state);
    bool (*is_allowed)(struct slice value);
    const char *complaint; /* "the value is <complaint>" */
};

struct liquid_options {
    enum liquid_escape escape;
    const struct liquid_surroundings *surroundings; /* outlives the template; NULL: any value anywhere */
    bool is_strict; /* printing an undefined variable, or a property of one, is an error unless `default` or a
                       condition guards it; unknown filters are refused at compile time in every mode */
    const struct liquid_filter *filters; /* extra filters, or NULL */
    /* Text of a partial for include and render, by name. False when there is none. `text` must live until compile
     * returns. NULL: no partials. Names are checked here: no '..', no leading '/'. */
    bool (*find_partial)(void *arg, const char *name, struct slice *text);
    /* Name of the index-th partial, NULL behind the last: for `{% include variable %}`, where any partial may be
     * meant, so all of them are compiled in. NULL: such an include is refused at compile time. */
    const char *(*list_partials)(void *arg, size_t index);
    void *find_arg; /* passed to both */
};

/* Compiles `text`; `name` and line numbers go into the diagnostics (`first_line` is the line of the file where the
 * text starts, 1 for a whole file). NULL when an error was added to `diags`. */
struct liquid_template *liquid_compile(const char *name, struct slice text, int first_line,
                                       const struct liquid_options *options, struct diag_list *diags);
void liquid_destroy(struct liquid_template *template);

struct liquid_limits {
    size_t output_bytes; /* 256 KiB for messages */
    int depth;           /* nesting of blocks, partials and data: 32 for messages (100 plain) */
    int64_t steps;       /* loop iterations: 10,000 for messages */
};

struct liquid_scope {
    json_t *data;      /* object: top-level variables; borrowed */
    json_t *more_data; /* second object searched after `data` (event, brand, ...); may be NULL; borrowed */
    const struct liquid_named_value *values; /* searched before `data`; borrowed */
    size_t value_count;
    int64_t now_ms;    /* wall time for 'now' and 'today' */
    void *filter_context;
    struct liquid_limits limits;
};

/* What kind of error ended a render, for those who count them. */
enum liquid_problem {
    LIQUID_PROBLEM_OTHER,
    LIQUID_PROBLEM_UNDEFINED,
    LIQUID_PROBLEM_TOO_LARGE,
    LIQUID_PROBLEM_NOT_ALLOWED, /* see liquid_surroundings */
};

struct liquid_error {
    enum liquid_problem problem;
    char file[128];
    int line, column;
    char message[256]; /* names the variable or filter */
};

/* Appends to `out`. False + error: `out` may hold a part. */
bool liquid_render(const struct liquid_template *template, const struct liquid_scope *scope, struct buf *out,
                   struct liquid_error *error);

/* A condition alone (`tier.to != "bronze"`), for `when` in flow files. */
struct liquid_condition;
struct liquid_condition *liquid_condition_compile(const char *name, struct slice text, int line,
                                                  struct diag_list *diags);
void liquid_condition_destroy(struct liquid_condition *condition);
/* False when it does not hold, or when it cannot be evaluated (an undefined variable is nil). */
bool liquid_condition_holds(const struct liquid_condition *condition, const struct liquid_scope *scope);

/* A variable of the data that a template reads, for lint. */
struct liquid_variable {
    const char *path;  /* "member.first_name"; of an item of a list "rewards[].name". Up to the first computed part */
    bool is_guarded;   /* a `default` filter or an enclosing condition takes care of its absence */
    bool is_parameter; /* read in a partial of `render`, which sees its arguments only, and it is none of them */
    const char *file;  /* name of the template or partial */
    int line, column;
};
typedef void (*liquid_variable_fn)(void *arg, const struct liquid_variable *variable);
/* Called once per place, and for partials once per place that uses them: arguments are reported as what was passed. */
void liquid_each_variable(const struct liquid_template *template, liquid_variable_fn fn, void *arg);
/* The same of a condition. Everything counts as guarded: what is missing is nil there. */
void liquid_condition_each_variable(const struct liquid_condition *condition, liquid_variable_fn fn, void *arg);

#endif
