/*
 * lint_marketing: what a message of class marketing must tell: how to get no more of them, and who sends it.
 */
#ifndef CORE_LINT_MARKETING_H
#define CORE_LINT_MARKETING_H

#include "core/lint_inside.h"

/* `message` is `template` rendered for `event`. */
void lint_marketing_check(struct lint *lint, const struct message_template *template, const struct event *event,
                          const struct message *message);

#endif
