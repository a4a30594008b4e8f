/* SPDX-License-Identifier: MIT */
/*
 * Targets of `wait`: HOST:PORT or tcp://HOST:PORT, unix:/PATH, http://... and https://...
 */
#ifndef MINIMIO_CLIENT_CTL_WAIT_TARGET_H
#define MINIMIO_CLIENT_CTL_WAIT_TARGET_H

enum wait_kind { WAIT_TCP, WAIT_UNIX, WAIT_HTTP };

struct wait_target {
    enum wait_kind kind;
    const char *text;  /* as typed */
    const char *place; /* part of `text`: host:port, the path, or the URL */
};

/* NULL: success, the target points into `text`; else the error, for people. */
const char *wait_target_read(const char *text, struct wait_target *ret_target);

#endif
