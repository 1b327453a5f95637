/*
 * lint_inside: what the checks of lint share. Each lint_<concern>.c is one function that goes over the flows and adds
 * to the diagnostics. Nobody else includes this.
 */
#ifndef CORE_LINT_INSIDE_H
#define CORE_LINT_INSIDE_H

#include "core/catalog_inside.h"
#include "core/event.h"
#include "core/lint.h"
#include "core/yaml.h"

struct lint_sample {
    const char *path;
    struct event event;
    char tag[LOCALE_TAG_SIZE];   /* the member's; the default locale when there is none */
    bool applies[CHANNEL_COUNT]; /* the conditions hold: it is sent there */
};

struct lint_flow {
    const struct flow *flow;
    const struct catalog_flow *entry;
    char *path;        /* of flow.yaml */
    struct yaml *yaml; /* for places; NULL when it cannot be read */
    struct lint_sample *samples;
    size_t sample_count;
    char **paths; /* of all values in all samples, for "did you mean"; NULL-terminated */
    size_t path_count;
};

struct lint {
    const struct file_tree *tree;
    struct catalog *catalog;
    struct diag_list *diags;
    struct lint_flow *flows;
    size_t flow_count;
    bool has_broken_brand; /* then nothing can be said of what brands have */
};

/* --- what they say, and where (lint_place.c) ---------------------------------------------------------------------- */

void lint_add(struct lint *lint, enum diag_severity severity, const char *file, int line, int column, const char *hint,
              const char *format, ...) __attribute__((format(printf, 7, 8)));
/* At the value of a key of the flow's file. */
void lint_add_at_key(struct lint *lint, enum diag_severity severity, const struct lint_flow *flow, const char *key,
                     const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Line and column of a byte of a file. */
void lint_find_place(const struct file_entry *entry, size_t at, int *line, int *column);

/* Is the file a template whose text is HTML? */
bool lint_is_html(const char *path);
/* The text below the front matter. */
struct slice lint_body(const struct file_entry *entry);
/* At the first line of a template's text. */
void lint_add_at_body(struct lint *lint, enum diag_severity severity, const char *path, const char *hint,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Every diagnostic tells how to mend it (lint_hints.c). */
void lint_fill_hints(struct diag_list *diags);

/* --- samples (lint_samples.c) ------------------------------------------------------------------------------------- */

void lint_samples_load(struct lint *lint, struct lint_flow *flow);
void lint_samples_finish(struct lint_flow *flow);

enum lint_presence {
    LINT_UNSEEN, /* no sample says anything about it: an item of lists that are all empty */
    LINT_NEVER,
    LINT_SOMETIMES,
    LINT_ALWAYS,
};

/* A path as liquid_variable has it. null counts as missing. */
enum lint_presence lint_presence_in(json_t *root, const char *path);
enum lint_presence lint_presence_join(enum lint_presence left, enum lint_presence right);
/* In the samples' data (or envelope, for "event.x"). `channel`: only in those that are sent there, when there are any;
 * CHANNEL_COUNT: in all. *lacking: a sample that does not have it, or NULL. */
enum lint_presence lint_samples_presence(const struct lint_flow *flow, enum channel channel, const char *path,
                                         const struct lint_sample **lacking);
/* The path that was probably meant, or NULL. Borrowed. */
const char *lint_samples_nearest(const struct lint_flow *flow, const char *path);

/* --- checks ------------------------------------------------------------------------------------------------------- */

void lint_flows(struct lint *lint);     /* lint_flow.c: flow.yaml against samples and against the other flows */
void lint_locales(struct lint *lint);   /* lint_locales.c: languages that a flow lacks */
void lint_variables(struct lint *lint); /* lint_variables.c: what templates read and the samples do not have */
void lint_brands(struct lint *lint);    /* lint_brands.c: links of the brands, what marketing mail needs of them */
void lint_sources(struct lint *lint);   /* lint_sources.c: HTML as it is written: links, pictures; uses of raw */
void lint_messages(struct lint *lint);  /* lint_messages.c: every sample as a message in every language */
void lint_budgets(struct lint *lint);   /* lint_sms.c: segments of the longest SMS that the samples allow */

#endif
