/* SPDX-License-Identifier: MIT */
/*
 * Events that AFD does not report, passed from a stream's calls to every queue in which the socket is registered.
 * Callable from any thread.
 */
#ifndef MINIMIO_SELECTOR_WINDOWS_H
#define MINIMIO_SELECTOR_WINDOWS_H

#include "libminimio/minimio.h"

/* A call exhausted the socket in the directions of `interests`. */
void selector_windows_rearm(SOCKET socket, minimio_interests interests);

/* The program has shut down the socket: the flags READINESS_…_CLOSED in `closed` hold from now on. */
void selector_windows_shut(SOCKET socket, uint32_t closed);

#endif
