/* SPDX-License-Identifier: MIT */
/*
 * Exact numbers in JSON. cJSON stores numbers as double and prints 15 digits, which corrupts tokens from 2^52, so
 * numbers are read from the original text and written as text.
 */
#ifndef MINIMIO_CLIENT_CTL_JSON_H
#define MINIMIO_CLIENT_CTL_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* As cJSON_Parse, for validated JSON; numbers keep their text. NULL: out of memory. */
cJSON *json_parse(const char *text);

/* The text of a number from json_parse; NULL: not a number. */
const char *json_number_text(const cJSON *value);

/* Parses an integer from 0 to 2^64 - 1, without fraction and exponent, in a value from json_parse. False: another
 * value. */
bool json_integer(const cJSON *value, uint64_t *ret_number);

/* Create an integer, or add an integer as a member. NULL, false: out of memory. */
cJSON *json_new_integer(uint64_t number);
bool json_add_integer(cJSON *object, const char *name, uint64_t number);

/* Adds a member; the object then owns `value`. `value` NULL, from a failed cJSON function, and false as result: out of
 * memory. */
bool json_add(cJSON *object, const char *name, cJSON *value);

#endif
