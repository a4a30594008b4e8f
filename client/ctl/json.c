/* SPDX-License-Identifier: MIT */
/*
 * Exact integers on top of cJSON: each number keeps the text in `valuestring`. The file has no state.
 */
#include "client/ctl/json.h"

#include "proto/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The position after the string at `text`. */
static const char *skip_string(const char *text)
{
    for (text++; *text && *text != '"'; text++)
        if (*text == '\\' && text[1])
            text++;
    return *text ? text + 1 : text;
}

/* Moves `*text` to the next number. Returns the length of the number; 0: no further number. */
static size_t next_number(const char **text)
{
    while (**text && !strchr("-0123456789", **text))
        *text = **text == '"' ? skip_string(*text) : *text + 1;
    return strspn(*text, "-+.eE0123456789");
}

/* Stores the text of each number; the tree and the text have the same order. cJSON frees the text with the number. */
static bool keep_texts(cJSON *value, const char **text)
{
    for (; value; value = value->next) {
        if (value->child && !keep_texts(value->child, text))
            return false;
        if (cJSON_IsNumber(value)) {
            size_t length = next_number(text);

            value->valuestring = cJSON_malloc(length + 1);
            if (!value->valuestring)
                return false;
            memcpy(value->valuestring, *text, length);
            value->valuestring[length] = '\0';
            *text += length;
        }
    }
    return true;
}

cJSON *json_parse(const char *text)
{
    cJSON *value = cJSON_Parse(text);

    if (value && !keep_texts(value, &text)) {
        cJSON_Delete(value);
        return NULL;
    }
    return value;
}

const char *json_number_text(const cJSON *value)
{
    return cJSON_IsNumber(value) ? value->valuestring : NULL;
}

bool json_integer(const cJSON *value, uint64_t *ret_number)
{
    const char *text = json_number_text(value);

    return text && number_parse(text, 10, UINT64_MAX, ret_number) == 0;
}

cJSON *json_new_integer(uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, number);
    return cJSON_CreateRaw(text);
}

bool json_add_integer(cJSON *object, const char *name, uint64_t number)
{
    cJSON *value = json_new_integer(number);

    if (value && cJSON_AddItemToObject(object, name, value))
        return true;
    cJSON_Delete(value);
    return false;
}

bool json_add(cJSON *object, const char *name, cJSON *value)
{
    if (value && cJSON_AddItemToObject(object, name, value))
        return true;
    cJSON_Delete(value);
    return false;
}
