/* SPDX-License-Identifier: MIT */
/*
 * Integers from texts. From numbers as JSON writes them, exactly, where a double would round; and from numbers as
 * people and other programs write them in options, settings and variables.
 */
#ifndef MINIMIO_PROTO_NUMBER_H
#define MINIMIO_PROTO_NUMBER_H

#include "proto/buffer.h"

#include <stdint.h>

/*
 * The value of a JSON number that is an integer from 0 to INTEGER_MAX, however it is written: 1, 1.0, 10e-1 and 0.1e1
 * are the integer 1. `written` is a number that the scanner accepted.
 * Error: -ERANGE, negative, too large or no integer.
 */
int number_to_integer(struct span written, uint64_t *ret_value);

/*
 * The value of a text that is digits of `base` (8 or 10) alone: no space, sign or prefix; leading zeros are allowed.
 * Errors: -EINVAL, another text, or an empty one; -ERANGE, the value is more than `max`.
 */
int number_parse(const char *text, unsigned base, uint64_t max, uint64_t *ret_value);

#endif
