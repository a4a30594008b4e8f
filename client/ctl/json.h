/* SPDX-License-Identifier: MIT */
/*
 * Numbers in JSON, exact. cJSON keeps a number as a double and prints 15 of its digits, which loses tokens from 2^52
 * on; so numbers are read from the text they came as, and written as text.
 */
#ifndef MINIMIO_CLIENT_CTL_JSON_H
#define MINIMIO_CLIENT_CTL_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* As cJSON_Parse, for checked JSON, and every number keeps its text. NULL: out of memory. */
cJSON *json_parse(const char *text);

/* The text of a number that json_parse has read; NULL: it is none. */
const char *json_number_text(const cJSON *value);

/* Reads a whole number from 0 to 2^64 - 1 that json_parse has read, written without fraction and exponent. Returns
 * whether it is one. */
bool json_integer(const cJSON *value, uint64_t *ret_number);

/* A whole number to be printed, and the same as a member. NULL, false: out of memory. */
cJSON *json_new_integer(uint64_t number);
bool json_add_integer(cJSON *object, const char *name, uint64_t number);

/* Adds a member, which is then the object's; NULL, as cJSON's makers return it, is no memory. Returns whether it was
 * added. */
bool json_add(cJSON *object, const char *name, cJSON *value);

#endif
