/* SPDX-License-Identifier: MIT */
/* The measured daemon, sessions, and pings. A failure ends the bench. */
#ifndef MINIMIO_BENCH_NEIGHBOURS_SERVICE_H
#define MINIMIO_BENCH_NEIGHBOURS_SERVICE_H

#include <stdint.h>

#define PING       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n"
#define PING_BYTES (sizeof(PING) - 1)

_Noreturn void fail(const char *what);
int64_t now_ns(void);

/* Pins the process to a processor, if there are two: on one processor, programs of the same priority would wait for
 * each other. */
void keep_to_processor(int number);

/* Starts the daemon of the build that contains `own_path`, on the second processor. */
void service_start(const char *own_path);
void service_stop(void);

int open_session(void);
void say_ping(int fd);
void await_reply(int fd);

/* The number of requests that the daemon has completed; `fd` is a session without requests in flight. */
long long requests_done(int fd);

#endif
