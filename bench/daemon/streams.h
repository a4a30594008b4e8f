/* SPDX-License-Identifier: MIT */
/*
 * TCP connections over the loopback: the near end is registered, the far end makes it ready.
 *
 * A set of them has its ends in two processes beside the bench, so that there may be as many as a process has
 * descriptors, and their work is nobody's that is measured.
 */
#ifndef MINIMIO_BENCH_STREAMS_H
#define MINIMIO_BENCH_STREAMS_H

#include "bench/daemon/process.h"

struct streams {
    int count;
    struct process near, far;
};

/* Gives the near ends from `first` on to whom it may concern: at most DESCRIPTORS_MAX, which are closed afterwards. */
typedef void streams_taker(void *taker, const int *near, int first, int count);

void streams_open(struct streams *streams, int count, streams_taker *take, void *taker);

/* They are gone when `taker` has closed them too; no port is left waiting. */
void streams_close(struct streams *streams);

/* A byte to each of `count` streams from `first` on, `step` apart; and out of each. */
void streams_fire(const struct streams *streams, int first, int step, int count);
void streams_drain(const struct streams *streams, int first, int step, int count);

/* A streams_taker: `taker` is a struct registrar's, which registers with a session under the index. */
struct registrar {
    int session;
    const char *mode;
};
void streams_register(void *registrar, const int *near, int first, int count);

/* Likewise, and the replies are still to come. */
void streams_send_registers(const struct registrar *how, const int *near, int first, int count);

/* ---- Without processes ------------------------------------------------------------------------------------------ */

void pairs_open(int *ret_near, int *ret_far, int count);
void pairs_close(const int *near, const int *far, int count);

/* A listening socket; `*ret_port` is its port. */
int listener_open(int *ret_port);

/* Closes at once, so that the port does not wait for late packets. */
void close_hard(int fd);

#endif
