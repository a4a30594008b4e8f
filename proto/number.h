/* SPDX-License-Identifier: MIT */
/*
 * Integers from numbers as JSON writes them: exactly, where a double would round.
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

#endif
