/* SPDX-License-Identifier: MIT */
/*
 * libbsd's red-black tree, generated for one source file. Its own RB_GENERATE_STATIC needs a `__unused` that glibc
 * does not have.
 */
#ifndef MINIMIO_DAEMON_BASE_TREE_H
#define MINIMIO_DAEMON_BASE_TREE_H

#include <bsd/sys/tree.h>

#define TREE_GENERATE(name, type, field, compare)                                                                      \
    RB_GENERATE_INTERNAL(name, type, field, compare, __attribute__((unused)) static)

#endif
