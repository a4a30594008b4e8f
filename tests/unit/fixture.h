/* SPDX-License-Identifier: MIT */
/*
 * The daemon's sessions, loops and methods in the process of a test, without the server, a listener and a service
 * manager. The test runs the turns, so the order of steps is the test's choice. Failures fail the test.
 */
#ifndef MINIMIO_TESTS_UNIT_FIXTURE_H
#define MINIMIO_TESTS_UNIT_FIXTURE_H

#include "daemon/sessions/session.h"

/* Turns after which no piece of work is left in these tests. */
#define TURNS 12

/* More allocations than any step of these tests makes. */
#define ALLOCATIONS_MAX 200

extern struct context context;
extern struct config config;

/* A checked fixture. The tear-down ends all sessions and loops, and checks that no account counts anything. */
void fixture_set_up(void);
void fixture_tear_down(void);

/* Runs turns that do not wait. */
void fixture_run_turns(int count);

/* Runs one turn in which no task runs: the kernel's events are collected. */
void fixture_collect_events(void);

/* Runs a queued task outside a slice: the task's piece of work is over at the first look at the clock. */
void fixture_run_piece(struct task *task);

/*
 * Opens a session, and returns the client's end of the socket. From the `fail_at`th allocation on, unless negative, the
 * session's allocations fail; then `*ret_session` is NULL.
 */
int fixture_open_session(long fail_at, struct session **ret_session);
int fixture_open_client(struct session **ret_session);

/* Ends the client, and runs the session's end. */
void fixture_close_client(int client);

void fixture_say(int client, const char *text);

/* Sends the text, and has the session read and dispatch the text without a turn: no event and no timer comes between.
 */
void fixture_feed(struct session *session, int client, const char *text);

/* Receives what the client got, and checks that the text contains `part`. */
void fixture_expect_answer(int client, const char *part);

/* Whether the client got nothing yet. */
bool fixture_has_no_answer(int client);

/* Both ends of a Unix socket, non-blocking. */
void fixture_make_pair(int ret_ends[2]);

/* Adds an adopted stream, charged to the loop's account, and returns the other end of the stream's socket. */
int fixture_add_stream(struct loop *loop, uint64_t token, uint8_t interests, uint8_t mode, struct stream **ret_stream);

/* Runs `violate` in a child process: the child must abort and log `condition`. */
void fixture_expect_violation(void (*violate)(void), const char *condition);

#endif
