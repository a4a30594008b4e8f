/* SPDX-License-Identifier: MIT */
/*
 * What a stream's own calls tell the selectors, for AFD does not: every queue in which the socket is registered is
 * told. Any thread.
 */
#ifndef MINIMIO_SELECTOR_WINDOWS_H
#define MINIMIO_SELECTOR_WINDOWS_H

#include "libminimio/minimio.h"

/* A call met the end of what there was, in the directions of `interests`. */
void selector_windows_rearm(SOCKET socket, minimio_interests interests);

/* The program has shut it down: these flags of READINESS_…_CLOSED hold from now on. */
void selector_windows_shut(SOCKET socket, uint32_t closed);

#endif
