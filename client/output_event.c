/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include <stdio.h>

static const char *const flags[] = {"readable", "writable", "read_closed", "write_closed", "error"};
#define FLAGS (sizeof(flags) / sizeof(flags[0]))

static bool has_flag(const cJSON *event, const char *flag)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(event, flag));
}

static void print_json(double token, const char *address, const cJSON *event)
{
    printf("{\"token\":%.0f,\"address\":", token);
    output_json_string(address);
    for (size_t i = 0; i < FLAGS; i++)
        if (has_flag(event, flags[i]))
            printf(",\"%s\":true", flags[i]);
    puts("}");
}

static void print_text(const struct output_event_layout *layout, double token, const char *address, const cJSON *event)
{
    const char *separator = "";

    printf("%-*.0f  %-*s  ", layout->token_width, token, layout->address_width, address);
    for (size_t i = 0; i < FLAGS; i++)
        if (has_flag(event, flags[i])) {
            printf("%s%s", separator, flags[i]);
            separator = ",";
        }
    putchar('\n');
}

void output_event(const struct output_event_layout *layout, const char *address, const cJSON *event)
{
    double token = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(event, "token"));

    if (layout->json)
        print_json(token, address, event);
    else
        print_text(layout, token, address, event);
}
