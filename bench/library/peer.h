/* SPDX-License-Identifier: MIT */
/*
 * A peer is a way to wait for descriptors: libminimio, bare epoll, or one of three libraries.
 *
 * A peer has one queue at a time and knows each source by its index. A peer that defers changes (a library that gathers
 * changes until the next wait) applies the changes in `flush`. No function may fail: `need` ends the bench.
 */
#ifndef MINIMIO_BENCH_PEER_H
#define MINIMIO_BENCH_PEER_H

#include <stdbool.h>

enum mode { LEVEL, EDGE, ONESHOT, MODES };
enum { MINIMIO, EPOLL, LIBEV, LIBEVENT, LIBUV, PEERS };

/* The largest number of ready sources, so that one wait reports all. */
#define BATCH 1024

struct peer {
    const char *name;
    bool has[MODES];
    void (*open)(const int *fds, int count, enum mode mode);
    void (*add)(int index);    /* registers for reading */
    void (*change)(int index); /* reregisters; the peer then reports present readiness again */
    void (*remove)(int index);
    void (*flush)(void); /* NULL: add, change and remove already call the kernel */
    void (*turn)(void);  /* waits once, and calls handle() for each event; re-arms a ONESHOT source */
    void (*close)(void);
};

extern const struct peer peer_minimio, peer_epoll, peer_libev, peer_libevent, peer_libuv;

/* Every peer calls this function for an event of the source `index`. */
void handle(int index);

/* Ends the bench with errno's message unless `ok`. */
void need(bool ok, const char *what);

#endif
