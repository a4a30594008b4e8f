/* SPDX-License-Identifier: MIT */
/*
 * Several sessions with the daemon of the fixture, to enter one loop in their roles. The loop is "x" everywhere. The
 * session of the fixture, `wire`, is free to be the guest who gives them work. What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_DAEMON_CREW_H
#define MINIMIO_TESTS_DAEMON_CREW_H

#include "tests/daemon/fixture.h"

#define CREW 4

extern struct wire crew[CREW];

/* A test case with the fixture and the crew, added to the suite. */
TCase *add_crew_case(Suite *suite, const char *name);

void crew_open(void);
void crew_close(void);

/* Enters the loop, with more parameters such as ",'prefetch':2". */
const cJSON *enter(struct wire *on, const char *role, const char *more);

/* The first so many of the crew enter as workers in this order, and `wire` as guest. */
void crew_work(int workers, const char *more);

/* A session that died, and a new one in its place, in no named loop. Returns when the daemon knows of the death. */
void die(struct wire *session);

/* Registers a connection that is always writable, and waits for that: it is ready at once, whenever it is armed.
 * Returns the peer's end. */
int add_work(struct wire *on, uint64_t token);

/* The next event is that the token is writable, for the first time or again. */
void expect_work(struct wire *on, uint64_t token);
void expect_work_again(struct wire *on, uint64_t token);

void finish_work(struct wire *on, uint64_t token); /* reregister, without changes */

/* Says a poll with this id and parameters. */
void say_poll(struct wire *on, const char *id, const char *params);

/* The next line is the answer to it, and has this one event of writable; or none. */
void expect_polled(struct wire *on, const char *id, uint64_t token);
void expect_polled_again(struct wire *on, const char *id, uint64_t token);
void expect_polled_nothing(struct wire *on, const char *id);

/* Whether `list` shows the token as leased, and its state. */
bool is_leased(struct wire *on, uint64_t token);
const char *state_of(struct wire *on, uint64_t token);

#endif
