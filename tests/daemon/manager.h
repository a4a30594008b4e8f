/* SPDX-License-Identifier: MIT */
/*
 * A service manager for tests: it starts the daemon with what it keeps, listens to what the daemon says, and keeps the
 * descriptors that it is given. What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_DAEMON_MANAGER_H
#define MINIMIO_TESTS_DAEMON_MANAGER_H

/* Makes a manager that keeps nothing. */
void manager_open(void);

/* Keeps this descriptor too, which is the manager's from here on. */
void manager_keep(const char *name, int fd);

/* Lets go of what is kept under this name. Returns whether there was something. */
int manager_drop(const char *name);

/* What is kept under this name, borrowed; -1: nothing. */
int manager_kept(const char *name);

/* Starts `minimiod` of the fixture with more arguments (NULL-ended), and waits until it listens. */
void manager_start(const char *const *arguments);

/* Has it end by this signal. */
void manager_end(int signal_number);

/* Takes what the daemon says until `count` descriptors are kept and that is confirmed. */
void manager_await(int count);

/* Ends the daemon by SIGTERM, and lets go of all. */
void manager_close(void);

#endif
