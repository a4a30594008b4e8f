/* SPDX-License-Identifier: MIT */
/*
 * Aligned members, durations and sizes. The file has no state.
 */
#include "client/ctl/output.h"

#include <stdio.h>
#include <string.h>

/* ---- Quantities ------------------------------------------------------------------------------------------------- */

void output_duration(double milliseconds, char *ret_text, size_t size)
{
    unsigned long long seconds = (unsigned long long)(milliseconds / 1000);

    if (milliseconds < 1000)
        snprintf(ret_text, size, "%.0fms", milliseconds);
    else if (seconds < 60)
        snprintf(ret_text, size, "%.3gs", milliseconds / 1000);
    else if (seconds < 3600)
        snprintf(ret_text, size, "%llum%llus", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(ret_text, size, "%lluh%llum", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(ret_text, size, "%llud%lluh", seconds / 86400, seconds / 3600 % 24);
}

void output_size(double bytes, char *ret_text, size_t size)
{
    static const char units[] = "KMGTP";
    int unit = -1;

    while (bytes >= 1024 && unit < (int)sizeof units - 2) {
        bytes /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(ret_text, size, "%.0f bytes", bytes);
    else
        snprintf(ret_text, size, bytes < 10 && bytes != (double)(int)bytes ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

static size_t widest_name(const cJSON *object, size_t prefix_length)
{
    const cJSON *member;
    size_t widest = 0;

    cJSON_ArrayForEach(member, object) {
        size_t width = prefix_length + strlen(member->string);

        if (cJSON_IsObject(member))
            width = widest_name(member, width + 1);
        if (width > widest)
            widest = width;
    }
    return widest;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);

    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

static bool is_size(const char *name)
{
    return ends_with(name, "_bytes") || strncmp(name, "bytes_", 6) == 0;
}

static void print_scalar(const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);
    char quantity[32];

    if (cJSON_IsNumber(value) && ends_with(value->string, "_ms")) {
        output_duration(value->valuedouble, quantity, sizeof quantity);
        text = quantity;
    } else if (cJSON_IsNumber(value) && is_size(value->string)) {
        output_size(value->valuedouble, quantity, sizeof quantity);
        text = quantity;
    }
    if (text) {
        output_text(stdout, text);
        putchar('\n');
    } else {
        output_json_line(value);
    }
}

static void print_members(const cJSON *object, const char *prefix, size_t width)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object) {
        char name[128];

        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", member->string);
        if (ends_with(name, "_ms"))
            name[strlen(name) - 3] = '\0';
        if (cJSON_IsObject(member)) {
            print_members(member, name, width);
        } else {
            char shown[4 * sizeof name];

            output_escape(name, shown, sizeof shown);
            printf("%-*s  ", (int)width, shown);
            print_scalar(member);
        }
    }
}

void output_members(const cJSON *object)
{
    print_members(object, "", widest_name(object, 0));
}

void output_members_of_loop(bool owner, double workers, double guests, char *ret_text, size_t size)
{
    int length = 0;

    ret_text[0] = '\0';
    if (owner)
        length = snprintf(ret_text, size, "owner");
    else if (workers > 0)
        length = snprintf(ret_text, size, "%.0fw", workers);
    if (guests > 0)
        snprintf(ret_text + length, size - (size_t)length, "%s%.0fg", length > 0 ? "+" : "", guests);
}
