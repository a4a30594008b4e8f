/* SPDX-License-Identifier: MIT */
#ifndef MINIMIO_TESTS_LIBRARY_IPV6_H
#define MINIMIO_TESTS_LIBRARY_IPV6_H

#include <stdbool.h>

/* For TEST_NEEDS. */
#define IPV6 "IPv6 on the loopback interface"

/* Can ::1 be bound to? A kernel may have IPv6 and no address of the family. */
bool has_ipv6(void);

#endif
