/* SPDX-License-Identifier: MIT */
/*
 * TCP connections on the loopback: the near end is registered, the far end makes the near end ready.
 *
 * The ends are in two further processes, so that there may be as many connections as a process has descriptors. The CPU
 * time of the two processes is not measured.
 */
#ifndef MINIMIO_BENCH_STREAMS_H
#define MINIMIO_BENCH_STREAMS_H

#include "bench/daemon/process.h"

struct streams {
    int count;
    struct process near, far;
};

/* Passes the near ends from `first` on to the taker: at most DESCRIPTORS_MAX at a time, closed afterwards. */
typedef void streams_taker(void *taker, const int *near, int first, int count);

void streams_open(struct streams *streams, int count, streams_taker *take, void *taker);

/* The connections end once `taker` has closed its copies; no port stays in TIME_WAIT. */
void streams_close(struct streams *streams);

/* Sends a byte to each of `count` streams from `first` on, `step` apart; reads a byte from each. */
void streams_fire(const struct streams *streams, int first, int step, int count);
void streams_drain(const struct streams *streams, int first, int step, int count);

/* A streams_taker: `taker` is a struct registrar; registers each stream with the session, under its index. */
struct registrar {
    int session;
    const char *mode;
};
void streams_register(void *registrar, const int *near, int first, int count);

/* As streams_register, without waiting for the replies. */
void streams_send_registers(const struct registrar *how, const int *near, int first, int count);

/* ---- Without processes ------------------------------------------------------------------------------------------ */

void pairs_open(int *ret_near, int *ret_far, int count);
void pairs_close(const int *near, const int *far, int count);

/* Opens a listening socket; `*ret_port` is the port. */
int listener_open(int *ret_port);

/* Closes with a reset, so that the port does not stay in TIME_WAIT. */
void close_hard(int fd);

#endif
