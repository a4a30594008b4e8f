/* SPDX-License-Identifier: MIT */
/*
 * Text of others as it may stand in a line of ours: printable ASCII, so that nobody forges a line or speaks to a
 * terminal. Any other byte, and the backslash, becomes `\x1b`.
 */
#ifndef MINIMIO_DAEMON_BASE_ESCAPE_H
#define MINIMIO_DAEMON_BASE_ESCAPE_H

#include <stddef.h>

/* Writes as much of the text as fits whole, and a NUL behind it; `size` is at least 1. Returns the length. */
size_t escape_text(const char *text, char *ret_text, size_t size);

#endif
