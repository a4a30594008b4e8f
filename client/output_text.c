/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include <stdio.h>
#include <string.h>

/* ---- Members ---------------------------------------------------------------------------------------------------- */

static size_t widest_name(const cJSON *object, size_t prefix_length)
{
    const cJSON *member;
    size_t widest = 0;

    cJSON_ArrayForEach(member, object)
    {
        size_t width = prefix_length + strlen(member->string);

        if (cJSON_IsObject(member))
            width = widest_name(member, width + 1);
        if (width > widest)
            widest = width;
    }
    return widest;
}

static void print_scalar(const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);

    if (text)
        printf("%s\n", text);
    else
        output_json_line(value);
}

static void print_members(const cJSON *object, const char *prefix, size_t width)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object)
    {
        char name[128];

        snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", member->string);
        if (cJSON_IsObject(member)) {
            print_members(member, name, width);
        } else {
            printf("%-*s  ", (int)width, name);
            print_scalar(member);
        }
    }
}

void output_members(const cJSON *object)
{
    print_members(object, "", widest_name(object, 0));
}

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

static int column_width(const char *const *cells, size_t rows, size_t columns, size_t column)
{
    size_t widest = 0;

    for (size_t row = 0; row < rows; row++) {
        size_t width = strlen(cells[row * columns + column]);

        if (width > widest)
            widest = width;
    }
    return (int)widest;
}

/* The last column is not padded: no line ends in white space. */
void output_table(const char *const *cells, size_t rows, size_t columns)
{
    int widths[16];

    for (size_t column = 0; column < columns; column++)
        widths[column] = column_width(cells, rows, columns, column);
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column + 1 < columns; column++)
            printf("%-*s  ", widths[column], cells[row * columns + column]);
        printf("%s\n", cells[row * columns + columns - 1]);
    }
}
