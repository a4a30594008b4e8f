/* SPDX-License-Identifier: MIT */
/*
 * What `wait` waits for, as people type it: HOST:PORT or tcp://HOST:PORT, unix:/PATH, http://... and https://...
 */
#ifndef MINIMIO_CLIENT_CTL_WAIT_TARGET_H
#define MINIMIO_CLIENT_CTL_WAIT_TARGET_H

enum wait_kind { WAIT_TCP, WAIT_UNIX, WAIT_HTTP };

struct wait_target {
    enum wait_kind kind;
    const char *text;  /* as it was typed */
    const char *place; /* within `text`: host:port, the path, the whole URL */
};

/* NULL: `*ret_target` was read; else what is wrong with the text. The target points into `text`. */
const char *wait_target_read(const char *text, struct wait_target *ret_target);

#endif
