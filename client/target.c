/* SPDX-License-Identifier: MIT */
#include "client/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_port(const char *text)
{
    size_t length = strspn(text, "0123456789");
    long port;

    if (length == 0 || length > 5 || text[length] != '\0')
        return false;
    port = strtol(text, NULL, 10);
    return port >= 1 && port <= 65535;
}

const char *target_fault(const char *text)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';

    if (!colon)
        return "missing port; use HOST:PORT";
    if (colon == text)
        return "missing host; use HOST:PORT";
    if (bracketed != (colon[-1] == ']') || (bracketed && colon - text < 4))
        return "use [ADDRESS]:PORT for an IPv6 address";
    if (!bracketed && memchr(text, ':', (size_t)(colon - text)))
        return "use [ADDRESS]:PORT for an IPv6 address";
    return is_port(colon + 1) ? NULL : "the port is an integer from 1 to 65535";
}
