/* SPDX-License-Identifier: MIT */
/*
 * The replaced lookup on Windows: calls of a library go through a pointer that the linker takes from the import
 * library, unless the program has one of that name.
 */
#include "tests/library/lookup.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

typedef int(WSAAPI *getaddrinfo_function)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef void(WSAAPI *freeaddrinfo_function)(struct addrinfo *);

#define OUR_OWN 0x4d4d /* in ai_flags, which has no such bits */

int (*lookup_many)(struct addrinfo **ret_list);

struct addrinfo *lookup_node(const struct sockaddr_storage *address)
{
    struct addrinfo *node = calloc(1, sizeof(*node) + sizeof(*address));

    ck_assert_ptr_nonnull(node);
    node->ai_flags = OUR_OWN;
    node->ai_family = address->ss_family;
    node->ai_socktype = SOCK_STREAM;
    node->ai_addrlen = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    node->ai_addr = memcpy(node + 1, address, sizeof(*address));
    return node;
}

static FARPROC winsock_s(const char *name)
{
    return GetProcAddress(GetModuleHandleA("ws2_32.dll"), name);
}

static int WSAAPI replaced_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                       struct addrinfo **ret_list)
{
    if (lookup_many && node && strcmp(node, "many.test") == 0)
        return lookup_many(ret_list);
    return ((getaddrinfo_function)(void *)winsock_s("getaddrinfo"))(node, service, hints, ret_list);
}

static void WSAAPI replaced_freeaddrinfo(struct addrinfo *list)
{
    if (list->ai_flags != OUR_OWN) {
        ((freeaddrinfo_function)(void *)winsock_s("freeaddrinfo"))(list);
        return;
    }
    while (list) {
        struct addrinfo *node = list;
        list = list->ai_next;
        free(node);
    }
}

extern getaddrinfo_function __imp_getaddrinfo;
extern freeaddrinfo_function __imp_freeaddrinfo;
getaddrinfo_function __imp_getaddrinfo = replaced_getaddrinfo;
freeaddrinfo_function __imp_freeaddrinfo = replaced_freeaddrinfo;
