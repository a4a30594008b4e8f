/* SPDX-License-Identifier: MIT */
/*
 * Lines of compact JSON. The file has no state.
 */
#include "client/ctl/output.h"

#include "client/ctl/json.h"

#include <stdio.h>

static void print_value(const cJSON *value);

static void print_members(const cJSON *container, bool named)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, container) {
        if (member != container->child)
            putchar(',');
        if (named) {
            output_json_string(member->string);
            putchar(':');
        }
        print_value(member);
    }
}

static void print_value(const cJSON *value)
{
    if (cJSON_IsObject(value)) {
        putchar('{');
        print_members(value, true);
        putchar('}');
    } else if (cJSON_IsArray(value)) {
        putchar('[');
        print_members(value, false);
        putchar(']');
    } else if (cJSON_IsString(value)) {
        output_json_string(value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        fputs(json_number_text(value), stdout);
    } else {
        fputs(cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "null", stdout);
    }
}

void output_json_line(const cJSON *value)
{
    print_value(value);
    putchar('\n');
}
