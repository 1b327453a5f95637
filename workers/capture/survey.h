/*
 * survey: the first look at what will be captured: learns every personal value, and keeps account of the fields that
 * nobody called personal, so that a person can look at them before anything is written.
 */
#ifndef WORKERS_CAPTURE_SURVEY_H
#define WORKERS_CAPTURE_SURVEY_H

#include <stdbool.h>
#include <stdio.h>

#include "core/pseudonym.h"
#include "core/record.h"
#include "workers/capture/personal.h"

struct survey;

/* Both borrowed. */
struct survey *survey_create(const struct personal_rules *rules, struct pseudonym_set *set);
void survey_destroy(struct survey *survey);

/* False: the record's value is no JSON object (or array); it is counted by its reason and cannot be captured. */
bool survey_add(struct survey *survey, const struct record *record);
/* How many were added, and how many of them cannot be captured. */
size_t survey_count(const struct survey *survey);
size_t survey_unfit_count(const struct survey *survey);

/* What is replaced, by field; what is not, by field with a few short examples; what was left out. */
void survey_print(const struct survey *survey, FILE *to);

#endif
