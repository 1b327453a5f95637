/*
 * demo_books: what must come of the published events, what came of them, and whether the two agree.
 *
 * Expected: for every distinct good event, flow and channel one outcome (found with the same plan that the workers make),
 * and for every broken record one record in the DLQ. Come: the outcomes and DLQ topics, and what the sandbox accepted.
 */
#ifndef WORKERS_DEMO_BOOKS_H
#define WORKERS_DEMO_BOOKS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "core/catalog.h"
#include "io/kafka_settings.h"
#include "run/topics.h"
#include "workers/demo/demo_events.h"

struct demo_books;

struct demo_books *demo_books_create(const struct catalog *catalog, const struct demo_events *events);
void demo_books_destroy(struct demo_books *books);

/* Reads both topics anew. False + err when they cannot be read. */
bool demo_books_read(struct demo_books *books, const struct kafka_settings *kafka, const struct topics *topics,
                     struct err *err);
/* What the sandbox says: requests it accepted, and deliveries it accepted more than once. */
void demo_books_set_sandbox(struct demo_books *books, long accepted, long duplicates);

/* Every expected outcome and every broken record is there. */
bool demo_books_are_complete(const struct demo_books *books);
size_t demo_books_expected(const struct demo_books *books);
size_t demo_books_seen(const struct demo_books *books);
/* The table, and one line for each disagreement. True when the books balance. */
bool demo_books_print(const struct demo_books *books, FILE *to);

#endif
