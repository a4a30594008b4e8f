/* SPDX-License-Identifier: MIT */
/*
 * Escapes untrusted text for output of the daemon, so that no client can forge a line or control a terminal. Printable
 * ASCII stays; any other byte, and the backslash, becomes `\x1b`.
 *
 * Owns nothing. Calls nothing.
 */
#ifndef MINIMIO_DAEMON_BASE_ESCAPE_H
#define MINIMIO_DAEMON_BASE_ESCAPE_H

#include <stddef.h>

/* Writes the escaped text, truncated to whole characters, and a NUL; `size` is at least 1. Returns the length. */
size_t escape_text(const char *text, char *ret_text, size_t size);

#endif
