/* SPDX-License-Identifier: MIT */
/*
 * Lines of events. The file has no state.
 */
#include "client/ctl/output.h"

#include "proto/methods.h"

#include <inttypes.h>
#include <stdio.h>

void readiness_text(uint32_t readiness, char ret_text[READINESS_SIZE])
{
    size_t length = 0;

    ret_text[0] = '\0';
    for (unsigned bit = 0; readiness_names[bit]; bit++)
        if (readiness >> bit & 1)
            length += (size_t)snprintf(ret_text + length, READINESS_SIZE - length, "%s%s", length > 0 ? "," : "",
                                       readiness_names[bit]);
}

static void print_json(uint64_t token, const char *address, uint32_t readiness)
{
    printf("{\"token\":%" PRIu64 ",\"address\":", token);
    output_json_string(address);
    for (unsigned bit = 0; readiness_names[bit]; bit++)
        if (readiness >> bit & 1)
            printf(",\"%s\":true", readiness_names[bit]);
    puts("}");
}

int output_address_width(const char *address)
{
    char shown[OUTPUT_ADDRESS_SIZE];

    return (int)output_escape(address, shown, sizeof shown);
}

void output_event(const struct output_event_layout *layout, uint64_t token, const char *address, uint32_t readiness)
{
    char text[READINESS_SIZE], shown[OUTPUT_ADDRESS_SIZE];

    if (layout->json) {
        print_json(token, address, readiness);
        return;
    }
    readiness_text(readiness, text);
    output_escape(address, shown, sizeof shown);
    printf("%-*" PRIu64 "  %-*s  %s\n", layout->token_width, token, layout->address_width, shown, text);
}
