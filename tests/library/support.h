/* SPDX-License-Identifier: MIT */
/*
 * What the tests of libminimio share: a queue as a fixture, sockets on the loopback, and the awaiting of events.
 * What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_LIBRARY_SUPPORT_H
#define MINIMIO_TESTS_LIBRARY_SUPPORT_H

#include "libminimio/minimio.h"

#include <check.h>

#define MS       INT64_C(1000000)
#define S        INT64_C(1000000000)
#define PLENTY   (20 * S)  /* for what is sure to come */
#define A_MOMENT (20 * MS) /* for what is not to come */

/* Which backend the build chose. */
#ifndef EXPECTED_BACKEND
#define EXPECTED_BACKEND "epoll"
#endif

#define ASYNC_CASE_TIMEOUT_S 120 /* of a test case, in Check's whole seconds: for valgrind too */

/* A queue for each test, by set_up_queue and tear_down_queue as a checked fixture. */
extern struct minimio_poll *queue;
extern struct minimio_registrator *registrator;
void set_up_queue(void);
void tear_down_queue(void);

/* A TCP stream and the other end of its connection, a blocking descriptor. */
struct pair {
    struct minimio_tcp_stream *stream;
    int peer;
};
void pair_open(struct pair *ret_pair);
void pair_close(struct pair *pair); /* what is NULL or -1 is closed already */

/* A listening socket on the loopback of that family, and its address. */
int listen_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length);

/* Both ends of a connected pair of Unix sockets. */
void unix_pair(int ret_fds[2]);

/* Makes the peer's next close a reset. */
void reset_on_close(int fd);

/* Writes until the stream takes no more; returns how many bytes it took. */
size_t fill(struct minimio_tcp_stream *stream);

/* Reads everything that is there. Returns how many bytes. */
size_t drain(struct minimio_tcp_stream *stream);

void send_text(int fd, const char *text);

/* Awaits one event, which must come alone. */
struct minimio_event await_event(void);

/* Awaits events of `token` until one has what `has` asks for; others fail the test. */
struct minimio_event await_flag(minimio_token token, bool (*has)(const struct minimio_event *));

/* Nothing comes: neither now nor in a moment. */
#define assert_quiet() assert_quiet_at(__LINE__)
void assert_quiet_at(int line);

int64_t now_ns(void);

/* How many descriptors this process has open. */
int open_descriptors(void);

/* A sanitizer or valgrind slows this down: bounds on being late are not checked, which is printed once. */
bool is_slowed_down(void);

#endif
