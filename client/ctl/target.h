/* SPDX-License-Identifier: MIT */
/*
 * Check of HOST:PORT arguments.
 */
#ifndef MINIMIO_CLIENT_CTL_TARGET_H
#define MINIMIO_CLIENT_CTL_TARGET_H

/* NULL: endpoint_parse accepts `text`; else the error, for people. */
const char *target_fault(const char *text);

#endif
