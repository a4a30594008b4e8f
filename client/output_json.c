/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include "proto/methods.h"

#include <stdio.h>

static void print_value(const cJSON *value);

static void print_number(double number)
{
    bool whole = number >= -(double)INTEGER_MAX && number <= (double)INTEGER_MAX && number == (double)(int64_t)number;

    printf(whole ? "%.0f" : "%.17g", number);
}

static void print_members(const cJSON *container, bool named)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, container)
    {
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
        print_number(value->valuedouble);
    } else {
        fputs(cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "null", stdout);
    }
}

void output_json_line(const cJSON *value)
{
    print_value(value);
    putchar('\n');
}
