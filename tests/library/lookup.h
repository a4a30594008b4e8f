/* SPDX-License-Identifier: MIT */
/*
 * The system's name lookup, replaced in the whole test program: it knows a name "many.test" besides, whose addresses
 * are a test's to give.
 */
#ifndef MINIMIO_TESTS_LIBRARY_LOOKUP_H
#define MINIMIO_TESTS_LIBRARY_LOOKUP_H

#include "tests/library/support.h"

/* What a lookup of that name gives; or NULL, and it is a name like any other. */
extern int (*lookup_many)(struct addrinfo **ret_list);

/* What a lookup of any name gives; NULL: the above. Where the lookup is the C library's alone. */
extern int (*lookup_any)(const char *node, const char *service, const struct addrinfo *hints);

/* An address for such a list, which freeaddrinfo frees. */
struct addrinfo *lookup_node(const struct sockaddr_storage *address);

#endif
