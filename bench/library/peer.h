/* SPDX-License-Identifier: MIT */
/*
 * One way to wait for descriptors, as the bench sees it: libminimio, bare epoll, or one of three libraries.
 *
 * A peer has one queue at a time and knows each source by its index. What it cannot do at once (a library that gathers
 * changes until its next wait) it does in `flush`. Nothing may fail: `need` ends the bench.
 */
#ifndef MINIMIO_BENCH_PEER_H
#define MINIMIO_BENCH_PEER_H

#include <stdbool.h>

enum mode { LEVEL, EDGE, ONESHOT, MODES };
enum { MINIMIO, EPOLL, LIBEV, LIBEVENT, LIBUV, PEERS };

/* No more sources than this are ready at a time, so that one wait finds them all. */
#define BATCH 1024

struct peer {
    const char *name;
    bool has[MODES];
    void (*open)(const int *fds, int count, enum mode mode);
    void (*add)(int index);    /* register for reading */
    void (*change)(int index); /* register anew what is registered; what is ready is then reported again */
    void (*remove)(int index);
    void (*flush)(void); /* NULL: add, change and remove have told the kernel themselves */
    void (*turn)(void);  /* one wait, and handle() for each event; under ONESHOT the source is then armed again */
    void (*close)(void);
};

extern const struct peer peer_minimio, peer_epoll, peer_libev, peer_libevent, peer_libuv;

/* What every peer calls for an event of the source `index`. */
void handle(int index);

/* Ends the bench with errno's message unless `ok`. */
void need(bool ok, const char *what);

#endif
