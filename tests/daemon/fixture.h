/* SPDX-License-Identifier: MIT */
/*
 * What every test of the daemon begins with: a daemon, a session with it, and a TCP port whose accepted connections
 * are the other ends of the streams that it registers.
 */
#ifndef MINIMIO_TESTS_DAEMON_FIXTURE_H
#define MINIMIO_TESTS_DAEMON_FIXTURE_H

#include "proto/methods.h"
#include "tests/client/network.h"
#include "tests/daemon/wire.h"
#include "tests/process.h"

#include <check.h>

#define CLOSED (READY_READABLE | READY_READ_CLOSED) /* what a FIN looks like to one who reads */

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LENGTH(array)  ((int)(sizeof(array) / sizeof((array)[0])))

extern struct minimiod minimiod;
extern struct wire wire; /* a session with it */
extern struct port port;

/* Check's fixture; set_up_with takes more arguments for minimiod, NULL-ended. */
void set_up(void);
void set_up_with(const char *const *arguments);
void tear_down(void);

/* A test case with that fixture and this name, added to the suite. */
TCase *add_case(Suite *suite, const char *name);

/* Registers a connection to the port, with more parameters such as ",'mode':'edge'"; returns the port's end of it. */
int open_stream(struct wire *on, uint64_t token, const char *more);

void write_byte(int fd);
void expect_eof(int fd);                            /* the peer has closed, and sent nothing */
void reset(int fd);                                 /* closes with an RST */
int64_t counter(struct wire *on, const char *name); /* a member of stats */

/* Returns once the daemon carries out no request but those of this session. */
void await_idle(struct wire *on);

/* Calls hello without reading until the daemon takes no more; returns how many replies are to be read. */
void fill_until_blocked(struct wire *slow, int *ret_sent);

/* Starts minimiod under a low descriptor limit; to be ended with stop_minimiod. */
void start_with_descriptors(struct minimiod *daemon, int descriptors);

/* Likewise, without what root may do more than others. */
void start_without_privileges(struct minimiod *daemon, int descriptors);

int64_t cpu_ticks(pid_t pid); /* what a process has used of the processor, in clock ticks */

#endif
