/* SPDX-License-Identifier: MIT */
/*
 * libbsd's red-black tree, generated as static functions of one source file. libbsd's RB_GENERATE_STATIC needs a macro
 * `__unused`, which glibc does not have.
 *
 * Owns nothing. Calls the comparison alone.
 */
#ifndef MINIMIO_DAEMON_BASE_TREE_H
#define MINIMIO_DAEMON_BASE_TREE_H

#include <bsd/sys/tree.h>

#define TREE_GENERATE(name, type, field, compare)                                                                      \
    RB_GENERATE_INTERNAL(name, type, field, compare, __attribute__((unused)) static)

#endif
