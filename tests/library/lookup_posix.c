/* SPDX-License-Identifier: MIT */
/* The replaced lookup where the program's own getaddrinfo stands in front of the C library's. */
#include "tests/library/lookup.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef int (*getaddrinfo_function)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int (*lookup_many)(struct addrinfo **ret_list);
int (*lookup_any)(const char *node, const char *service, const struct addrinfo *hints);

/* A node of the kind that the C library's freeaddrinfo frees: the address lies in the same allocation. */
struct addrinfo *lookup_node(const struct sockaddr_storage *address)
{
    struct addrinfo *node = calloc(1, sizeof(*node) + sizeof(*address));

    node->ai_family = address->ss_family;
    node->ai_socktype = SOCK_STREAM;
    node->ai_addrlen = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    node->ai_addr = memcpy(node + 1, address, sizeof(*address));
    return node;
}

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **ret_list)
{
    if (lookup_any)
        return lookup_any(node, service, hints);
    if (lookup_many && node && strcmp(node, "many.test") == 0)
        return lookup_many(ret_list);
    return ((getaddrinfo_function)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, ret_list);
}
