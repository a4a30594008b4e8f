/* SPDX-License-Identifier: MIT */
/*
 * The system's connect, replaced in the whole test program: to one address it connects from an address that a test
 * gives, the very same for instance, so that a socket gets connected to itself. Otherwise chance brings that about.
 */
#ifndef MINIMIO_TESTS_LIBRARY_OWN_PORT_H
#define MINIMIO_TESTS_LIBRARY_OWN_PORT_H

#include "tests/library/support.h"

/* NULL: connect is as it is. */
extern const struct sockaddr_storage *connect_to, *connect_from;

/* Where a connect to `address` is to come from; NULL: from where the system has it. */
const struct sockaddr *connect_source(const struct sockaddr *address, socklen_t length);

#endif
