/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libcurl, loaded at run time for URLs only: minimioctl runs without libcurl. The declarations match
 * libcurl.so.4, the binary interface since 2006; see curl_easy_setopt(3) and related manual pages.
 */
#ifndef MINIMIO_CLIENT_CTL_CURL_H
#define MINIMIO_CLIENT_CTL_CURL_H

#include <stddef.h>
#include <stdint.h>

/* Loads libcurl. Call before starting threads. NULL: success; else the error, for people. */
const char *curl_load(void);

/* Returns the error of an invalid URL. NULL: libcurl accepts the URL, or is too old to check URLs. */
const char *curl_url_fault(const char *url);

/*
 * Requests a URL over a new connection, follows no redirect, and verifies the certificate. Thread-safe. Returns 0 and
 * the HTTP status if a server answered within `timeout_ns`. Errors: a negative errno; -ENOENT, unknown host;
 * -ETIMEDOUT; else an error of libcurl, which curl_reason explains.
 */
int curl_ask(const char *url, int64_t timeout_ns, long *ret_status);

/* The text of an error of curl_ask; NULL: the error is an errno. */
const char *curl_reason(int error);

#endif
