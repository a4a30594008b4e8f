/* SPDX-License-Identifier: MIT */
/*
 * HOST:PORT as people type it.
 */
#ifndef MINIMIO_CLIENT_TARGET_H
#define MINIMIO_CLIENT_TARGET_H

/* NULL if `text` is "host:port" or "[v6]:port" with a port from 1 to 65535, else what is wrong with it. */
const char *target_fault(const char *text);

#endif
