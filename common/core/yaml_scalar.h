/*
 * yaml_scalar: what a plain (unquoted) YAML scalar means by the core schema of YAML 1.2, section 10.3.2.
 */
#ifndef CORE_YAML_SCALAR_H
#define CORE_YAML_SCALAR_H

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* Null, boolean, integer, real, else string. `text` is valid UTF-8 with a NUL behind it and none in it. The caller
 * owns the value. NULL + err: a number that JSON or 64 bits cannot hold. */
json_t *yaml_scalar_resolve(struct slice text, struct err *err);

#endif
