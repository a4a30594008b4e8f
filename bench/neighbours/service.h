/* SPDX-License-Identifier: MIT */
/* The daemon that is measured, sessions with it, and pings. What fails here ends the bench. */
#ifndef MINIMIO_BENCH_NEIGHBOURS_SERVICE_H
#define MINIMIO_BENCH_NEIGHBOURS_SERVICE_H

#include <stdint.h>

#define PING       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n"
#define PING_BYTES (sizeof(PING) - 1)

_Noreturn void fail(const char *what);
int64_t now_ns(void);

/* On a processor of its own, if there are two: programs of one priority on one processor would wait for each other. */
void keep_to_processor(int number);

/* The daemon of the build that `own_path` is in, on the second processor. */
void service_start(const char *own_path);
void service_stop(void);

int open_session(void);
void say_ping(int fd);
void await_reply(int fd);

/* How many requests the daemon has carried out; asked in a session in which nothing is under way. */
long long requests_done(int fd);

#endif
