/* SPDX-License-Identifier: MIT */
/* The lookup on other platforms: only the system's lookup. */
#include "names/lookup.h"

int lookup_name(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    return getaddrinfo(host, service, hints, ret_list);
}
