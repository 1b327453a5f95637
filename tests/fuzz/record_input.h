/*
 * record_input: a fuzzer's bytes as a Kafka record: a block of headers ("name: value" lines), an empty line, and the value.
 * Owns the names; values and the record's value lie in the input.
 */
#ifndef FUZZ_RECORD_INPUT_H
#define FUZZ_RECORD_INPUT_H

#include <stdint.h>

#include "core/record.h"

enum { RECORD_INPUT_MOST_HEADERS = 16 };

struct record_input {
    struct record record; /* of no place; time stamp 1 */
    struct record_header headers[RECORD_INPUT_MOST_HEADERS];
};

void record_input_split(struct record_input *input, const uint8_t *data, size_t size);
void record_input_finish(struct record_input *input);

#endif
