/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libcurl, which is loaded when an address needs it: minimioctl runs without it. The declarations are those of
 * libcurl.so.4, whose binary interface has not changed since 2006; the functions are documented in curl_easy_setopt(3)
 * and its neighbours.
 */
#ifndef MINIMIO_CLIENT_CTL_CURL_H
#define MINIMIO_CLIENT_CTL_CURL_H

#include <stddef.h>
#include <stdint.h>

/* Loads libcurl. Before there are other threads. NULL: it is loaded; else why it cannot be, for people. */
const char *curl_load(void);

/* NULL: libcurl takes this for a URL, or is too old to be asked; else what is wrong with it. */
const char *curl_url_fault(const char *url);

/*
 * Asks for a URL over a connection of its own; follows no redirection, and verifies the certificate. May be called by
 * several threads. Returns 0 if a server answered within `timeout_ns`, with the status, such as 200. Errors: a negative
 * errno where that is the reason, -ENOENT: no such host, -ETIMEDOUT; else one that curl_reason explains.
 */
int curl_ask(const char *url, int64_t timeout_ns, long *ret_status);

/* The text of an error of curl_ask that is no errno; NULL: it is one. */
const char *curl_reason(int error);

#endif
