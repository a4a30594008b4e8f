/* SPDX-License-Identifier: MIT */
/*
 * A configuration file for tests, in $TMPDIR or /tmp, and sessions of other users.
 */
#ifndef MINIMIO_TESTS_DAEMON_CONF_H
#define MINIMIO_TESTS_DAEMON_CONF_H

#include "tests/daemon/fixture.h"

#include <sys/types.h>

extern char conf_path[128];

/* Writes the file, or writes it anew; printf's way. */
void conf_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
void conf_write_bytes(const void *data, size_t length);
void conf_remove(void);

/* A daemon with that file, and more arguments, as set_up_with; tear_down_conf ends it and takes the file away. */
void set_up_conf(const char *const *arguments);
void tear_down_conf(void);

/* Waits until the daemon's log holds the text; what came before the last call is not looked at. */
void await_log(const char *text);

/* For a daemon that was not started by set_up_conf: its log is looked at from its beginning. */
void forget_log(void);

/* Has the file read again, and waits for the daemon to say how that went. */
void reload_well(void);
void reload_in_vain(void);

/* Whether other users can be played here: only root can. Says so if not. */
bool can_be_others(void);

/* As wire_open to `minimiod`, which must have --socket-mode 0666, as another user. */
void wire_open_as(struct wire *ret_wire, uid_t uid, gid_t gid, const gid_t *groups, size_t count);

#endif
