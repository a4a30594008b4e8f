/* SPDX-License-Identifier: MIT */
/*
 * Parsers of integers: JSON numbers, exactly, where a double would round; and the numbers in options, settings and
 * environment variables.
 */
#ifndef MINIMIO_PROTO_NUMBER_H
#define MINIMIO_PROTO_NUMBER_H

#include "proto/buffer.h"

#include <stdint.h>

/*
 * The value of a JSON number that is an integer from 0 to INTEGER_MAX in any notation: 1, 1.0, 10e-1 and 0.1e1 are the
 * integer 1. `written` is a number that the scanner accepted.
 * Error: -ERANGE, the number is negative, too large or not an integer.
 */
int number_to_integer(struct span written, uint64_t *ret_value);

/*
 * The value of a text of digits in `base` (8 or 10), without space, sign or prefix; leading zeros are allowed.
 * Errors: -EINVAL, the text is empty or has another character; -ERANGE, the value is above `max`.
 */
int number_parse(const char *text, unsigned base, uint64_t max, uint64_t *ret_value);

#endif
