/*
 * judge: what every integration test asserts in the end. Fails the test with a list of what does not fit.
 */
#ifndef SUPPORT_JUDGE_H
#define SUPPORT_JUDGE_H

#include <stddef.h>

#include "tests/support/system.h"

/* Waits until all is committed; then as many deliveries of each channel as expected have an outcome, all of them sent but
 * at most `held_most` SMS that are held, nothing dead or otherwise, the provider holds each at most once, and
 * what is sent it does hold. Returns how many are held. */
size_t judge_all_sent(struct system *system, size_t emails, size_t texts, size_t held_most);

#endif
