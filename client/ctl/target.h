/* SPDX-License-Identifier: MIT */
/*
 * HOST:PORT as people type it.
 */
#ifndef MINIMIO_CLIENT_CTL_TARGET_H
#define MINIMIO_CLIENT_CTL_TARGET_H

/* NULL if `text` is what endpoint_parse reads, else what is wrong with the text. */
const char *target_fault(const char *text);

#endif
